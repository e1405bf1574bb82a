"""Runs a suite against a target, one case after the other."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from evals.case import Case
from evals.metrics import METRICS, SEARCH_DEPTH, Metric, Observation, measure_case
from evals.note import Notes
from evals.report import CaseResult, Place, Report, Total
from evals.statistics import Indices, bootstrap_standard_error, clustered_standard_error
from evals.suite import Suite
from terakoya.errors import TerakoyaError
from terakoya.protocols import Target
from terakoya.types import Effort, Hit

Progress = Callable[[int, int, str], None]
"""Receives: cases done, cases in all, id of the case that is done."""


def run_suite(
    suite: Suite,
    target: Target,
    *,
    effort: Effort = "normal",
    fingerprint: str = "",
    progress: Progress = lambda done, total, case_id: None,
) -> Report:
    """Asks every question of `suite`, and searches for it.

    A case on which the target raises is in the report, as failed, with the message.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    clock = time.perf_counter()
    results = []
    for number, case in enumerate(suite.cases, 1):
        results.append(run_case(case, suite.notes, target, effort=effort))
        progress(number, len(suite.cases), case.id)
    return Report(
        suite=suite.name,
        digest=suite.digest,
        fingerprint=fingerprint,
        started=started,
        seconds=time.perf_counter() - clock,
        cases=tuple(results),
        totals=tuple(total_of(metric, results) for metric in METRICS.values()),
    )


def run_case(case: Case, notes: Notes, target: Target, *, effort: Effort = "normal") -> CaseResult:
    """Asks one question; whatever the target raises becomes the result's `error`."""
    hits: tuple[Hit, ...] = ()
    try:
        hits = target.search(case.question, k=SEARCH_DEPTH).hits
        clock = time.perf_counter()
        outcome = target.ask(case.question, effort=effort)
        latency = (time.perf_counter() - clock) * 1000
    except Exception as error:
        return _result(case, Observation(case=case, notes=notes, hits=hits), error=_sentence(error))
    observation = Observation(
        case=case,
        notes=notes,
        hits=hits,
        answer=outcome.answer,
        answered=outcome.answered,
        citations=outcome.citations,
    )
    return _result(case, observation, latency_ms=latency, model=outcome.model, trace_id=outcome.trace_id)


def total_of(metric: Metric, results: Sequence[CaseResult]) -> Total:
    """A metric over `results`, with its standard error."""
    if metric.of_suite is not None:
        counted = list(results)
        clusters = [r.cluster for r in counted]

        def resampled(indices: Indices) -> float | None:
            return metric.measure([counted[n] for n in indices])

        error = bootstrap_standard_error(resampled, clusters)
    else:
        counted = [r for r in results if metric.name in r.metrics]
        values = [r.metrics[metric.name] for r in counted]
        error = clustered_standard_error(values, [r.cluster for r in counted])
    value = metric.measure(counted)
    return Total(
        metric=metric.name,
        value=value,
        standard_error=None if value is None else error,
        cases=len(counted) if value is not None else 0,
    )


def _result(
    case: Case,
    o: Observation,
    *,
    latency_ms: float | None = None,
    model: str = "",
    trace_id: str = "",
    error: str = "",
) -> CaseResult:
    return CaseResult(
        id=case.id,
        question=case.question,
        language=case.language,
        tags=case.tags,
        answerable=case.answerable,
        expected=case.expected,
        passages=case.passages,
        cluster=case.cluster,
        answer=o.answer,
        answered=o.answered,
        citations=tuple(
            Place(source=c.source, start_line=c.start_line, end_line=c.end_line, quote=c.quote)
            for c in o.citations
        ),
        hits=tuple(
            Place(
                source=h.passage.source,
                start_line=h.passage.start_line,
                end_line=h.passage.end_line,
                score=float(h.score),
            )
            for h in o.hits
        ),
        missing=case.missing(o.answer, tuple(c.quote for c in o.citations)),
        metrics=measure_case(o),
        latency_ms=latency_ms,
        model=model,
        trace_id=trace_id,
        error=error,
    )


def _sentence(error: Exception) -> str:
    if isinstance(error, TerakoyaError):
        return error.message()
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
