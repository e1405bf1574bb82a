"""Looking for better settings: cases in two halves, a search on one of them, and what it is worth on the other."""

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from evals.case import Case

T = TypeVar("T")
Values = Mapping[str, str]
"""Settings by their names; those that are not named are as they were."""
Space = Mapping[str, Sequence[str]]
"""The values that a setting may take."""
RANDOM_SHARE: Final = 0.4
"""Of the trials, how many are drawn at random before the best is bettered setting by setting."""
TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Settings that were tried.

    Attributes:
        values: What was set.
        score: What is made as large as possible.
    """

    values: Values
    score: float


def split(cases: Sequence[Case]) -> tuple[frozenset[str], frozenset[str]]:
    """Two sets of clusters with about as many cases each: one to search on, one to report on.

    Cases of one note, and of one question that is asked several times, are on the same side: else what was
    searched on would be reported on. The order is by a digest of the names, so that the same cases are always
    on the same side, and a new note moves few others.
    """
    sizes: dict[str, int] = {}
    for case in cases:
        sizes[case.cluster] = sizes.get(case.cluster, 0) + 1
    sides: tuple[set[str], set[str]] = set(), set()
    for kind in ("note:", "case:"):  # so that both sides have questions that the notes do not answer
        counts = [0, 0]
        mine = [cluster for cluster in sizes if cluster.startswith(kind)]
        for cluster in sorted(mine, key=lambda c: hashlib.sha256(c.encode("utf-8", "replace")).digest()):
            side = counts.index(min(counts))
            sides[side].add(cluster)
            counts[side] += sizes[cluster]
    return frozenset(sides[0]), frozenset(sides[1])


def explore(
    space: Space, score: Callable[[Values], float], *, trials: int, seed: int = 0
) -> tuple[Trial, list[Trial]]:
    """The best settings of `space` that were found, and all that were tried, in order.

    First come the settings as they are, then settings drawn at random (Bergstra and Bengio 2012, "Random Search
    for Hyper-Parameter Optimization"); then, from the best, one setting after the other is given its other
    values, until none gains. Last, what was changed without gain is changed back. Only a better score is a
    reason to change anything.

    Args:
        space: The values of each setting, other than the one that it has.
        score: What is made as large as possible; takes the settings that differ.
        trials: How many settings are tried at most, the settings as they are among them. Changing back takes at
            most one more for each setting that was changed.
        seed: Of what is drawn.
    """
    drawn = random.Random(seed)  # noqa: S311 - nothing is secret here
    known: dict[tuple[tuple[str, str], ...], Trial] = {}

    def tried(choice: Mapping[str, str | None], limit: int) -> Trial | None:
        values = {name: value for name, value in choice.items() if value is not None}
        key = tuple(sorted(values.items()))
        if key not in known:
            if len(known) >= limit:
                return None
            known[key] = Trial(values=dict(key), score=score(dict(key)))
        return known[key]

    as_it_is = Trial(values={}, score=score({}))
    known[()] = best = as_it_is
    for _ in range(4 * trials):
        if len(known) >= 1 + RANDOM_SHARE * (trials - 1):
            break
        chosen = {name: drawn.choice([None, *values]) for name, values in space.items()}
        best = _better(best, tried(chosen, trials))
    gained = True
    while gained and len(known) < trials:
        gained = False
        for name in drawn.sample(list(space), len(space)):
            for value in (None, *space[name]):
                found = _better(best, tried({**best.values, name: value}, trials))
                gained = gained or found is not best
                best = found
    limit = len(known) + len(space)
    for name in list(best.values):
        without = tried({**best.values, name: None}, limit)
        if without and without.score >= best.score - TOLERANCE:
            best = without
    return best, list(known.values())


def _better(best: Trial, other: Trial | None) -> Trial:
    return other if other and other.score > best.score + TOLERANCE else best
