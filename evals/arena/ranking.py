"""Who is better, by votes on pairs: the model of Bradley and Terry, with intervals.

Bradley and Terry 1952, "Rank Analysis of Incomplete Block Designs": the odds that i beats j are s_i / s_j. The
strengths are fitted by maximum likelihood, with Newton's method on their logarithms.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evals.arena.duel import Verdict

SCALE: Final = 400 / math.log(10)
"""Points of Elo's scale for one unit of the logarithm: 400 points are odds of ten to one."""
MIDDLE: Final = 1000.0
PRIOR: Final = 0.5
"""Wins that are added each way between two who met, where else no finite strengths would fit best."""
_STEPS: Final = 200
_CLOSE: Final = 1e-10
_Z: Final = NormalDist().inv_cdf(0.975)

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bout:
    """One vote: who stood against whom, and what was said; `a` is the first."""

    names: tuple[str, str]
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A line of the leaderboard.

    Attributes:
        name: Who.
        points: Strength on Elo's scale; the mean over all is 1000.
        low: Lower end of its 95 % interval.
        high: Upper end.
        wins: Votes for it.
        losses: Votes for the other.
        ties: Votes for neither, `both bad` among them.
        bad: How many of these said that both are bad.
        bounded: Whether `PRIOR` was needed: somebody won, or lost, everything against the others.
    """

    name: str
    points: float
    low: float
    high: float
    wins: int
    losses: int
    ties: int
    bad: int
    bounded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Strengths that fit best.

    Attributes:
        strengths: Their logarithms, with mean 0.
        covariance: Of these, from the observed information; shape (n, n).
        bounded: Whether `PRIOR` was added.
    """

    strengths: Numbers
    covariance: Numbers
    bounded: bool

    def difference(self, i: int, j: int) -> tuple[float, float]:
        """By how much i is stronger than j, and the standard error of that."""
        c = self.covariance
        return float(self.strengths[i] - self.strengths[j]), math.sqrt(c[i, i] + c[j, j] - 2 * c[i, j])


def ranked(bouts: Sequence[Bout]) -> list[Standing]:
    """The leaderboard, the best first; of those alike, by name.

    A tie counts as half a win for each, as does `both bad`. Intervals take the votes for independent: several
    votes on the same answers make them too narrow.
    """
    names = sorted({name for bout in bouts for name in bout.names})
    if len(names) < 2:
        return []
    place = {name: n for n, name in enumerate(names)}
    wins = np.zeros((len(names), len(names)))
    counts = {name: {"wins": 0, "losses": 0, "ties": 0, "bad": 0} for name in names}
    for bout in bouts:
        first, second = bout.names
        if first == second:
            continue
        i, j = place[first], place[second]
        if bout.verdict in ("tie", "bad"):
            wins[i, j] += 0.5
            wins[j, i] += 0.5
            for name in bout.names:
                counts[name]["ties"] += 1
                counts[name]["bad"] += bout.verdict == "bad"
            continue
        winner, loser = (first, second) if bout.verdict == "a" else (second, first)
        wins[place[winner], place[loser]] += 1
        counts[winner]["wins"] += 1
        counts[loser]["losses"] += 1
    fitted = fit(wins)
    standings = []
    for name in names:
        n = place[name]
        points = MIDDLE + SCALE * float(fitted.strengths[n])
        margin = _Z * SCALE * math.sqrt(max(0.0, float(fitted.covariance[n, n])))
        standings.append(
            Standing(
                name=name,
                points=points,
                low=points - margin,
                high=points + margin,
                bounded=fitted.bounded,
                **counts[name],
            )
        )
    return sorted(standings, key=lambda s: (-round(s.points, 6), s.name))


def fit(wins: Numbers) -> Fit:
    """The strengths that make `wins` most likely.

    There is one best fit where nobody is out of reach: for every way to cut all into two groups, each group has
    won against the other (Ford 1957). Else `PRIOR` wins are added each way between any two, which keeps the fit
    finite and draws it to the middle.

    Args:
        wins: How often the row won against the column, shape (n, n); half a win for a tie.
    """
    bounded = not _reachable(wins)
    if bounded:
        met = (wins + wins.T) > 0
        wins = wins + PRIOR * (
            met if _reachable(met.astype(np.float64)) else ~np.eye(len(wins), dtype=np.bool_)
        )
    strengths = np.zeros(len(wins))
    games = wins + wins.T
    for _ in range(_STEPS):
        chances = 1 / (1 + np.exp(strengths[None, :] - strengths[:, None]))
        slope = (wins - games * chances).sum(axis=1)
        step = np.linalg.pinv(_information(games, chances)) @ slope
        # far from the best, a whole step may overshoot
        strengths = strengths + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        strengths -= strengths.mean()
        if float(np.abs(step).max()) < _CLOSE:
            break
    chances = 1 / (1 + np.exp(strengths[None, :] - strengths[:, None]))
    # The pseudo-inverse is the covariance where the mean is held at 0.
    covariance: Numbers = np.linalg.pinv(_information(games, chances)).astype(np.float64)
    return Fit(strengths=strengths, covariance=covariance, bounded=bounded)


def _information(games: Numbers, chances: Numbers) -> Numbers:
    """Fisher's information on the strengths; observed and expected are the same here."""
    weights = games * chances * chances.T
    np.fill_diagonal(weights, 0.0)
    information: Numbers = np.diag(weights.sum(axis=1)) - weights
    return information


def _reachable(wins: Numbers) -> bool:
    """Whether a chain of wins leads from everybody to everybody."""
    beats = (wins > 0) | np.eye(len(wins), dtype=np.bool_)
    for _ in range(max(1, math.ceil(math.log2(len(wins)))) if len(wins) > 1 else 0):
        beats = (beats.astype(np.int64) @ beats.astype(np.int64)) > 0
    return bool(beats.all())
