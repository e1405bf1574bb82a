"""How sure a number is: standard errors and intervals for cases that share notes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

RESAMPLES: Final = 2000
SEED: Final = 20
LEVEL: Final = 0.05
"""How often a change may be called certain where there is none."""

POWER: Final = 0.8
"""How often a change of the smallest detectable size is found."""

MOST_EXACT: Final = 12
"""Up to so many clusters, all ways to swap two runs are tried; above, a sample of `RESAMPLES` of them."""

Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]


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
    """The standard error alone, see `bootstrap`; None for fewer than two clusters."""
    if len(set(clusters)) < 2:
        return None
    return bootstrap(measure, clusters, count=count)[0]


def bootstrap(
    measure: Callable[[Indices], float | None], clusters: Sequence[str], *, count: int = RESAMPLES
) -> tuple[float | None, Interval | None]:
    """Standard error, and 95 % percentile interval, of any number that `measure` makes of a resample.

    A resample is given as indices of the cases; where `measure` compares two runs, a case comes with both of
    its results. Clusters are drawn with replacement (Efron and Tibshirani 1993, chapter 8), from a fixed seed:
    the same input gives the same interval. None for fewer than two cases, where nothing can be said.
    """
    if len(clusters) < 2:
        return None, None
    values = [v for v in map(measure, _resamples(clusters, count)) if v is not None]
    error = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return error, _percentiles(values) if values else None


def mean_interval(differences: Sequence[float], clusters: Sequence[str]) -> Interval | None:
    """The interval of `bootstrap` for the mean of `differences`, counted by cluster and therefore quick."""
    if len(differences) < 2:
        return None
    sums, sizes = _sums(differences, units(clusters))
    draws = np.random.default_rng(SEED).integers(0, len(sums), size=(RESAMPLES, len(sums)))
    return _percentiles(sums[draws].sum(axis=1) / sizes[draws].sum(axis=1))


def permutation_p(difference: Callable[[Flags], float | None], clusters: Sequence[str]) -> float | None:
    """How often swapping the two runs by chance makes a difference at least as large as the one measured.

    The paired randomization test (Fisher 1935; for retrieval Smucker, Allan and Carterette 2007): where the
    runs do not differ, which of a case's two results came from which run is chance. Cases of one cluster are
    swapped together. Two-sided; exact up to `MOST_EXACT` clusters.

    Args:
        difference: The difference between the runs where the cases that the flags name are swapped.
        clusters: Of the cases.

    Returns:
        A number over 0 and up to 1; None where there is no difference to measure.
    """
    groups = _groups(units(clusters))
    measured = difference(np.zeros(len(clusters), dtype=np.bool_)) if groups else None
    if measured is None:
        return None
    values = []
    for swapped in _swaps(len(groups)):
        flags = np.zeros(len(clusters), dtype=np.bool_)
        for group, swap in zip(groups, swapped, strict=True):
            flags[group] = swap
        values.append(difference(flags))
    return _tail(np.array([v for v in values if v is not None]), measured, len(groups))


def mean_permutation_p(differences: Sequence[float], clusters: Sequence[str]) -> float | None:
    """`permutation_p` of the mean of `differences`, counted by cluster and therefore quick."""
    if not differences:
        return None
    sums, _ = _sums(differences, units(clusters))
    signs = np.where(_swaps(len(sums)), -1.0, 1.0)
    return _tail(signs @ sums, float(sums.sum()), len(sums))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """`p_values` corrected for being several, so that one false alarm among all stays as rare as of one.

    Holm 1979, "A simple sequentially rejective multiple test procedure". None is left out and stays None.
    """
    given = sorted((p, n) for n, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, n) in enumerate(given):
        largest = max(largest, min(1.0, p * (len(given) - rank)))
        corrected[n] = largest
    return corrected


def detectable_change(standard_error: float | None) -> float | None:
    """The smallest true change that is found with probability `POWER`: (z_0.975 + z_0.8) * standard error.

    Bloom 1995, "Minimum Detectable Effects"; for evals Miller 2024, "Adding Error Bars to Evals", section 5.
    """
    if standard_error is None:
        return None
    normal = NormalDist()
    return (normal.inv_cdf(1 - LEVEL / 2) + normal.inv_cdf(POWER)) * standard_error


def can_be_certain(clusters: Sequence[str]) -> bool:
    """Whether the permutation test of so many clusters can give a p of at most `LEVEL` at all."""
    return bool(2.0 ** (1 - len(set(units(clusters)))) <= LEVEL)


def units(clusters: Sequence[str]) -> Sequence[str]:
    """The clusters that are drawn and swapped; the cases themselves where there is only one cluster."""
    return clusters if len(set(clusters)) > 1 else [str(n) for n in range(len(clusters))]


def _swaps(count: int) -> Flags:
    if count <= MOST_EXACT:
        numbers = np.arange(2**count)[:, None]
        exact: Flags = (numbers >> np.arange(count)) & 1 == 1
        return exact
    return np.random.default_rng(SEED).integers(0, 2, size=(RESAMPLES, count)).astype(np.bool_)


def _tail(values: Numbers, measured: float, groups: int) -> float:
    # A sum that differs by rounding alone is as large.
    reached = int((np.abs(values) >= abs(measured) * (1 - 1e-9) - 1e-12).sum())
    if groups <= MOST_EXACT:
        return reached / max(len(values), 1)
    return (reached + 1) / (len(values) + 1)  # what was measured is one of the ways itself


def _sums(values: Sequence[float], clusters: Sequence[str]) -> tuple[Numbers, Numbers]:
    groups = _groups(clusters)
    numbers = np.asarray(values, dtype=np.float64)
    sums = np.array([numbers[group].sum() for group in groups])
    return sums, np.array([len(group) for group in groups], dtype=np.float64)


def _percentiles(values: Sequence[float] | Numbers) -> Interval:
    low, high = np.percentile(values, [50 * LEVEL, 100 - 50 * LEVEL])
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
