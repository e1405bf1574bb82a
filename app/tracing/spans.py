"""The steps of a trace while they are open: each writes its line when it ends."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol

from app.tracing.encoding import encode
from app.tracing.redaction import describe, redact

if TYPE_CHECKING:  # the types import NumPy, which a command that only traces need not wait for
    from terakoya.types import SpanKind

MAX_NAME: Final = 200
_MAX_METADATA: Final = 64

current: ContextVar[OpenSpan | None] = ContextVar("terakoya_span", default=None)
"""The step that is open in this context."""


def new_trace_id() -> str:
    """A new trace id. From the system's source, so that a seeded `random` cannot repeat one."""
    return os.urandom(16).hex()


class Writer(Protocol):
    """Takes the lines of steps.

    Attributes:
        signature: What every line ends with.
        root_signature: The same for lines of roots.
    """

    signature: str
    root_signature: str

    def write(self, line: bytes, *, urgent: bool) -> None:
        """Hands a line on."""
        ...

    def failed(self, error: Exception) -> None:
        """Tracing itself failed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that is over already, as another process or a library told of it.

    Attributes:
        name: What it did.
        began: Seconds of the monotonic clock.
        ended: The same.
        metadata: What else is known.
    """

    name: str
    began: float
    ended: float
    metadata: Mapping[str, object] = field(default_factory=dict)


class Trace:
    """What the spans of one trace share.

    Args:
        writer: Takes its lines.
        id: Of a trace that is gone on with; new by default.
        part: How many processes have been at it before.
        root: Id of its root; told by its own by default.
    """

    __slots__ = ("clock", "id", "lock", "open", "part", "root", "tracer", "wall")

    def __init__(self, writer: Writer, *, id: str = "", part: int = 0, root: str = "") -> None:
        self.tracer = writer
        self.id = id or new_trace_id()
        self.root = root or self.id[:16]
        self.part = part
        self.wall = time.time_ns()
        self.clock = time.perf_counter_ns()
        self.open: dict[str, OpenSpan] | None = {}
        self.lock = threading.Lock()

    def now(self) -> int:
        """Nanoseconds since the epoch, monotonic within the trace whatever happens to the machine's clock."""
        return self.wall + time.perf_counter_ns() - self.clock

    def at(self, seconds: float) -> int:
        """The same for a time of the monotonic clock."""
        return self.now() - round((time.monotonic() - seconds) * 1e9)


