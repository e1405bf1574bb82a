"""Runs of suites as experiments: one item a case, with its scores, and the scores of the run.

The spans are those of `langfuse.Langfuse.run_experiment`, 5.0. Its ids are kept to as well, so that the same run
pushed twice is one experiment; the SDK itself would ask the questions again, and leaves out items that failed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from app.langfuse.datasets import Plan
from app.langfuse.items import DATASETS
from app.langfuse.project import Project, named
from app.tracing.events import SpanRecord
from app.tracing.masking import Masker
from app.tracing.tracer import score_id
from evals.report import CaseResult, Report
from evals.verdict import Judgement

ENVIRONMENT: Final = "sdk-experiment"
"""As the SDK names it; the server's pages of experiments look there."""
SPANS: Final = 200
SCORES: Final = 100
"""Spans and scores of one request."""
_PREFIX: Final = "langfuse.experiment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What became of a run.

    Attributes:
        id: Of the experiment.
        name: Of the experiment.
        url: Where it is shown.
        items: How many cases went in.
        failed: On how many of them the target failed; they are in the experiment, as failed.
        lost: How many scores the server did not take.
    """

    id: str
    name: str
    url: str
    items: int
    failed: int
    lost: int


def run_name(report: Report, commit: str) -> str:
    """The name of a run: its time, the commit that was measured, and what was set where there are several columns."""
    started = report.started[:19].replace("T", " ")
    return " ".join(part for part in (started, commit, report.variant) if part)


def experiment_id(project: str, dataset: str, name: str) -> str:
    """The id that server and SDK give the run `name` over a dataset."""
    payload = json.dumps(
        ["langfuse-experiment-v1", project, dataset, name], separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(payload.encode()).hexdigest()[:16]


def push(
    project: Project,
    judgement: Judgement,
    plan: Plan,
    *,
    commit: str = "",
    masker: Masker,
    description: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> Pushed:
    """Pushes a run whose cases are in the dataset of `plan`; what its answers say goes through `masker`.

    Raises:
        BadInput: The server does not like what it got.
        Unavailable: It cannot be reached. What it has taken keeps its ids, so a second push repeats nothing.
    """
    report = judgement.report
    name = run_name(report, commit)
    dataset = str(project.get(f"{DATASETS}/{named(plan.dataset)}")["id"])
    project_id = project.id()
    key = experiment_id(project_id, dataset, name)
    whole = {"experiment_name": report.suite, "experiment_run_name": name, **(metadata or {})}
    if report.variant:
        whole["set"] = report.variant
    start = int(datetime.fromisoformat(report.started).timestamp() * 1e9)
    spans: list[tuple[SpanRecord, SpanRecord]] = []
    extra: dict[str, dict[str, Any]] = {}
    bodies: list[dict[str, Any]] = []
    for result in report.cases:
        item = _Item(key, result, start, whole)
        start = item.end + 1
        of_item = {
            f"{_PREFIX}.id": key,
            f"{_PREFIX}.name": name,
            f"{_PREFIX}.description": description or None,
            f"{_PREFIX}.metadata": _json(whole),
            f"{_PREFIX}.dataset.id": dataset,
            f"{_PREFIX}.item.id": plan.items.get(_base(result.id), _base(result.id)),
            f"{_PREFIX}.item.expected_output": _json(masker.outward(_expected(result))),
            f"{_PREFIX}.item.metadata": _json({"case": result.id, "tags": list(result.tags)}),
            f"{_PREFIX}.item.root_observation_id": item.task,
        }
        for span in item.spans():
            spans.append((masker.record(span), masker.record(item.root)))
            extra[span.span_id] = of_item
        bodies.extend(item.scores())
    for begin in range(0, len(spans), SPANS):
        project.send_spans(spans[begin : begin + SPANS], extra)
    bodies.extend(_run_scores(key, judgement))
    lost = sum(project.send_scores(bodies[n : n + SCORES]) for n in range(0, len(bodies), SCORES))
    return Pushed(
        id=key,
        name=name,
        url=f"{project.account.base_url}/project/{project_id}/experiments/results?baseline={named(key)}",
        items=len(report.cases),
        failed=report.failed,
        lost=lost,
    )


class _Item:
    """The trace of one case: the span of its run, and the task below it."""

    def __init__(self, experiment: str, result: CaseResult, start: int, whole: Mapping[str, Any]) -> None:
        self.trace = hashlib.sha256(f"{experiment}/{result.id}".encode()).hexdigest()[:32]
        self.run, self.task = self.trace[:16], self.trace[16:]
        self.end = start + int((result.latency_ms or 0.0) * 1e6) + 1
        self._result = result
        asked: Any = {"question": result.question}
        if result.earlier:
            turns = (*result.earlier, result.question)
            asked = {"messages": [{"role": "user", "content": turn} for turn in turns]}
        answered = {
            "answer": result.answer,
            "answered": result.answered,
            "citations": [asdict(place) for place in result.citations],
        }
        self.root = SpanRecord(
            type="trace",
            trace_id=self.trace,
            span_id=self.run,
            name="experiment-item-run",
            start=start,
            end=self.end,
            input=asked,
            output=f"Error: {result.error}" if result.error else answered,
            level="ERROR" if result.error else "DEFAULT",
            status=result.error,
            metadata={**whole, "case": result.id, "answer_trace": result.trace_id or None},
            environment=ENVIRONMENT,
        )

    def spans(self) -> Iterator[SpanRecord]:
        """Both spans, the upper one first."""
        yield self.root
        yield replace(
            self.root, type="span", span_id=self.task, parent_id=self.run, name="experiment-item-task"
        )

    def scores(self) -> Iterator[dict[str, Any]]:
        """The case's metrics, and whether the target failed."""
        values = {**self._result.metrics, "failed": float(bool(self._result.error))}
        if self._result.latency_ms is not None:
            values["latency_ms"] = self._result.latency_ms
        for name, value in values.items():
            yield {
                "id": score_id(self.trace, name),
                "traceId": self.trace,
                "observationId": self.task,
                "name": name,
                "value": value,
                "dataType": "NUMERIC",
                "environment": ENVIRONMENT,
            }


def _run_scores(key: str, judgement: Judgement) -> Iterator[dict[str, Any]]:
    report = judgement.report
    values = {total.metric: total.value for total in report.totals if total.value is not None}
    counts = {
        "items": len(report.cases),
        "failed_items": report.failed,
        "gates_passed": float(judgement.passed),
    }
    for name, value in {**values, **counts}.items():
        yield {
            "id": score_id(key, name),
            "datasetRunId": key,
            "name": name,
            "value": value,
            "dataType": "NUMERIC",
            "environment": ENVIRONMENT,
        }


def _expected(result: CaseResult) -> dict[str, Any]:
    places: Sequence[Any] = [{"source": p.source, "text": p.text} for p in result.passages]
    given = {"expected": list(result.expected), "passages": places}
    return {key: value for key, value in given.items() if value} or {"answerable": result.answerable}


def _base(case_id: str) -> str:
    """The case of the suite; one that is asked several times has `#2`, `#3` behind its id."""
    name, mark, number = case_id.rpartition("#")
    return name if mark and number.isdecimal() else case_id


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
