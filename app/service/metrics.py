"""What the service counts, in the text form that Prometheus reads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from app.ending import ending

if TYPE_CHECKING:
    from app.service.runs import Runs
    from app.tracing import SpoolTracer
    from terakoya.types import Outcome

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_SECONDS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


class Metrics:
    """The numbers of one service; no text of notes or questions is in them."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "terakoya_requests", "HTTP requests.", ("method", "status"), registry=self._registry
        )
        self._questions = Counter(
            "terakoya_questions",
            "Questions by what became of them.",
            ("outcome", "effort"),
            registry=self._registry,
        )
        self._steps = Histogram(
            "terakoya_step_seconds",
            "Seconds of each step of a question.",
            ("step",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._tokens = Counter("terakoya_tokens", "Tokens of models.", ("kind",), registry=self._registry)

    def watch(self, runs: "Runs", tracer: Callable[[], "SpoolTracer | None"]) -> None:
        """Reads from these what they count themselves, whenever the metrics are read."""
        self._gauge("terakoya_runs_running", "Runs under way.", lambda: float(len(runs.running())))
        self._gauge(
            "terakoya_trace_lines_dropped",
            "Lines of traces that were lost before they reached the disk.",
            lambda: float(spooled.spool.dropped_lines) if (spooled := tracer()) else 0.0,
        )
        for name, about in (
            ("waiting", "Traces and scores that wait for Langfuse."),
            ("delivered", "Traces and scores that Langfuse took since the start."),
            ("refused", "Traces and scores that Langfuse refused for good."),
        ):
            self._gauge(f"terakoya_langfuse_{name}", about, partial(_delivery, tracer, name))

    def request(self, method: str, status: int) -> None:
        """One request was answered."""
        known = method if method in ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS") else "other"
        self._requests.labels(known, str(status)).inc()

    @contextmanager
    def counted(self, effort: str) -> Iterator[Callable[["Outcome"], "Outcome"]]:
        """Counts one question: its outcome is handed through what it gives; an error counts as one."""
        try:
            yield self._answered
        except Exception:
            self._questions.labels("failed", effort).inc()
            raise

    def _answered(self, outcome: "Outcome") -> "Outcome":
        self._questions.labels(ending(outcome), outcome.effort).inc()
        for step, milliseconds in outcome.timings.items():
            self._steps.labels(step).observe(milliseconds / 1000)
        for kind, count in outcome.usage.items():
            self._tokens.labels(kind).inc(count)
        return outcome

    def text(self) -> bytes:
        """All of it."""
        return generate_latest(self._registry)

    def _gauge(self, name: str, about: str, value: Callable[[], float]) -> None:
        Gauge(name, about, registry=self._registry).set_function(value)


def _delivery(tracer: Callable[[], "SpoolTracer | None"], name: str) -> float:
    spooled = tracer()
    state = getattr(spooled.delivery, "state", None) if spooled else None
    return float(getattr(state(), name)) if state else 0.0
