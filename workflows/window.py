"""What goes into a prompt that has to fit a context, and what had to stay out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from terakoya.types import Turn

PASSAGES: Final = 0.5
"""Share of what system, facts, question and answer leave, that passages get before history does."""
_MESSAGE: Final = 8
"""Tokens that a chat template puts around a message."""

Count = Callable[[str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What fits.

    Attributes:
        history: Turns that stay, in their order.
        passages: Positions of the passages that stay, in the order given.
        used: Tokens of all parts together, without the answer.
        answer: Tokens that are left for the answer.
        dropped_turns: Positions of turns that were left out.
        dropped_passages: Positions of passages that were left out.
    """

    history: tuple[Turn, ...]
    passages: tuple[int, ...]
    used: int
    answer: int
    dropped_turns: tuple[int, ...] = field(default=())
    dropped_passages: tuple[int, ...] = field(default=())

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return not (self.dropped_turns or self.dropped_passages)


def fit(
    *,
    context: int,
    answer: int,
    count: Count,
    system: str,
    question: str,
    pinned: Sequence[str] = (),
    history: Sequence[Turn] = (),
    passages: Sequence[str] = (),
) -> Window:
    """Chooses what fits into a context.

    System text, pinned facts, the question and room for the answer come first. Of the rest passages get half,
    the best ones first, and the history what they leave, the latest turns first; then passages get what the
    history left. A passage that does not fit makes room for a shorter one behind it; a turn that does not fit
    ends the history, since one with a hole in it would be understood wrongly. The latest turns are what a
    follow-up speaks of.

    Args:
        context: Tokens of the model's context.
        answer: Tokens that the answer may have.
        count: Tokens of a text, by the model's own tokenizer.
        system: The system text.
        question: The question as it stands in the prompt.
        pinned: Facts that must stay.
        history: Turns of the thread, the earliest first.
        passages: Texts as they stand in the prompt, the best first.

    Returns:
        What fits. Where not even the first parts do, `answer` of the window is below what was asked for, at
        worst 0 or less, and nothing else is in it.
    """
    fixed = sum(count(text) + _MESSAGE for text in (system, question, *pinned) if text)
    left = context - answer - fixed
    turns = [count(turn.question) + count(turn.answer) + 2 * _MESSAGE for turn in history]
    sizes = [count(text) for text in passages]

    if left < 0:
        return Window(
            history=(),
            passages=(),
            used=fixed,
            answer=context - fixed,
            dropped_turns=tuple(range(len(turns))),
            dropped_passages=tuple(range(len(sizes))),
        )
    kept: list[int] = []
    room = int(left * (PASSAGES if history else 1))
    for place, size in enumerate(sizes):
        if size <= room:
            kept.append(place)
            room -= size
    spare = left - sum(sizes[place] for place in kept)
    first = len(turns)
    while first and turns[first - 1] <= spare:
        first -= 1
        spare -= turns[first]
    for place, size in enumerate(sizes):
        if place not in kept and size <= spare:
            kept.append(place)
            spare -= size
    used = fixed + sum(turns[first:]) + sum(sizes[place] for place in kept)
    return Window(
        history=tuple(history[first:]),
        passages=tuple(sorted(kept)),
        used=used,
        answer=answer,
        dropped_turns=tuple(range(first)),
        dropped_passages=tuple(place for place in range(len(sizes)) if place not in kept),
    )
