"""What tracing costs on a request's path: one nested span, ours beside that of the Langfuse SDK.

Run: `python -m benchmarks.tracing`. Prints microseconds of one span (median of the rounds) and the ratio.
The SDK's exporter is switched off, so both sides do only what the caller has to wait for.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from app.tracing.spool import Spool
from app.tracing.tracer import NoTracer, SpoolTracer
from terakoya.protocols import Tracer

QUESTION = {"query": "光合成はどこで起こりますか。", "k": 10}
ANSWER = {"ids": [f"chunk-{number:04d}" for number in range(10)], "arms": ["lexical", "vector"]}


def microseconds(step: Callable[[], None], *, spans: int, rounds: int) -> float:
    """Median time of one call of `step` over the rounds."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        for _ in range(spans):
            step()
        times.append((time.perf_counter() - begin) / spans * 1e6)
    return statistics.median(times)


def of_tracer(tracer: Tracer, **size: int) -> float:
    """One span below a root, with input, output and two attributes."""

    def step() -> None:
        with tracer.span("retrieve", "retriever", input=QUESTION) as span:
            span.set(output=ANSWER, rounds=1)

    with tracer.trace("ask", thread_id="t", input="q"):
        return microseconds(step, **size)


def of_sdk(**size: int) -> float:
    """The same span through `start_as_current_observation`."""
    from langfuse import Langfuse
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Nowhere(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    def none(span: ReadableSpan) -> bool:
        return False

    client = Langfuse(
        public_key="pk-lf-bench",
        secret_key="sk-lf-bench",
        base_url="http://127.0.0.1:9",
        tracer_provider=TracerProvider(),
        span_exporter=Nowhere(),
        should_export_span=none,
    )

    def observe(name: str, kind: Any, input: object) -> AbstractContextManager[Any]:
        return client.start_as_current_observation(name=name, as_type=kind, input=input)

    def step() -> None:
        with observe("retrieve", "retriever", QUESTION) as span:
            span.update(output=ANSWER, metadata={"rounds": 1})

    try:
        with observe("ask", "agent", "q"):
            return microseconds(step, **size)
    finally:
        client.shutdown()


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spans", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=7)
    size = vars(parser.parse_args())
    with tempfile.TemporaryDirectory() as folder:
        tracer = SpoolTracer(Spool(Path(folder) / "traces"))
        ours = of_tracer(tracer, **size)
        tracer.close()
    nothing, sdk = of_tracer(NoTracer(), **size), of_sdk(**size)
    print(f"no tracer     {nothing:8.1f} us a span")
    print(f"terakoya      {ours:8.1f} us a span")
    print(f"langfuse sdk  {sdk:8.1f} us a span")
    print(f"terakoya / langfuse sdk = {ours / sdk:.2f}")


if __name__ == "__main__":
    main()
