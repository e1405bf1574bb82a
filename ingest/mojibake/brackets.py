"""Brackets that match: what words cannot say about 」 and 、.

Both lose the same byte and both may follow any word, so the costs of words and neighbours hardly tell
them apart. What does is the bracket that is open. A small shortest-path search over the stacks of open
brackets chooses among the readings that the words left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["balance"]

_PAIRS = dict(zip("」』】）｝］〉》〕”", "「『【（｛［〈《〔“", strict=True))
_OPEN = frozenset(_PAIRS.values())
_BRACKETS = _OPEN | frozenset(_PAIRS)
_UNMATCHED = 7000.0
_DEEPEST = 6
_STACKS = 12

_Stacks = dict[str, tuple[float, tuple[str, ...]]]


def balance(text: str, costs: Sequence[dict[str, float]]) -> tuple[str, dict[int, float]]:
    """`text` with the brackets that fit best, and how sure the ambiguous ones are.

    `costs[i]` maps each character possible at `i` to what it costs more than `text[i]`. The second value
    maps the places where a bracket was possible to the margin of the choice.
    """
    slots: list[tuple[int, dict[str, float]]] = [
        (i, _narrowed(options, text[i]))
        for i, options in enumerate(costs)
        if text[i] in _BRACKETS or (len(options) > 1 and not _BRACKETS.isdisjoint(options))
    ]
    if all(len(options) == 1 for _, options in slots):
        return text, {}
    least, chosen = _search(slots)
    result = list(text)
    for (i, _), char in zip(slots, chosen, strict=True):
        result[i] = char
    sure: dict[int, float] = {}
    for n, (i, options) in enumerate(slots):
        if len(options) > 1:
            others = {char: cost for char, cost in options.items() if char != chosen[n]}
            sure[i] = _search([*slots[:n], (i, others), *slots[n + 1 :]])[0] - least
    return "".join(result), sure


def _narrowed(options: dict[str, float], own: str) -> dict[str, float]:
    """The brackets among `options`, and of all other characters the likeliest."""
    if len(options) < 2:
        return {own: 0.0}
    brackets = {char: cost for char, cost in options.items() if char in _BRACKETS}
    plain = [(cost, char) for char, cost in options.items() if char not in _BRACKETS]
    if plain:
        cost, char = min(plain)
        brackets[char] = cost
    return brackets


def _search(slots: Sequence[tuple[int, dict[str, float]]]) -> tuple[float, tuple[str, ...]]:
    stacks: _Stacks = {"": (0.0, ())}
    for _, options in slots:
        grown: _Stacks = {}
        for stack, (cost, chosen) in stacks.items():
            for char, more in options.items():
                after, dear = _after(stack, char)
                total = cost + more + dear
                if total < grown.get(after, (math.inf, ()))[0]:
                    grown[after] = (total, (*chosen, char))
        best = sorted(grown.items(), key=lambda item: item[1][0])[:_STACKS]
        stacks = dict(best)
    return min((cost + _UNMATCHED * len(stack), chosen) for stack, (cost, chosen) in stacks.items())


def _after(stack: str, char: str) -> tuple[str, float]:
    if char in _OPEN:
        return (stack + char)[-_DEEPEST:], 0.0
    opening = _PAIRS.get(char)
    if opening is None:
        return stack, 0.0
    if stack.endswith(opening):
        return stack[:-1], 0.0
    if opening in stack:
        at = stack.rindex(opening)
        return stack[:at], _UNMATCHED * (len(stack) - at - 1)
    return stack, _UNMATCHED
