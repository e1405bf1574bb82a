"""What goes into a prompt that has to fit a context, and what had to stay out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

HISTORY: Final = 0.25
"""Share of the context without the answer that the turns before may take."""
SUMMARY: Final = 0.05
"""And what tells of those that did not fit."""
SETTLED: Final = 0.5
"""Share of that to which the history is cut when it is over it, so that it stays the same for the turns to come."""
PINNED: Final = 0.25
"""Share of what system text and question leave, that pinned facts may take."""
WORTH: Final = 24
"""Tokens below which a piece of a passage is not worth showing."""
_MESSAGE: Final = 8
"""Tokens that a chat template puts around a message, where it is not counted exactly."""

Count = Callable[[str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What fits.

    Attributes:
        first: Position of the first turn that stays; all behind it do.
        summary: Whether the summary of the turns before stays.
        pinned: Positions of the facts that stay.
        passages: Positions of the passages that stay, in the order given.
        cut: Tokens that are left for the last of the passages, where it does not fit whole; 0 where it does.
        parts: Tokens of each part: `system`, `question`, `pinned`, `history`, `passages`.
        answer: Tokens that are left for the answer.
        turns: Number of turns there were.
        dropped_facts: Positions of facts that were left out.
        dropped_passages: Positions of passages that were left out.
    """

    first: int = 0
    summary: bool = False
    pinned: tuple[int, ...] = ()
    passages: tuple[int, ...] = ()
    cut: int = 0
    parts: Mapping[str, int] = field(default_factory=dict)
    answer: int = 0
    turns: int = 0
    dropped_facts: tuple[int, ...] = ()
    dropped_passages: tuple[int, ...] = ()

    @property
    def used(self) -> int:
        """Tokens of all parts together, without the answer."""
        return sum(self.parts.values())

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return not (self.first or self.dropped_facts or self.dropped_passages or self.cut)


def history_limit(context: int, answer: int) -> int:
    """Tokens that the turns before may take: of nothing that changes from question to question."""
    return max(0, int((context - answer) * HISTORY))


def summary_limit(context: int, answer: int) -> int:
    """Tokens that the summary of earlier turns may take."""
    return max(0, int((context - answer) * SUMMARY))


def settled(sizes: Sequence[int], limit: int) -> int:
    """Position of the first turn that stays, where turns of these sizes may take `limit` tokens together.

    When a turn brings them over the limit, the earliest go until half of it is left, or that turn alone. So the
    history that a prompt begins with stays the same for several turns, and a model need not read it anew for each
    of them. It depends on nothing but the sizes: asked again after more turns, it gives the same place or a later
    one.
    """
    first = total = 0
    for place, size in enumerate(sizes):
        total += size
        if total > limit:
            while first < place and total > limit * SETTLED:
                total -= sizes[first]
                first += 1
            if total > limit:
                first, total = place + 1, 0
    return first


def turn_sizes(history: Sequence[Sequence[str]], count: Count) -> list[int]:
    """Tokens of each turn, with what stands around its messages."""
    return [sum(count(text) + _MESSAGE for text in turn) for turn in history]


def fit(
    *,
    context: int,
    answer: int,
    count: Count,
    system: str,
    question: str,
    pinned: Sequence[str] = (),
    history: Sequence[Sequence[str]] = (),
    summary: Sequence[str] = (),
    passages: Sequence[str] = (),
    total: int | None = None,
) -> Window:
    """Chooses what fits into a context.

    System text, the question and room for the answer come first, then pinned facts within their share, then the
    latest turns within theirs (see `settled`), then the passages, the best first; one that does not fit makes room
    for a shorter one behind it. Where not even the best passage fits, the other parts make room for it: first the
    history, then, as the last but one, the facts; what is left then is a piece of that passage.

    Args:
        context: Tokens of the model's context.
        answer: Tokens that the answer may have.
        count: Tokens of a text.
        system: The system text.
        question: The question, and all that stands around it in its message.
        pinned: Facts, those that matter most first.
        history: The messages of each turn of the thread, the earliest turn first.
        summary: The messages that tell of the turns before the first one that stays.
        passages: Texts as they stand in the prompt, the best first.
        total: Context that the share of the history is of, where `context` is what is left of it.

    Returns:
        What fits. Where not even the first parts do, `answer` of the window is below what was asked for, at worst 0
        or less, and nothing else is in it.
    """
    frame = count(system) + count(question) + 2 * _MESSAGE
    left = context - answer - frame
    facts = [count(text) for text in pinned]
    turns = turn_sizes(history, count)
    told = sum(count(text) + _MESSAGE for text in summary)
    sizes = [count(text) for text in passages]
    parts = {"system": count(system) + _MESSAGE, "question": frame - count(system) - _MESSAGE}

    if left < 0:
        return Window(
            first=len(turns),
            parts=parts,
            answer=context - frame,
            turns=len(turns),
            dropped_facts=tuple(range(len(facts))),
            dropped_passages=tuple(range(len(sizes))),
        )
    kept_facts = _first_that_fit(facts, int(left * PINNED))
    first = settled(turns, history_limit(total or context, answer))
    with_summary = bool(summary) and first > 0
    best = min(sizes[0], left) if sizes else 0
    spent = sum(facts[place] for place in kept_facts)
    before = told if with_summary else 0

    while first < len(turns) and spent + before + sum(turns[first:]) + best > left:
        first += 1  # a long question: the latest turns stay longest
    if spent + before + sum(turns[first:]) + best > left:
        with_summary, before = False, 0
    if sizes and spent + min(best, WORTH) > left:
        kept_facts, spent = [], 0
    room = left - spent - before - sum(turns[first:])

    kept: list[int] = []
    cut = 0
    for place, size in enumerate(sizes):
        if size <= room:
            kept.append(place)
            room -= size
    if sizes and not kept and room >= WORTH:
        kept, cut = [0], room
    parts |= {
        "pinned": spent,
        "history": before + sum(turns[first:]),
        "passages": cut or sum(sizes[place] for place in kept),
    }
    return Window(
        first=first,
        summary=with_summary,
        pinned=tuple(sorted(kept_facts)),
        passages=tuple(kept),
        cut=cut,
        parts=parts,
        answer=answer,
        turns=len(turns),
        dropped_facts=tuple(place for place in range(len(facts)) if place not in kept_facts),
        dropped_passages=tuple(place for place in range(len(sizes)) if place not in kept),
    )


def _first_that_fit(sizes: Sequence[int], room: int) -> list[int]:
    kept: list[int] = []
    for place, size in enumerate(sizes):
        if size <= room:
            kept.append(place)
            room -= size
    return kept
