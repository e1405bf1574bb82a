"""The generative answerer: asks a chat model, then holds each piece of its answer against the passage that it cites."""

import re
from collections.abc import Sequence
from typing import Any, Final

from terakoya.catalogue import text as sentence
from terakoya.errors import BadInput, TerakoyaError
from terakoya.protocols import Emit, Memory
from terakoya.text.analyser import Analyser
from terakoya.text.normalise import squeeze
from terakoya.text.question import analyse_question, question_language
from terakoya.types import Draft, Passage, Remark, Turn
from workflows.guarding.output import checked_output
from workflows.guarding.passages import believed
from workflows.guarding.stream import GuardedStream
from workflows.prompting import Asking, asking, window_report
from workflows.prompts import Prompt, Prompts, load_prompt
from workflows.remembering import readable_facts
from workflows.resolving import Resolver, in_language
from workflows.room import Room
from workflows.streaming import MarkStream

_PLACEHOLDER: Final = re.compile(r"\{\w+\}")
_MOST_FACTS: Final = 40
"""Things to remember that a prompt tells."""
_SMALLER: Final = (1.0, 0.5)
"""Shares of the context that are tried, where a server says that a prompt which was estimated to fit does not."""
_TOO_LONG: Final = re.compile(r"context|token|too (?:long|large)|length|maximum", re.IGNORECASE)


class GenerativeAnswerer:
    """Answers by a langchain-core chat model, with citation marks that are checked without a model.

    Args:
        model: The chat model.
        analyser: The analyser of the store.
        name: Name of the model.
        prompts: Where its prompt comes from.
        memory: What the person asked to remember; told to the model as data.
        room: What the model has room for; None for room without end.
    """

    def __init__(
        self,
        model: Any,
        analyser: Analyser,
        *,
        name: str,
        prompts: Prompts = load_prompt,
        memory: Memory | None = None,
        room: Room | None = None,
    ) -> None:
        self._model = model
        self._analyser = analyser
        self._name = name
        self._prompts = prompts
        self._memory = memory
        self._room = room

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
        """Asks the model; see `terakoya.protocols.Answerer`. Unsupported sentences are left out of the draft.

        What does not fit into the model's context is left out of the prompt, and told in `Draft.window`.

        Raises:
            BadInput: `prompt_too_long`: not even the question and a piece of a passage fit.
        """
        template = self._prompts("answer")
        made, said, usage = self._said(template, question, passages, history, emit)
        language = question_language(question)
        resolved = Resolver(made.passages, question, self._analyser).resolve(said)
        text = checked_output(
            resolved.text,
            [question, *(c.quote for c in resolved.citations)],
            instructions=_PLACEHOLDER.split(template.template),
            border=made.border,
        ).text
        answered = bool(resolved.citations) and in_language(text, language)
        return Draft(
            text=text if answered else sentence("answer.nothing", language=language),
            answered=answered,
            citations=resolved.citations if answered else (),
            model=self._name,
            confidence=float(answered),
            usage={
                name: usage[key]
                for name, key in (("input", "input_tokens"), ("output", "output_tokens"))
                if usage.get(key)
            },
            prompt=template.mark,
            window=window_report(made, usage, exact=self._room is None or self._room.exact)
            | ({"struck": resolved.struck} if resolved.struck else {}),
            notices=self._notices(made, len(passages)),
        )

    def _said(
        self,
        template: Prompt,
        question: str,
        passages: Sequence[Passage],
        history: Sequence[Turn],
        emit: Emit,
    ) -> tuple[Asking, str, dict[str, Any]]:
        facts = self._facts(question)
        for share in _SMALLER:
            made = asking(
                template,
                question,
                passages,
                language=question_language(question),
                facts=facts,
                history=history,
                room=self._room,
                share=share,
            )
            begun: list[str] = []
            try:
                said, usage = self._streamed(template, made, question, emit, begun)
            except TerakoyaError as error:
                estimated = self._room is not None and not self._room.exact
                if begun or not estimated or share == _SMALLER[-1] or not _says_too_long(error):
                    raise
                continue
            return made, said, usage
        raise AssertionError("the last share returns or raises")

    def _streamed(
        self, template: Prompt, made: Asking, question: str, emit: Emit, begun: list[str]
    ) -> tuple[str, dict[str, Any]]:
        # what may be repeated while it is not yet known what will be cited
        known = [question, *(believed(p) for p in made.passages)]
        marks = MarkStream(emit, Resolver(made.passages, question, self._analyser).at_end)
        guarded = GuardedStream(
            marks.feed, known, instructions=_PLACEHOLDER.split(template.template), border=made.border
        )
        usage: dict[str, Any] = {}
        for chunk in self._model.stream(made.messages, config={"metadata": {"prompt": template.mark}}):
            piece = chunk.text if isinstance(chunk.text, str) else str(chunk.content)
            for name, value in (chunk.usage_metadata or {}).items():
                usage[name] = usage.get(name, 0) + value if isinstance(value, int) else value
            if piece:
                begun.append(piece)
                guarded.feed(piece)
        guarded.close()
        marks.close()
        return "".join(begun), usage

    def _facts(self, question: str) -> list[str]:
        """What the person asked to remember: that which speaks of the question first, then the latest."""
        facts = readable_facts(self._memory)
        if not facts:
            return []
        asked = [squeeze(term.surface) for term in analyse_question(question, self._analyser).terms]
        held = {fact.id: sum(word in squeeze(fact.text) for word in asked) for fact in facts}
        ordered = sorted(facts, key=lambda fact: (-held[fact.id], -fact.id))
        return [fact.text for fact in ordered[:_MOST_FACTS]]

    def _notices(self, made: Asking, found: int) -> tuple[Remark, ...]:
        window, room = made.window, self._room
        if room is None or not (window.dropped_passages or window.cut):
            return ()
        values: dict[str, str | int] = {
            "model": self._name,
            "kept": len(window.passages),
            "found": found,
            "context": made.context,
            "setting": room.setting,
        }
        return (Remark(key="answer.window_cut" if window.cut else "answer.window", values=values),)


def _says_too_long(error: TerakoyaError) -> bool:
    """Whether a model, or its server, refused a prompt for its length."""
    if error.key == "prompt_too_long":
        return True
    refused = isinstance(error, BadInput) and error.values.get("status") in (400, 413, 422)
    return refused and bool(_TOO_LONG.search(str(error.values.get("reason", ""))))
