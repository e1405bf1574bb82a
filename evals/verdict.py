"""Verdicts: a report held against the gates of its suite, and against a baseline."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

from evals.gate import BoundKind, Gate
from evals.metrics import METRICS, Metric
from evals.report import CaseResult, Report, report_lines
from evals.statistics import Indices, Interval, paired_interval

Status = Literal["passed", "failed", "unchecked"]
TOLERANCE: Final = 1e-9
"""A mean of many shares may miss a round limit by the last bit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One bound of one gate.

    Attributes:
        metric: Name of the metric.
        bound: Which bound.
        limit: What the gate asks for.
        value: What was measured: the metric's value, or for `max_drop` how much worse than the baseline it
            is. None where the metric applies to no case; such a bound fails, as nothing shows that it holds.
        status: `unchecked` for a `max_drop` that has no baseline to hold it against.
        interval: 95 % interval of the drop.
        pairs: How many cases the drop rests on.
    """

    metric: str
    bound: BoundKind
    limit: float
    value: float | None
    status: Status
    interval: Interval | None = None
    pairs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A report with the verdicts on it."""

    report: Report
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        """Whether no bound failed."""
        return all(verdict.status != "failed" for verdict in self.verdicts)

    @property
    def misses(self) -> tuple[CaseResult, ...]:
        """The cases that are not right."""
        return tuple(case for case in self.report.cases if not case.passed)


def judge(report: Report, gates: Sequence[Gate], *, baseline: Report | None = None) -> Judgement:
    """Holds `report` against `gates`.

    No case may fail with an error, unless a gate of the suite sets `max_mean` of `failures` itself.
    """
    strict = Gate(metric="failures", max_mean=0.0)
    if not any(gate.metric == "failures" and gate.max_mean is not None for gate in gates):
        gates = (*gates, strict)
    verdicts = [
        _drop(report, baseline, METRICS[gate.metric], limit)
        if bound == "max_drop"
        else _mean(report, gate.metric, bound, limit)
        for gate in gates
        for bound, limit in gate.bounds
    ]
    return Judgement(report=report, verdicts=tuple(verdicts))


def judgement_lines(judgement: Judgement) -> Iterator[str]:
    """The report as JSON Lines; the suite's object also holds `gates` and `passed`."""
    gates = [asdict(verdict) for verdict in judgement.verdicts]
    return report_lines(judgement.report, gates=gates, passed=judgement.passed)


def _mean(report: Report, metric: str, bound: BoundKind, limit: float) -> Verdict:
    value = report.total(metric).value
    above, below = (
        value is not None and value >= limit - TOLERANCE,
        value is not None and value <= limit + TOLERANCE,
    )
    holds = above if bound == "min_mean" else below
    return Verdict(
        metric=metric, bound=bound, limit=limit, value=value, status="passed" if holds else "failed"
    )


def _drop(report: Report, baseline: Report | None, metric: Metric, limit: float) -> Verdict:
    pairs = _pairs(report, baseline, metric) if baseline else []
    before, after = [b for b, _ in pairs], [a for _, a in pairs]
    drop = _worsening(metric, before, after)
    if drop is None:
        # It applied before and applies to nothing now, as when every question is declined: that is a drop.
        lost = (
            baseline is not None
            and metric.measure(baseline.cases) is not None
            and metric.measure(report.cases) is None
        )
        status: Status = "failed" if lost else "unchecked"
        return Verdict(metric=metric.name, bound="max_drop", limit=limit, value=None, status=status)

    def resampled(indices: Indices) -> float | None:
        return _worsening(metric, [before[n] for n in indices], [after[n] for n in indices])

    interval = paired_interval(resampled, [a.cluster for a in after])
    fails = drop > limit + TOLERANCE and interval is not None and interval.low > 0
    return Verdict(
        metric=metric.name,
        bound="max_drop",
        limit=limit,
        value=drop,
        status="failed" if fails else "passed",
        interval=interval,
        pairs=len(pairs),
    )


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
