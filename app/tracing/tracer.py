"""The tracers: one that spools to disk, one that records nothing."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from hashlib import sha256
from math import isfinite
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol

from app.tracing.encoding import encode
from app.tracing.erasing import erase
from app.tracing.process import identity
from app.tracing.redaction import describe, redact
from app.tracing.spool import Spool

if TYPE_CHECKING:  # the protocols import NumPy, which a command that only traces need not wait for
    from terakoya.protocols import Span
    from terakoya.types import SpanKind

log = logging.getLogger(__name__)

CLOSE_WITHIN: Final = 2.4
"""Seconds that `close` takes at most, a little under the 3 s that are promised."""
_SPOOL_SHARE: Final = 1.0
_MAX_NAME: Final = 200
_MAX_COMMENT: Final = 4_000
_TRACE_ID: Final = re.compile("[0-9a-f]{32}")
_MAX_METADATA: Final = 64

_current: ContextVar[OpenSpan | None] = ContextVar("terakoya_span", default=None)


class Delivery(Protocol):
    """Carries written traces to a server."""

    def wake(self) -> None:
        """New lines stand in the files."""
        ...

    def forget(self, trace_ids: Collection[str]) -> None:
        """Sends nothing more of these traces."""
        ...

    def close(self, timeout: float) -> None:
        """Delivers what `timeout` seconds allow."""
        ...


def trace_id() -> str:
    """A new trace id. From the system's source, so that a seeded `random` cannot repeat one."""
    return os.urandom(16).hex()


def score_id(trace: str, name: str) -> str:
    """The id of the one score `name` of a trace, for scores that come without an id of their own."""
    return sha256(f"{trace}/{name}".encode()).hexdigest()[:32]


class _Trace:
    """What the spans of one trace share."""

    __slots__ = ("clock", "id", "lock", "open", "tracer", "wall")

    def __init__(self, tracer: SpoolTracer) -> None:
        self.tracer = tracer
        self.id = trace_id()
        self.wall = time.time_ns()
        self.clock = time.perf_counter_ns()
        self.open: dict[str, OpenSpan] | None = {}
        self.lock = threading.Lock()

    def now(self) -> int:
        """Nanoseconds since the epoch, monotonic within the trace whatever happens to the machine's clock."""
        return self.wall + time.perf_counter_ns() - self.clock


class OpenSpan:
    """A step of a trace, as a context manager; closing it writes its line."""

    __slots__ = (
        "_error",
        "_fields",
        "_level",
        "_metadata",
        "_status",
        "_token",
        "_trace",
        "kind",
        "name",
        "parent_id",
        "span_id",
        "start",
    )

    def __init__(self, trace: _Trace, name: str, kind: SpanKind, parent_id: str, input: object) -> None:
        self._trace = trace
        self._token: Token[OpenSpan | None] | None = None
        self._fields: dict[str, str] = {}
        self._metadata: dict[str, object] = {}
        self._level = self._status = ""
        self._error = False
        self.name = name
        self.kind = kind
        self.parent_id = parent_id
        self.span_id = os.urandom(8).hex()
        self.start = trace.now()
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
            self._fields[name] = encode(str(value), limit=_MAX_NAME)
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
            self._token = _current.set(self)
            if not self.parent_id:
                self._trace.tracer.write(self._line("start", self.start), urgent=False)
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
                _current.reset(self._token)
            except ValueError:  # closed in another context: a generator finished by another thread
                if _current.get() is self:
                    _current.set(None)

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
        for span in reversed(left):
            span._level = span._level or "WARNING"
            span._status = span._status or "still open when the trace ended"
            trace.tracer.write(span._line("span", end), urgent=False)
        trace.tracer.write(self._line("span" if self.parent_id else "trace", end), urgent=not self.parent_id)

    def _line(self, type: str, end: int) -> bytes:
        parts = [
            f'"type":"{type}","trace_id":"{self._trace.id}","span_id":"{self.span_id}"',
            f'"parent_id":"{self.parent_id}","name":{encode(self.name, limit=_MAX_NAME)}',
            f'"kind":"{self.kind}","start":{self.start},"end":{end}',
        ]
        parts.extend(f'"{name}":{value}' for name, value in self._fields.copy().items())
        if self._level:
            parts.append(f'"level":{encode(self._level, limit=_MAX_NAME)}')
        if self._status:
            parts.append(f'"status":{encode(self._status)}')
        if self._metadata:
            parts.append(f'"metadata":{self._encoded_metadata()}')
        parts.append(self._trace.tracer.signature if type == "span" else self._trace.tracer.root_signature)
        return f"{{{','.join(parts)}}}".encode(errors="backslashreplace")

    def _encoded_metadata(self) -> str:
        """Each entry on its own, so that a long one does not cut the others."""
        entries = list(self._metadata.items())[:_MAX_METADATA]
        parts = [f"{encode(str(key), limit=_MAX_NAME)}:{encode(value)}" for key, value in entries]
        return f"{{{','.join(parts)}}}"


class SilentSpan:
    """A span of which nothing is kept. It has a valid trace id all the same."""

    __slots__ = ("_trace_id",)

    def __init__(self) -> None:
        self._trace_id = trace_id()

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


