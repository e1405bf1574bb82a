"""What running a suite gave: one result a case, one total a metric; and its lines of JSON."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import TypeAdapter

from evals.case import ExpectedPassage
from terakoya.protocols import Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Lines of a note: a hit with its score, or a citation with its quote."""

    source: str
    start_line: int
    end_line: int
    score: float | None = None
    quote: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What one case gave.

    Attributes:
        id: Of the case.
        question: Of the case.
        earlier: Of the case.
        language: Of the case.
        tags: Of the case.
        answerable: Of the case.
        expected: Of the case.
        passages: Of the case.
        cluster: Cases with the same cluster rest on the same note and are not independent.
        answer: The text that came.
        answered: Whether the target took the question as answered; None where it failed.
        citations: What the answer was said to stand on.
        hits: What retrieval alone found, best first.
        missing: Expected texts that did not occur.
        forbidden: Texts of an answer that must not occur and did.
        metrics: Values of the case's metrics; one that does not apply to the case is left out.
        latency_ms: Wall time of the answer in milliseconds; None where the target failed.
        model: What answered.
        trace_id: The trace of the answer.
        error: Why the target failed; empty where it did not.
    """

    id: str
    question: str
    answerable: bool
    cluster: str
    earlier: tuple[str, ...] = ()
    language: str = ""
    tags: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    passages: tuple[ExpectedPassage, ...] = ()
    answer: str = ""
    answered: bool | None = None
    citations: tuple[Place, ...] = ()
    hits: tuple[Place, ...] = ()
    missing: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    latency_ms: float | None = None
    model: str = ""
    trace_id: str = ""
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether the case is right in every respect, see the metric `correct`, as far as it applies."""
        return not self.error and self.metrics.get("correct", 1.0) == 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A metric over the suite.

    Attributes:
        metric: Name.
        value: The mean over the cases that it applies to, or the suite's value; None where there are none.
        standard_error: Clustered by note; None where there are fewer than two clusters.
        cases: How many cases it applies to; of a suite metric, all cases.
    """

    metric: str
    value: float | None
    standard_error: float | None
    cases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run of one suite.

    Attributes:
        suite: Name of the suite.
        digest: Of its cases and notes.
        fingerprint: Of the settings that were measured.
        started: ISO 8601, UTC.
        seconds: Wall time of the run.
        cases: Every case, in the suite's order; those that failed too.
        totals: Every metric, in the registry's order.
        known: How many results were kept from earlier runs.
        offers: What the target can do; a metric that needs another thing has no value.
        variant: What was set for this run, where a suite runs under several settings.
    """

    suite: str
    digest: str
    fingerprint: str
    started: str
    seconds: float
    cases: tuple[CaseResult, ...]
    totals: tuple[Total, ...]
    known: int = 0
    variant: str = ""
    offers: tuple[Offer, ...] = ("ask", "search")

    @property
    def name(self) -> str:
        """Of the suite, with what was set."""
        return f"{self.suite} [{self.variant}]" if self.variant else self.suite

    def total(self, metric: str) -> Total:
        """The total of one metric.

        Raises:
            KeyError: The report has no such metric.
        """
        for total in self.totals:
            if total.metric == metric:
                return total
        raise KeyError(metric)

    @property
    def failed(self) -> int:
        """How many cases the target failed on."""
        return sum(bool(case.error) for case in self.cases)


CASE_RESULT: TypeAdapter[CaseResult] = TypeAdapter(CaseResult)
CASE_RESULTS: TypeAdapter[tuple[CaseResult, ...]] = TypeAdapter(tuple[CaseResult, ...])
TOTALS: TypeAdapter[tuple[Total, ...]] = TypeAdapter(tuple[Total, ...])


def report_lines(report: Report, **verdict: Any) -> Iterator[str]:
    """The report as JSON Lines: one object a case, then one for the suite, which `verdict` adds to."""
    for case in report.cases:
        yield _line({"type": "case", "suite": report.suite, **asdict(case)})
    total = {
        "type": "total",
        "suite": report.suite,
        "digest": report.digest,
        "fingerprint": report.fingerprint,
        "started": report.started,
        "seconds": round(report.seconds, 3),
        "cases": len(report.cases),
        "failed": report.failed,
        "known": report.known,
        "variant": report.variant,
        "offers": list(report.offers),
        "totals": [asdict(total) for total in report.totals],
        **verdict,
    }
    yield _line(total)


def _line(value: dict[str, Any]) -> str:
    # An unpaired surrogate, which a model may emit, cannot be written as UTF-8.
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"