class OpenSpan:
    """A step of a trace, as a context manager; closing it writes its line."""

    __slots__ = (
        "_error",
        "_fields",
        "_level",
        "_metadata",
        "_status",
        "_steps",
        "_token",
        "_trace",
        "kind",
        "name",
        "parent_id",
        "span_id",
        "start",
    )

    def __init__(
        self, trace: Trace, name: str, kind: SpanKind, parent_id: str, input: object, *, start: int = 0
    ) -> None:
        self._trace = trace
        self._token: Token[OpenSpan | None] | None = None
        self._fields: dict[str, str] = {}
        self._metadata: dict[str, object] = {}
        self._steps: Sequence[Step] = ()
        self._level = self._status = ""
        self._error = False
        self.name = name
        self.kind = kind
        self.parent_id = parent_id
        self.span_id = os.urandom(8).hex() if parent_id else trace.root
        self.start = start or trace.now()
        if input is not None:
            self._fields["input"] = encode(input)

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits."""
        return self._trace.id

    def set(self, **attributes: object) -> None:
        """Adds attributes; see `terakoya.protocols.Span`. Unknown names become metadata."""
        try:
            for name, value in attributes.items():
                self._set(name, value)
        except Exception as error:
            self._trace.tracer.failed(error)

    def _set(self, name: str, value: object) -> None:
        if name in ("input", "output", "usage", "tags"):
            self._fields[name] = encode(list(value) if name == "tags" and isinstance(value, tuple) else value)
        elif name in ("model", "thread_id"):
            self._fields[name] = encode(str(value), limit=MAX_NAME)
        elif name == "steps" and isinstance(value, Sequence):
            self._steps = [step for step in value if isinstance(step, Step)]
        elif name == "level":
            self._level = str(value).upper()
        elif name in ("status", "status_message"):
            self._status = redact(str(value))
        elif name == "metadata" and isinstance(value, Mapping):
            self._metadata.update(value)
        else:
            self._metadata[name] = value

    def __enter__(self) -> OpenSpan:
        try:
            with self._trace.lock:
                if self._trace.open is not None:
                    self._trace.open[self.span_id] = self
            self._token = current.set(self)
            if not self.parent_id:
                begins = self._trace.now() if self._trace.part else self.start
                self._trace.tracer.write(self._line("start", begins), urgent=False)
        except Exception as error:
            self._trace.tracer.failed(error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._leave()
            if error is not None:
                self._mark(error)
            self._finish()
        except Exception as failure:
            self._trace.tracer.failed(failure)

    def _leave(self) -> None:
        if self._token is not None:
            try:
                current.reset(self._token)
            except ValueError:  # closed in another context: a generator finished by another thread
                if current.get() is self:
                    current.set(None)

    def _mark(self, error: BaseException) -> None:
        ancestors = {ancestor.__name__ for ancestor in type(error).__mro__}
        if "GraphBubbleUp" in ancestors:  # LangGraph pauses for a person by raising: not an error
            self._status = self._status or type(error).__name__
        elif isinstance(error, Exception):
            self._level, self._status = "ERROR", describe(error)
        else:  # KeyboardInterrupt, GeneratorExit, cancellation
            self._level, self._status = self._level or "WARNING", type(error).__name__

    def _finish(self) -> None:
        trace = self._trace
        with trace.lock:
            if trace.open is None or trace.open.pop(self.span_id, None) is None:
                return
            left = [] if self.parent_id else list(trace.open.values())
            if not self.parent_id:
                trace.open = None
        end = trace.now()
        for step in self._steps:
            self._write_below(step, end)
        for span in reversed(left):
            span._level = span._level or "WARNING"
            span._status = span._status or "still open when the trace ended"
            trace.tracer.write(span._line("span", end), urgent=False)
        trace.tracer.write(self._line("span" if self.parent_id else "trace", end), urgent=not self.parent_id)

    def _write_below(self, step: Step, latest: int) -> None:
        """Writes a step that another process told of, held to the time of this one: clocks differ by a little."""
        began = min(max(self._trace.at(step.began), self.start), latest)
        below = OpenSpan(self._trace, step.name, "span", self.span_id, None, start=began)
        below.set(metadata=step.metadata)
        ended = min(max(self._trace.at(step.ended), began), latest)
        self._trace.tracer.write(below._line("span", ended), urgent=False)

    def _line(self, type: str, end: int) -> bytes:
        parts = [
            f'"type":"{type}","trace_id":"{self._trace.id}","span_id":"{self.span_id}"',
            f'"parent_id":"{self.parent_id}","name":{encode(self.name, limit=MAX_NAME)}',
            f'"kind":"{self.kind}","start":{self.start},"end":{end}',
        ]
        if self._trace.part:
            parts.append(f'"part":{self._trace.part}')
        parts.extend(f'"{name}":{value}' for name, value in self._fields.copy().items())
        if self._level:
            parts.append(f'"level":{encode(self._level, limit=MAX_NAME)}')
        if self._status:
            parts.append(f'"status":{encode(self._status)}')
        if self._metadata:
            parts.append(f'"metadata":{self._encoded_metadata()}')
        parts.append(self._trace.tracer.signature if type == "span" else self._trace.tracer.root_signature)
        return f"{{{','.join(parts)}}}".encode(errors="backslashreplace")

    def _encoded_metadata(self) -> str:
        """Each entry on its own, so that a long one does not cut the others."""
        entries = list(self._metadata.items())[:_MAX_METADATA]
        parts = [f"{encode(str(key), limit=MAX_NAME)}:{encode(value)}" for key, value in entries]
        return f"{{{','.join(parts)}}}"


class SilentSpan:
    """A span of which nothing is kept. It has a valid trace id all the same."""

    __slots__ = ("_trace_id",)

    def __init__(self) -> None:
        self._trace_id = new_trace_id()

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits, of a trace that is nowhere recorded."""
        return self._trace_id

    def set(self, **attributes: object) -> None:
        """Keeps nothing."""

    def __enter__(self) -> SilentSpan:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None
