"""A tracer that also counts the tokens of what is traced, for those who measure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from terakoya.protocols import Span, Tracer
from terakoya.types import SpanKind


class CountingTracer:
    """Passes all on to `tracer`, and adds up the `usage` that spans are given."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        # Nodes of a graph may run in threads of their own, which get a copy of the context: the counter is shared.
        self._counter: ContextVar[Counter[str] | None] = ContextVar("usage", default=None)

    @contextmanager
    def counting(self) -> Iterator[Counter[str]]:
        """Tokens by kind (`input`, `output`) of all spans in this context."""
        counter: Counter[str] = Counter()
        before = self._counter.set(counter)
        try:
            yield counter
        finally:
            self._counter.reset(before)

    def trace(
        self,
        name: str,
        *,
        thread_id: str = "",
        input: object = None,
        tags: Sequence[str] = (),
        metadata: Mapping[str, object] | None = None,
        trace_id: str = "",
    ) -> AbstractContextManager[Span]:
        """See `terakoya.protocols.Tracer`."""
        return self._tracer.trace(
            name, thread_id=thread_id, input=input, tags=tags, metadata=metadata, trace_id=trace_id
        )

    @contextmanager
    def span(self, name: str, kind: SpanKind = "span", *, input: object = None) -> Iterator[Span]:
        """See `terakoya.protocols.Tracer`."""
        with self._tracer.span(name, kind, input=input) as span:
            counter = self._counter.get()
            yield span if counter is None else _CountedSpan(span, counter)

    def score(self, trace_id: str, name: str, value: float, *, comment: str = "", score_id: str = "") -> None:
        """See `terakoya.protocols.Tracer`."""
        self._tracer.score(trace_id, name, value, comment=comment, score_id=score_id)

    def close(self) -> None:
        """See `terakoya.protocols.Tracer`."""
        self._tracer.close()


class _CountedSpan:
    def __init__(self, span: Span, counter: Counter[str]) -> None:
        self._span = span
        self._counter = counter

    @property
    def trace_id(self) -> str:
        return self._span.trace_id

    def set(self, **attributes: object) -> None:
        usage = attributes.get("usage")
        if isinstance(usage, Mapping):
            self._counter.update({kind: count for kind, count in usage.items() if isinstance(count, int)})
        self._span.set(**attributes)
