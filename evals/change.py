"""A change: a metric in two runs of the same cases, and how certain it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from evals.metrics import METRICS, Metric
from evals.report import CaseResult, Report
from evals.statistics import (
    LEVEL,
    Flags,
    Indices,
    Interval,
    bootstrap,
    can_be_certain,
    clustered_standard_error,
    detectable_change,
    holm,
    mean_interval,
    mean_permutation_p,
    permutation_p,
    units,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A metric before and after, over the cases that both runs have.

    Attributes:
        metric: Name.
        before: Its value in the earlier run, over the pairs.
        after: Its value now, over the pairs.
        drop: How much worse it is now, in the metric's unit; negative where it is better. None where one of
            the runs has no value.
        standard_error: Of the drop, clustered by note.
        interval: 95 % interval of the drop, by the paired bootstrap.
        p: How often chance alone makes a difference as large, by the permutation test.
        p_corrected: `p` corrected for all metrics that were compared together.
        detectable: The smallest change that so many cases find 8 times out of 10; None where they rest on so
            few notes that none could be certain.
        pairs: How many cases it rests on.
        lost: Whether the metric had a value before and has none now.
        apart: Whether it has a value in both runs, but not on the cases that both have.
    """

    metric: str
    before: float | None
    after: float | None
    drop: float | None
    standard_error: float | None = None
    interval: Interval | None = None
    p: float | None = None
    p_corrected: float | None = None
    detectable: float | None = None
    pairs: int = 0
    lost: bool = False
    apart: bool = False

    @property
    def certain(self) -> bool:
        """Whether the runs differ: the interval excludes zero, and the corrected p is at most 0.05."""
        excludes = self.interval is not None and self.interval.excludes_zero()
        return excludes and self.p_corrected is not None and self.p_corrected <= LEVEL


def changes(report: Report, baseline: Report, metrics: Iterable[str] = ()) -> tuple[Change, ...]:
    """What changed from `baseline` to `report`, corrected for all of `metrics` together.

    Cases are paired by id; one whose question, or whose being answerable, is another now is left out.

    Args:
        report: The later run.
        baseline: The earlier run.
        metrics: Names of metrics; all that the report has where none are given.
    """
    names = list(dict.fromkeys(metrics)) or [total.metric for total in report.totals]
    found = [_change(report, baseline, METRICS[name]) for name in names if name in METRICS]
    corrected = holm([change.p for change in found])
    return tuple(replace(c, p_corrected=p) for c, p in zip(found, corrected, strict=True))


def _change(report: Report, baseline: Report, metric: Metric) -> Change:
    pairs = _pairs(report, baseline, metric)
    old, new = [b for b, _ in pairs], [a for _, a in pairs]
    before, after = metric.measure(old), metric.measure(new)
    drop = _worsening(metric, old, new)
    known = Change(metric=metric.name, before=before, after=after, drop=drop, pairs=len(pairs))
    if drop is None:
        # It applied before and applies to nothing now, as when every question is declined: that is a drop.
        had, has = (metric.measure(run.cases) is not None for run in (baseline, report))
        return replace(known, lost=had and not has, apart=had and has)
    clusters = units([case.cluster for case in new])
    if metric.level == "case":
        sign = 1 if metric.direction == "higher" else -1
        differences = [sign * (b.metrics[metric.name] - a.metrics[metric.name]) for b, a in pairs]
        error = clustered_standard_error(differences, clusters)
        interval = mean_interval(differences, clusters)
        p = mean_permutation_p(differences, clusters)
    else:

        def resampled(indices: Indices) -> float | None:
            drawn = indices.tolist()
            return _worsening(metric, [old[n] for n in drawn], [new[n] for n in drawn])

        def swapped(flags: Flags) -> float | None:
            swaps = flags.tolist()
            first = [a if swap else b for (b, a), swap in zip(pairs, swaps, strict=True)]
            second = [b if swap else a for (b, a), swap in zip(pairs, swaps, strict=True)]
            return _worsening(metric, first, second)

        error, interval = bootstrap(resampled, clusters)
        p = permutation_p(swapped, clusters)
    detectable = detectable_change(error) if can_be_certain(clusters) else None
    return replace(known, standard_error=error, interval=interval, p=p, detectable=detectable)


def _pairs(report: Report, baseline: Report, metric: Metric) -> list[tuple[CaseResult, CaseResult]]:
    """Results of the same question in both runs, as far as the metric applies to both."""
    former = {case.id: case for case in baseline.cases}
    pairs = []
    for case in report.cases:
        old = former.get(case.id)
        if old is None or old.question != case.question or old.answerable != case.answerable:
            continue
        if metric.level == "suite" or (metric.name in old.metrics and metric.name in case.metrics):
            pairs.append((old, case))
    return pairs


def _worsening(metric: Metric, before: Sequence[CaseResult], after: Sequence[CaseResult]) -> float | None:
    old, new = metric.measure(before), metric.measure(after)
    if old is None or new is None:
        return None
    return old - new if metric.direction == "higher" else new - old
