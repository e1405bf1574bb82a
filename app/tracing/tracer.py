"""The tracers: one that spools to disk, one that records nothing."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from math import isfinite
from typing import TYPE_CHECKING, Final, Protocol

from app.tracing.encoding import encode
from app.tracing.erasing import erase
from app.tracing.process import identity
from app.tracing.reader import begun
from app.tracing.redaction import describe
from app.tracing.spans import MAX_NAME, OpenSpan, SilentSpan, Trace, current
from app.tracing.spool import Spool

if TYPE_CHECKING:  # the protocols import NumPy, which a command that only traces need not wait for
    from terakoya.protocols import Span
    from terakoya.types import SpanKind

log = logging.getLogger(__name__)

CLOSE_WITHIN: Final = 1.8
"""Seconds that `close` takes at most: the 3 s that are promised are for the whole service."""
_SPOOL_SHARE: Final = 1.0
_MAX_COMMENT: Final = 4_000
_TRACE_ID: Final = re.compile("[0-9a-f]{32}")


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


def score_id(trace: str, name: str) -> str:
    """The id of the one score `name` of a trace, for scores that come without an id of their own."""
    return sha256(f"{trace}/{name}".encode()).hexdigest()[:32]


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
        trace_id: str = "",
    ) -> AbstractContextManager[Span]:
        """Opens the root of a new trace, of kind `agent`; or once more that of `trace_id`.

        A trace that is gone on with keeps its id, its root and the time of its beginning: servers merge a root
        with what they have of it by these three.
        """
        try:
            trace, start = self._trace(trace_id)
            root = OpenSpan(trace, name, "agent", "", input, start=start)
            if trace.part:
                root.set(resumed=trace.part)
            given = {"thread_id": thread_id, "tags": tags, "metadata": {**self._told(), **(metadata or {})}}
            root.set(**{key: value for key, value in given.items() if value})
            return root
        except Exception as error:
            self.failed(error)
            return SilentSpan()

    def _trace(self, trace_id: str) -> tuple[Trace, int]:
        """A new trace, or that of an id, and when that one began, 0 where no file tells."""
        if not _TRACE_ID.fullmatch(trace_id):
            return Trace(self), 0
        self.flush(_SPOOL_SHARE)
        before = begun(self.spool.folder, trace_id)
        part = max((root.part for root in before), default=0) + 1
        root = before[0].span_id if before else ""
        return Trace(self, id=trace_id, part=part, root=root), min((one.start for one in before), default=0)

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
            parent = current.get()
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
                f'{{"type":"score","score_id":{encode(made, limit=MAX_NAME)},"trace_id":{encode(trace_id)},'
                f'"name":{encode(name, limit=MAX_NAME)},"value":{float(value)!r},'
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
            self.spool.close(CLOSE_WITHIN if self.delivery is None else _SPOOL_SHARE)
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
        trace_id: str = "",
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
