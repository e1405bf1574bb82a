"""How sure a number is: standard errors and intervals for cases that share notes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

RESAMPLES: Final = 2000
SEED: Final = 20
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A confidence interval, both ends included."""

    low: float
    high: float

    def excludes_zero(self) -> bool:
        """Whether the sign of the number is certain at the interval's level."""
        return self.low > 0 or self.high < 0


def clustered_standard_error(values: Sequence[float], clusters: Sequence[str]) -> float | None:
    """Standard error of the mean of `values`, where those with the same cluster are not independent.

    sqrt(G / (G - 1) * sum over clusters of (sum of the cluster's deviations from the mean)^2) / n. Liang and
    Zeger 1986, with the small-sample factor of Cameron and Miller 2015; with clusters of one it is the usual
    standard error. None for fewer than two clusters, where it is not defined.
    """
    groups = _groups(clusters)
    if len(groups) < 2:
        return None
    deviations = np.asarray(values, dtype=np.float64)
    deviations = deviations - deviations.mean()
    sums = np.array([deviations[group].sum() for group in groups])
    return float(np.sqrt(len(groups) / (len(groups) - 1) * np.square(sums).sum()) / len(values))


def bootstrap_standard_error(
    measure: Callable[[Indices], float | None], clusters: Sequence[str], *, count: int = RESAMPLES
) -> float | None:
    """Standard error of any number that `measure` makes of a resample, given as indices of the cases.

    Clusters are drawn with replacement (Efron and Tibshirani 1993, chapter 8), from a fixed seed. None for
    fewer than two clusters.
    """
    if len(set(clusters)) < 2:
        return None
    values = [v for v in map(measure, _resamples(clusters, count)) if v is not None]
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def paired_interval(
    difference: Callable[[Indices], float | None], clusters: Sequence[str], *, count: int = RESAMPLES
) -> Interval | None:
    """95 % percentile interval of a difference between two runs of the same cases.

    Clusters are drawn with replacement, a case always with both of its results; cases themselves where there
    is only one cluster. From a fixed seed: the same input gives the same interval. None for fewer than two
    cases, where nothing can be said.
    """
    if len(clusters) < 2:
        return None
    units = clusters if len(set(clusters)) > 1 else [str(n) for n in range(len(clusters))]
    values = [v for v in map(difference, _resamples(units, count)) if v is not None]
    if not values:
        return None
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(low=float(low), high=float(high))


def _groups(clusters: Sequence[str]) -> list[Indices]:
    members: dict[str, list[int]] = {}
    for index, cluster in enumerate(clusters):
        members.setdefault(cluster, []).append(index)
    return [np.array(indices, dtype=np.intp) for indices in members.values()]


def _resamples(clusters: Sequence[str], count: int) -> Iterator[Indices]:
    groups = _groups(clusters)
    random = np.random.default_rng(SEED)
    for _ in range(count):
        yield np.concatenate([groups[n] for n in random.integers(0, len(groups), size=len(groups))])
