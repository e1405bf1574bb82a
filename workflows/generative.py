"""The generative answerer: asks a chat model, then holds each sentence against the passage that it cites."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from terakoya.catalogue import text as sentence
from terakoya.protocols import Emit
from terakoya.text.analyser import Analyser
from terakoya.text.language import language_of
from terakoya.text.sentences import sentence_spans
from terakoya.types import Citation, Draft, Passage, Turn
from workflows.composing import cite
from workflows.guarding.delimiting import asked_words, passages_data
from workflows.guarding.output import checked_output
from workflows.guarding.passages import believed, suspicions_in
from workflows.guarding.stream import GuardedStream
from workflows.prompts import Prompts, load_prompt
from workflows.support import Claim

_MARK: Final = re.compile(r"\s?\[(\d{1,3})\]")
_ENTRY: Final = re.compile(r"\n(?=\s*(?:[-*+・]|\d{1,3}[.)])\s)|\n\s*\n")
_PLACEHOLDER: Final = re.compile(r"\{\w+\}")
_LANGUAGES: Final = {"ja": "Japanese", "en": "English"}
_NO_ANSWER: Final = "NO ANSWER"


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    markers: tuple[int, ...]


class GenerativeAnswerer:
    """Answers by a langchain-core chat model, with citation marks that are checked without a model."""

    def __init__(self, model: Any, analyser: Analyser, *, name: str, prompts: Prompts = load_prompt) -> None:
        self._model = model
        self._analyser = analyser
        self._name = name
        self._prompts = prompts

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._name

    def answer(
        self,
        question: str,
        passages: Sequence[Passage],
        *,
        others: Sequence[str] = (),
        history: Sequence[Turn] = (),
        emit: Emit,
    ) -> Draft:
        """Asks the model; see `terakoya.protocols.Answerer`. Unsupported sentences are left out of the draft."""
        language = language_of(question)
        template = self._prompts("answer")
        shown, border = passages_data(passages, question)
        prompt = template.fill(language=_LANGUAGES[language], passages=shown, question=asked_words(question))
        # what may be repeated while it is not yet known what will be cited
        known = [question, *(believed(p) for p in passages)]
        instructions = _PLACEHOLDER.split(template.template)
        stream = GuardedStream(emit, known, instructions=instructions, border=border)
        said, usage = self._stream(prompt, stream)
        kept, citations = self._checked(said, passages, question)
        quotes = [question, *(c.quote for c in citations)]
        kept = checked_output(kept, quotes, instructions=instructions, border=border).text
        if not citations:
            text = sentence("answer.nothing", language=language)
            return Draft(
                text=text,
                answered=False,
                citations=(),
                model=self._name,
                usage=usage,
                prompt=template.mark,
            )
        return Draft(
            text=kept,
            answered=True,
            citations=citations,
            model=self._name,
            confidence=1.0,
            usage=usage,
            prompt=template.mark,
        )

    def _stream(self, prompt: str, stream: GuardedStream) -> tuple[str, dict[str, int]]:
        from langchain_core.messages import HumanMessage

        pieces: list[str] = []
        usage: dict[str, int] = {}
        for chunk in self._model.stream([HumanMessage(prompt)]):
            piece = chunk.text if isinstance(chunk.text, str) else str(chunk.content)
            counts = chunk.usage_metadata or {}
            for name, key in (("input", "input_tokens"), ("output", "output_tokens")):
                if counts.get(key):
                    usage[name] = usage.get(name, 0) + counts[key]
            if piece:
                pieces.append(piece)
                stream.feed(piece)
        stream.close()
        return "".join(pieces), usage

    def _checked(
        self, said: str, passages: Sequence[Passage], question: str
    ) -> tuple[str, tuple[Citation, ...]]:
        """The sentences that their cited passages support, with marks renumbered, and the citations.

        Where a passage holds something suspicious, the quotes stand in place of the model's words: it was not shown
        what the rules found, but it may have read what they did not find.
        """
        if _NO_ANSWER in said[:40].upper():
            return "", ()
        quoting = any(suspicions_in(p) for p in passages)
        kept: list[str] = []
        citations: list[Citation] = []
        for written in _claims(said):
            claim = Claim(written.text, question, self._analyser)
            cited = [passages[m - 1] for m in written.markers if 1 <= m <= len(passages)]
            unit = next((u for p in cited if (u := claim.unit_in(p))), None)
            if unit is None:
                continue
            citation = cite(unit.passage, unit.start, unit.end, len(citations) + 1)
            places = {(c.passage_id, c.quote): c.marker for c in citations}
            marker = places.get((citation.passage_id, citation.quote))
            if marker is None:
                citations.append(citation)
                marker = citation.marker
            text = unit.own.strip() if quoting else written.text
            kept.append(f"{text} [{marker}]")
        kept = list(dict.fromkeys(kept))
        return "\n".join(kept) if any("\n" in k or k.startswith("-") for k in kept) else " ".join(
            kept
        ), tuple(citations)


def _claims(said: str) -> list[_Sentence]:
    """Sentences with the marks that stand in or right behind them."""
    claims: list[_Sentence] = []
    entries = [entry for entry in _ENTRY.split(said) if entry.strip()]
    for piece in (entry[start:end] for entry in entries for start, end in sentence_spans(entry)):
        markers = tuple(int(m) for m in _MARK.findall(piece))
        text = _MARK.sub("", piece).strip()
        leading = re.match(r"^((?:\s?\[\d{1,3}\])+)", piece)
        if leading and claims:  # a mark behind the full stop belongs to the sentence before it
            own = tuple(int(m) for m in _MARK.findall(leading.group()))
            claims[-1] = _Sentence(claims[-1].text, (*claims[-1].markers, *own))
            markers = tuple(int(m) for m in _MARK.findall(piece[leading.end() :]))
        if text:
            claims.append(_Sentence(text, markers))
    return claims
