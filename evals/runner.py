"""Runs a suite against a target: asks what is not known yet, and measures."""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic_core import PydanticSerializationError

from evals.cache import Cache, Nothing
from evals.case import Case
from evals.metrics import METRICS, SEARCH_DEPTH, Metric, Observation, OwnMetrics, load_metrics, measure_case
from evals.note import Notes
from evals.report import CASE_RESULTS, TOTALS, CaseResult, Place, Report, Total
from evals.statistics import Indices, bootstrap_standard_error, clustered_standard_error
from evals.suite import Suite
from terakoya.errors import TargetLost, TerakoyaError, Unavailable
from terakoya.protocols import Mapper, Target
from terakoya.types import Effort, Outcome

T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[int, int, str], None]
"""Receives: cases done, cases in all, id of the case that is done."""


class OneByOne:
    """The `Mapper` that does one after the other, here."""

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Generator[R | Unavailable, None, None]:
        """See `terakoya.protocols.Mapper`."""
        yield from map(function, items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Asks the target one case. Pickles where the target does: a worker process then has one of its own.

    Attributes:
        target: What is asked.
        notes: Of the suite, to check quotes against.
        effort: Of every question.
        own: A user's own metrics, which a worker process has to load for itself.
    """

    target: Target
    notes: Notes
    effort: Effort
    own: tuple[OwnMetrics, ...] = ()

    def __call__(self, case: Case) -> CaseResult:
        """See `run_case`."""
        for metrics in self.own:
            if not METRICS.keys() >= set(metrics.names):
                load_metrics([metrics.path])
        return run_case(case, self.notes, self.target, effort=self.effort)


def run_suite(
    suite: Suite,
    target: Target,
    *,
    effort: Effort = "normal",
    fingerprint: str = "",
    progress: Progress = lambda done, total, case_id: None,
    mapper: Mapper | None = None,
    cache: Cache | None = None,
    version: str = "",
    own: tuple[OwnMetrics, ...] = (),
    cancelled: Callable[[], bool] = lambda: False,
) -> Report:
    """Asks every question of `suite`, and searches for it.

    A case on which the target raises is in the report, as failed, with the message; such a result is not kept.

    Args:
        suite: What is asked.
        target: Who is asked.
        effort: Of every question.
        fingerprint: Of the settings that are measured.
        progress: Told after each case.
        mapper: Where the cases run; one after the other in this process by default.
        cache: Results of earlier runs.
        version: Of everything but the suite, effort and fingerprint that determines a result: the code, files of
            models.
        own: A user's own metrics, which are loaded here already.
        cancelled: Looked at between two cases.

    Raises:
        TargetLost: The target is gone. What is done is in `cache`.
        KeyboardInterrupt: `cancelled` said so. What is done is in `cache`.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    clock = time.perf_counter()
    cache = cache or Nothing()
    ordered, known = ask_cases(
        suite,
        target,
        effort=effort,
        fingerprint=fingerprint,
        progress=progress,
        mapper=mapper,
        cache=cache,
        version=version,
        own=own,
        cancelled=cancelled,
    )
    return Report(
        suite=suite.name,
        digest=suite.digest,
        fingerprint=fingerprint,
        started=started,
        seconds=time.perf_counter() - clock,
        cases=ordered,
        totals=_totals(ordered, version, cache),
        known=known,
        offers=tuple(sorted(target.offers)),
    )


def ask_cases(
    suite: Suite,
    target: Target,
    *,
    effort: Effort = "normal",
    fingerprint: str = "",
    progress: Progress = lambda done, total, case_id: None,
    mapper: Mapper | None = None,
    cache: Cache | None = None,
    version: str = "",
    own: tuple[OwnMetrics, ...] = (),
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[tuple[CaseResult, ...], int]:
    """The results of all cases, and how many of them were kept: `run_suite` without the totals.

    Raises:
        TargetLost: The target is gone. What is done is in `cache`.
        KeyboardInterrupt: `cancelled` said so. What is done is in `cache`.
    """
    cache = cache or Nothing()
    offers = " ".join(sorted(target.offers))
    common = "\n".join(
        (version, fingerprint, effort, offers, suite.notes_digest, *_described(METRICS.values()))
    )
    keys = {case.id: _key(case, common) for case in suite.cases}
    found = cache.get(list(keys.values()))
    results = {case.id: found[keys[case.id]] for case in suite.cases if keys[case.id] in found}
    known = len(results)
    left = [case for case in suite.cases if case.id not in results]
    asking = Asking(target=target, notes=suite.notes, effort=effort, own=own)
    with closing((mapper or OneByOne()).map(asking, left)) as done:
        for case in left:
            if cancelled():
                raise KeyboardInterrupt
            result = next(done)
            if isinstance(result, Unavailable):
                # its worker died, twice
                result = _result(
                    Observation(case=case, notes=suite.notes, offers=target.offers), error=_sentence(result)
                )
            results[case.id] = result
            if not result.error:
                cache.put(keys[case.id], result)
            progress(len(results), len(suite.cases), case.id)
    return tuple(_retold(results[case.id], case) for case in suite.cases), known


def run_case(case: Case, notes: Notes, target: Target, *, effort: Effort = "normal") -> CaseResult:
    """Searches and asks, as far as the target can; what it raises becomes the result's `error`.

    Raises:
        TargetLost: The target is gone, and every further case would fail.
    """
    seen = Observation(case=case, notes=notes, offers=target.offers, embedder=target.embedder)
    outcome: Outcome | None = None
    latency: float | None = None
    try:
        if seen.searched:
            clock = time.perf_counter()
            seen = replace(seen, hits=target.search(case.question, k=SEARCH_DEPTH).hits)
            latency = _since(clock)
        if seen.asked:
            clock = time.perf_counter()
            outcome = target.ask(case.question, effort=effort, earlier=case.earlier)
            latency = _since(clock)
            if case.earlier:  # the time of the others is not this answer's
                latency = outcome.timings.get("total", latency)
    except TargetLost:
        raise
    except Exception as error:
        return _result(seen, error=_sentence(error))
    if outcome:
        seen = replace(
            seen,
            answer=outcome.answer,
            answered=outcome.answered,
            citations=outcome.citations,
            usage=outcome.usage,
            log_probabilities=outcome.log_probabilities,
        )
    return _result(seen, latency_ms=latency, outcome=outcome)


def _since(clock: float) -> float:
    return (time.perf_counter() - clock) * 1000


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


def _totals(results: tuple[CaseResult, ...], version: str, cache: Cache) -> tuple[Total, ...]:
    """Every metric over `results`; their errors take longer to compute than a run from the cache."""
    try:
        content = CASE_RESULTS.dump_json(results)
    except PydanticSerializationError:  # an unpaired surrogate, which JSON in UTF-8 cannot hold
        return tuple(total_of(metric, results) for metric in METRICS.values())
    described = "\n".join(("totals", version, *METRICS, *_described(METRICS.values())))
    key = hashlib.sha256(described.encode() + content).hexdigest()[:32]
    if kept := cache.recall(key):
        return TOTALS.validate_json(kept)
    totals = tuple(total_of(metric, results) for metric in METRICS.values())
    cache.remember(key, TOTALS.dump_json(totals))
    return totals


def _key(case: Case, common: str) -> str:
    # What a case is called, tagged, and whether it must pass changes nothing of what comes.
    content = asdict(replace(case, id="", tags=(), must_pass=False))
    content["cluster"] = case.cluster if case.passages else ""
    entry = json.dumps(content, ensure_ascii=True, sort_keys=True)
    return hashlib.sha256(f"{common}\n{entry}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _retold(result: CaseResult, case: Case) -> CaseResult:
    """A result that was kept, under the name and tags that the case has now."""
    return replace(result, id=case.id, tags=case.tags, cluster=case.cluster)


def _described(metrics: Iterable[Metric]) -> list[str]:
    """The metrics, those from outside this package with their code: it is no part of any version."""
    lines = []
    for metric in metrics:
        if function := metric.of_case or metric.of_suite:
            module = function.__module__
            own = "" if module.partition(".")[0] == __package__ else _source_of(module)
            lines.append(f"{metric.name} {own}{metric.version}")
    return lines


def _source_of(module: str) -> str:
    path = getattr(sys.modules.get(module), "__file__", None)
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""
    except OSError:
        return ""


def _result(
    o: Observation,
    *,
    latency_ms: float | None = None,
    outcome: Outcome | None = None,
    error: str = "",
) -> CaseResult:
    case, quotes = o.case, tuple(c.quote for c in o.citations)
    return CaseResult(
        id=case.id,
        question=case.question,
        earlier=case.earlier,
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
        missing=case.missing(o.answer, quotes),
        forbidden=case.forbidden(o.answer, quotes) if o.answered else (),
        metrics=measure_case(o),
        latency_ms=latency_ms,
        model=outcome.model if outcome else "",
        trace_id=outcome.trace_id if outcome else "",
        error=error,
    )


def _sentence(error: Exception) -> str:
    if isinstance(error, TerakoyaError):
        return error.message()
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
