"""The generative answerer: asks a chat model, then holds each sentence against the passage that it cites."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from terakoya.catalogue import text as sentence
from terakoya.protocols import Emit
from terakoya.text.analyser import Analyser
from terakoya.text.evidence import Reading
from terakoya.text.language import language_of
from terakoya.text.sentences import sentence_spans
from terakoya.types import Citation, Draft, Passage, Turn
from workflows.composing import cite
from workflows.prompts import load_prompt
from workflows.units import units_of

_MARK: Final = re.compile(r"\s?\[(\d{1,3})\]")
_ENTRY: Final = re.compile(r"\n(?=\s*(?:[-*+・]|\d{1,3}[.)])\s)|\n\s*\n")
_DELIMITER: Final = re.compile(r"<(\s*/?\s*passage)", re.IGNORECASE)
_ATTRIBUTE: Final = str.maketrans({'"': "'", "<": "‹", ">": "›", "\n": " "})
_LANGUAGES: Final = {"ja": "Japanese", "en": "English"}
_NO_ANSWER: Final = "NO ANSWER"
_SUPPORTED: Final = 0.6
"""Share of a sentence's content words that its cited passage must hold."""


@dataclass(frozen=True, slots=True)
class _Claim:
    text: str
    markers: tuple[int, ...]


class GenerativeAnswerer:
    """Answers by a langchain-core chat model, with citation marks that are checked without a model."""

    def __init__(self, model: Any, analyser: Analyser, *, name: str) -> None:
        self._model = model
        self._analyser = analyser
        self._name = name

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
        prompt = load_prompt("answer").fill(
            language=_LANGUAGES[language],
            passages="\n\n".join(_shown(number, p) for number, p in enumerate(passages, start=1)),
            question=question,
        )
        said, usage = self._stream(prompt, emit)
        kept, citations = self._checked(said, passages)
        if not citations:
            text = sentence("answer.nothing", language=language)
            return Draft(text=text, answered=False, citations=(), model=self._name, usage=usage)
        return Draft(
            text=kept, answered=True, citations=citations, model=self._name, confidence=1.0, usage=usage
        )

    def _stream(self, prompt: str, emit: Emit) -> tuple[str, dict[str, int]]:
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
                emit(piece)
        return "".join(pieces), usage

    def _checked(self, said: str, passages: Sequence[Passage]) -> tuple[str, tuple[Citation, ...]]:
        """The sentences that their cited passages support, with marks renumbered, and the citations."""
        if _NO_ANSWER in said[:40].upper():
            return "", ()
        kept: list[str] = []
        citations: list[Citation] = []
        for claim in _claims(said):
            found = [
                c for m in claim.markers if (c := self._citation(claim, m, passages, len(citations) + 1))
            ]
            if not found:
                continue
            places = {(c.passage_id, c.quote): c.marker for c in citations}
            marks = []
            for citation in found[:1]:
                marker = places.get((citation.passage_id, citation.quote))
                if marker is None:
                    citations.append(citation)
                    marker = citation.marker
                marks.append(f"[{marker}]")
            kept.append(f"{claim.text} {''.join(marks)}")
        return "\n".join(kept) if any("\n" in k or k.startswith("-") for k in kept) else " ".join(
            kept
        ), tuple(citations)

    def _citation(
        self, claim: _Claim, marker: int, passages: Sequence[Passage], number: int
    ) -> Citation | None:
        """The unit of the cited passage that holds most of the claim, if it holds enough."""
        if not 1 <= marker <= len(passages):
            return None
        passage = passages[marker - 1]
        reading = Reading.of(claim.text, self._analyser)
        tokens = [t for t in reading.tokens if t.kind not in ("weak", "question")]
        whole = Reading.of("\n".join((*passage.heading, *passage.ancestors, passage.text)), self._analyser)
        if not tokens or any(t.kind == "number" and not whole.holds(t) for t in tokens):
            return None
        if sum(whole.holds(t) for t in tokens) / len(tokens) < _SUPPORTED:
            return None
        units = units_of(passage)
        best = max(
            units,
            key=lambda u: (sum(map(Reading.of(u.text, self._analyser).holds, tokens)), -len(u.text)),
            default=None,
        )
        return cite(passage, best.start, best.end, number) if best else None


def _shown(number: int, passage: Passage) -> str:
    path = " > ".join((*passage.heading, *passage.ancestors)).translate(_ATTRIBUTE)
    text = _DELIMITER.sub(r"‹\1", passage.text)  # a note cannot end its own passage, or begin another
    return f'<passage number="{number}" path="{path}">\n{text}\n</passage>'


def _claims(said: str) -> list[_Claim]:
    """Sentences with the marks that stand in or right behind them."""
    claims: list[_Claim] = []
    entries = [entry for entry in _ENTRY.split(said) if entry.strip()]
    for piece in (entry[start:end] for entry in entries for start, end in sentence_spans(entry)):
        markers = tuple(int(m) for m in _MARK.findall(piece))
        text = _MARK.sub("", piece).strip()
        leading = re.match(r"^((?:\s?\[\d{1,3}\])+)", piece)
        if leading and claims:  # a mark behind the full stop belongs to the sentence before it
            own = tuple(int(m) for m in _MARK.findall(leading.group()))
            claims[-1] = _Claim(claims[-1].text, (*claims[-1].markers, *own))
            markers = tuple(int(m) for m in _MARK.findall(piece[leading.end() :]))
        if text:
            claims.append(_Claim(text, markers))
    return claims
