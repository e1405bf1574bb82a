"""The messages that a model is asked with: rules, the turns before, then what this question brings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from terakoya.errors import BadInput
from terakoya.types import Language, Passage, Turn
from workflows.conversation import apart, messages_of, told_summary
from workflows.guarding.delimiting import (
    asked_words,
    data_border,
    passage_data,
    remembered_data,
    remembered_line,
)
from workflows.prompts import Prompt
from workflows.room import Room
from workflows.window import WORTH, Window, fit

LANGUAGES: Final[dict[Language, str]] = {"ja": "Japanese", "en": "English"}
_TRIES: Final = 6
"""How often a prompt is made smaller, where a template takes more than was thought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A prompt, and what is in it.

    Attributes:
        messages: For the chat model.
        passages: What it may cite, numbered from 1.
        border: Of the data in it; secret.
        window: What fitted, with all that did not.
        context: Tokens of the model's context; 0 for one without end.
    """

    messages: list[BaseMessage]
    passages: tuple[Passage, ...]
    border: str
    window: Window = field(default_factory=Window)
    context: int = 0


def asking(
    template: Prompt,
    question: str,
    passages: Sequence[Passage],
    *,
    language: Language,
    facts: Sequence[str] = (),
    history: Sequence[Turn] = (),
    room: Room | None = None,
    share: float = 1.0,
) -> Asking:
    """The prompt for `question`.

    The rules come first and the turns before it next, each in a form that stays the same for all later questions of
    the thread, so that a model that keeps what it read reads neither again. What the person asked to remember, the
    passages and the question come last.

    Args:
        template: The prompt `answer`.
        question: The question, standing alone.
        passages: The best first.
        language: Of the answer.
        facts: What the person asked to remember, that which matters most first.
        history: The turns before; a summary of the first ones may stand in front.
        room: What the model has room for; None for room without end.
        share: Part of the context that may be used, where an estimate turned out to be too small.

    Raises:
        BadInput: `prompt_too_long`: not even the question and a piece of the best passage fit.
        Unavailable: The model cannot count tokens now.
    """
    making = _Making(
        0 if room is None else room.context,
        template,
        question,
        tuple(passages),
        language,
        tuple(facts),
        tuple(history),
    )
    if room is None:
        return making.whole()
    context = int(making.context * share)
    limit = context
    for _ in range(_TRIES):
        window = making.window(room, limit)
        if window.answer < room.answer or (passages and not window.passages):
            break
        made = making.of(window, room.count)
        over = room.count_messages(made.messages) + room.answer - context
        if over <= 0:
            return made
        limit = min(limit, window.used + room.answer) - over  # what was used has to become less
    needed = window.used + room.answer + WORTH  # the rules, the question, an answer, and a piece of a passage
    raise BadInput("prompt_too_long", tokens=max(needed, context + 1), context=context)


@dataclass(frozen=True, slots=True)
class _Making:
    context: int
    template: Prompt
    question: str
    passages: tuple[Passage, ...]
    language: Language
    facts: tuple[str, ...]
    history: tuple[Turn, ...]

    @property
    def border(self) -> str:
        return data_border(self.passages, self.question, self.facts)

    def whole(self) -> Asking:
        summary, turns = apart(self.history)
        kept = Window(
            first=summary.covers if summary else 0,
            summary=summary is not None,
            pinned=tuple(range(len(self.facts))),
            passages=tuple(range(len(self.passages))),
            turns=len(turns),
        )
        return self.of(kept, len)

    def window(self, room: Room, limit: int) -> Window:
        mark = self.border
        summary, turns = apart(self.history)
        system, frame = self._filled("")
        return fit(
            context=limit,
            answer=room.answer,
            count=room.count,
            system=system,
            question=f"{frame}\n{remembered_data([''], mark)}" if self.facts else frame,
            pinned=[f"{remembered_line(fact)}\n" for fact in self.facts],
            history=messages_of(turns),
            summary=told_summary(summary) if summary else (),
            passages=[passage_data(n, p, mark) for n, p in enumerate(self.passages, start=1)],
            total=self.context,
        )

    def of(self, window: Window, count: Callable[[str], int]) -> Asking:
        mark = self.border
        summary, turns = apart(self.history)
        kept = [self.passages[place] for place in window.passages]
        data = [passage_data(number, each, mark) for number, each in enumerate(kept, start=1)]
        if window.cut:
            data[-1] = _beginning(kept[-1], len(kept), mark, window.cut, count)
        remembered = remembered_data([self.facts[place] for place in window.pinned], mark)
        system, last = self._filled("\n\n".join([*data, *([remembered] if remembered else [])]))
        messages: list[BaseMessage] = [SystemMessage(system)] if system else []
        pairs: list[tuple[str, ...]] = messages_of(turns[window.first :])
        if summary and window.summary:
            pairs.insert(0, told_summary(summary))
        for pair in pairs:
            if pair:
                messages += [HumanMessage(pair[0]), AIMessage(pair[1])]
        messages.append(HumanMessage(last))
        return Asking(
            messages=messages, passages=tuple(kept), border=mark, window=window, context=self.context
        )

    def _filled(self, data: str) -> tuple[str, str]:
        return self.template.messages(
            language=LANGUAGES[self.language], passages=data, question=asked_words(self.question)
        )


def _beginning(passage: Passage, number: int, mark: str, limit: int, count: Callable[[str], int]) -> str:
    """The beginning of a passage that takes `limit` tokens in the prompt."""
    low, high = 0, len(passage.text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = count(passage_data(number, passage, mark, longest=middle)) <= limit
        low, high = (middle, high) if fits else (low, middle - 1)
    return passage_data(number, passage, mark, longest=low)


def window_report(made: Asking, usage: Any, *, exact: bool) -> dict[str, int]:
    """What a trace tells of a window; `usage` is the model's own count, as LangChain has it."""
    window = made.window
    report = dict(window.parts)
    if made.context:
        report["context"] = made.context
        if not exact:
            report["estimated"] = 1
    known = ((usage or {}).get("input_token_details") or {}).get("cache_read")
    if known is not None:
        report["reused"] = int(known)
        report["read"] = int(usage["input_tokens"]) - int(known)
    dropped = {
        "dropped_turns": window.first,
        "dropped_facts": len(window.dropped_facts),
        "dropped_passages": len(window.dropped_passages),
        "cut": int(window.cut > 0),
    }
    return report | {name: number for name, number in dropped.items() if number}
