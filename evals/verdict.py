"""Verdicts: a report held against the gates of its suite, and against a baseline."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

import numpy as np

from evals.change import Change, changes
from evals.gate import BoundKind, Gate
from evals.metrics import METRICS
from evals.report import CaseResult, Report, report_lines
from evals.statistics import Interval
from terakoya.protocols import Offer

Status = Literal["passed", "failed", "unchecked"]
TOLERANCE: Final = 1e-9
"""A mean of many shares may miss a round limit by the last bit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One bound of one gate.

    Attributes:
        metric: Name of the metric.
        bound: Which bound.
        limit: What the gate asks for; 1 for `must_pass`.
        value: What was measured: the metric's value, for `max_drop` how much worse than the baseline it is,
            for `max_p95_ms` the 95th percentile of the times, for `must_pass` 1 where the case is right and
            else 0. None where there is nothing to measure; such a bound fails, as nothing shows that it holds.
        status: `unchecked` for a `max_drop` that has no baseline to hold it against.
        interval: 95 % interval of the drop.
        p: Of the drop: how often chance alone makes one as large, corrected for all drops of the suite.
        detectable: The smallest drop that so many cases find 8 times out of 10.
        pairs: How many cases the drop rests on, or how many of those that must pass are right.
        too_few: Whether there are too few cases to tell a drop of the limit's size.
        case: Id of the case that must pass and is not right.
        absent: What the target cannot do, where the metric needs it; such a bound fails, as nothing shows that it
            holds.
    """

    metric: str
    bound: BoundKind
    limit: float
    value: float | None
    status: Status
    interval: Interval | None = None
    p: float | None = None
    detectable: float | None = None
    pairs: int = 0
    too_few: bool = False
    case: str = ""
    absent: Offer | None = None


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
    watched = [gate.metric for gate in gates if gate.max_drop is not None]
    compared = changes(report, baseline, watched) if baseline and watched else ()
    by_metric = {change.metric: change for change in compared}
    verdicts: list[Verdict] = []
    for gate in gates:
        needed = METRICS[gate.metric].needs if gate.metric in METRICS else None
        for bound, limit in gate.bounds:
            if needed and needed not in report.offers:
                verdicts.append(
                    Verdict(
                        metric=gate.metric,
                        bound=bound,
                        limit=limit,
                        value=None,
                        status="failed",
                        absent=needed,
                    )
                )
            elif bound == "max_drop":
                verdicts.append(_drop(gate, limit, by_metric.get(gate.metric)))
            elif bound == "max_p95_ms":
                verdicts.append(_time(report, gate.metric, limit))
            else:
                verdicts.append(_mean(report, gate.metric, bound, limit))
        verdicts += _cases(report, gate)
    return Judgement(report=report, verdicts=tuple(verdicts))


def judgement_lines(judgement: Judgement) -> Iterator[str]:
    """The report as JSON Lines; the suite's object also holds `gates` and `passed`."""
    gates = [asdict(verdict) for verdict in judgement.verdicts]
    return report_lines(judgement.report, gates=gates, passed=judgement.passed)


def _mean(report: Report, metric: str, bound: BoundKind, limit: float) -> Verdict:
    value = report.total(metric).value
    if bound == "min_mean":
        holds = value is not None and value >= limit - TOLERANCE
    else:
        holds = value is not None and value <= limit + TOLERANCE
    return Verdict(metric=metric, bound=bound, limit=limit, value=value, status=_status(holds))


def _time(report: Report, metric: str, limit: float) -> Verdict:
    times = [case.latency_ms for case in report.cases if case.latency_ms is not None]
    value = float(np.percentile(times, 95)) if times else None
    holds = value is not None and value <= limit + TOLERANCE
    return Verdict(metric=metric, bound="max_p95_ms", limit=limit, value=value, status=_status(holds))


def _cases(report: Report, gate: Gate) -> list[Verdict]:
    """One verdict for each case that is not right or missing, and one for all the others together."""
    right = {case.id for case in report.cases if case.passed}
    known = {case.id for case in report.cases}
    wrong = [case_id for case_id in gate.must_pass if case_id not in right]
    verdicts = [
        Verdict(
            metric=gate.metric,
            bound="must_pass",
            limit=1.0,
            value=0.0 if case_id in known else None,
            status="failed",
            case=case_id,
        )
        for case_id in wrong
    ]
    if passed := len(gate.must_pass) - len(wrong):
        verdicts.append(
            Verdict(
                metric=gate.metric, bound="must_pass", limit=1.0, value=1.0, status="passed", pairs=passed
            )
        )
    return verdicts


def _drop(gate: Gate, limit: float, change: Change | None) -> Verdict:
    """Red where the drop is larger than `limit` and certain, and where it cannot be told whether it is.

    It can be told where the interval ends below the limit, or where a drop of the limit's size would have
    been found and none larger was.
    """
    if change is None or change.drop is None:
        apart = change is not None and change.apart
        fails = (change is not None and change.lost) or (apart and gate.too_few_cases == "fail")
        status: Status = "failed" if fails else "passed" if apart else "unchecked"
        return Verdict(
            metric=gate.metric, bound="max_drop", limit=limit, value=None, status=status, too_few=apart
        )
    larger = change.drop > limit + TOLERANCE
    fails = larger and change.certain
    small = change.interval is not None and change.interval.high <= limit + TOLERANCE
    blind = change.detectable is None or change.detectable > limit + TOLERANCE
    too_few = not fails and not small and (larger or blind)
    return Verdict(
        metric=gate.metric,
        bound="max_drop",
        limit=limit,
        value=change.drop,
        status=_status(not fails and not (too_few and gate.too_few_cases == "fail")),
        interval=change.interval,
        p=change.p_corrected,
        detectable=change.detectable,
        pairs=change.pairs,
        too_few=too_few,
    )


def _status(holds: bool) -> Status:
    return "passed" if holds else "failed"