class SpoolTracer:
    """Appends one line for each step, trace and score to the files of a `Spool`.

    On the caller's path stand the making of the line and its way into a queue in memory; writing and
    delivering happen elsewhere. The step above a new one is found in the context (`contextvars`), so it is
    known in asyncio tasks, in LangGraph's nodes, and in threads that run inside `copy_context()`.

    When a trace ends, steps of it that are still open (a node that ran into a timeout) end with it, at level
    WARNING: a trace is complete once its last line is there.

    Attributes:
        about: Gives metadata for the root of each trace that begins.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        environment: str = "",
        release: str = "",
        user: str = "",
        delivery: Delivery | None = None,
    ) -> None:
        self.spool = spool
        self.delivery = delivery
        self.about: Callable[[], Mapping[str, object]] = dict
        self.failures = 0
        self._environment = environment
        common = f'"environment":{encode(environment)},"release":{encode(release)}'
        self.signature = common
        self.root_signature = f'{common},"user":{encode(user)},"writer":{encode(identity())}'

    def trace(
        self,
        name: str,
        *,
        thread_id: str = "",
        input: object = None,
        tags: Sequence[str] = (),
        metadata: Mapping[str, object] | None = None,
    ) -> AbstractContextManager[Span]:
        """Opens the root of a new trace, of kind `agent`."""
        try:
            root = OpenSpan(_Trace(self), name, "agent", "", input)
            given = {"thread_id": thread_id, "tags": tags, "metadata": {**self._told(), **(metadata or {})}}
            root.set(**{key: value for key, value in given.items() if value})
            return root
        except Exception as error:
            self.failed(error)
            return SilentSpan()

    def _told(self) -> Mapping[str, object]:
        """What `about` has to say; a question is asked whatever becomes of that."""
        try:
            return self.about()
        except Exception as error:
            self.failed(error)
            return {}

    def span(
        self, name: str, kind: SpanKind = "span", *, input: object = None
    ) -> AbstractContextManager[Span]:
        """Opens a step under the step that is open in this context; without one it records nothing."""
        try:
            parent = _current.get()
            if parent is None or parent._trace.tracer is not self or parent._trace.open is None:
                return SilentSpan()
            return OpenSpan(parent._trace, name, kind, parent.span_id, input)
        except Exception as error:
            self.failed(error)
            return SilentSpan()

    def score(self, trace_id: str, name: str, value: float, *, comment: str = "", score_id: str = "") -> None:
        """Attaches a score to a trace.

        Without a `score_id`, a trace has one score of each name: scoring again replaces.
        """
        try:
            if not isfinite(value) or not _TRACE_ID.fullmatch(trace_id):
                raise ValueError(f"a score of {value} on trace {trace_id!r}")
            made = score_id or _score_id(trace_id, name)
            line = (
                f'{{"type":"score","score_id":{encode(made, limit=_MAX_NAME)},"trace_id":{encode(trace_id)},'
                f'"name":{encode(name, limit=_MAX_NAME)},"value":{float(value)!r},'
                f'"comment":{encode(comment, limit=_MAX_COMMENT)},"time":{time.time_ns()},'
                f'"environment":{encode(self._environment)}}}'
            )
            self.write(line.encode(errors="backslashreplace"), urgent=True)
        except Exception as error:
            self.failed(error)

    def flush(self, timeout: float) -> bool:
        """Waits until what was recorded so far is on disk; False when `timeout` seconds were not enough."""
        return self.spool.flush(timeout)

    def erase(self, trace_ids: Collection[str]) -> int:
        """Overwrites these traces in the files, and sends nothing more of them; the number of lines."""
        self.flush(_SPOOL_SHARE)
        if self.delivery is not None:
            self.delivery.forget(trace_ids)
        return erase(self.spool.folder, trace_ids)

    def close(self) -> None:
        """Writes and delivers what can be within 3 s; the rest waits on disk."""
        deadline = time.monotonic() + CLOSE_WITHIN
        try:
            self.spool.close(_SPOOL_SHARE)
            if self.delivery is not None:
                self.delivery.close(deadline - time.monotonic())
        except Exception as error:
            self.failed(error)

    def write(self, line: bytes, *, urgent: bool) -> None:
        """Hands a line to the spool."""
        self.spool.append(line, urgent=urgent)

    def failed(self, error: Exception) -> None:
        """Counts a failure of tracing itself; the first is logged."""
        self.failures += 1
        if self.failures == 1:
            log.warning("a step could not be traced: %s", describe(error))


_score_id = score_id


class NoTracer:
    """Records nothing; its spans have valid trace ids."""

    def trace(
        self,
        name: str,
        *,
        thread_id: str = "",
        input: object = None,
        tags: Sequence[str] = (),
        metadata: Mapping[str, object] | None = None,
    ) -> AbstractContextManager[Span]:
        """A span of which nothing is kept."""
        return SilentSpan()

    def span(
        self, name: str, kind: SpanKind = "span", *, input: object = None
    ) -> AbstractContextManager[Span]:
        """A span of which nothing is kept."""
        return SilentSpan()

    def score(self, trace_id: str, name: str, value: float, *, comment: str = "", score_id: str = "") -> None:
        """Keeps nothing."""

    def close(self) -> None:
        """Nothing to do."""
