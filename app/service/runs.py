"""Runs: work that belongs to the service, so that whoever has its id can join it again."""

import asyncio
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextvars import copy_context
from typing import Any, Final

from app.service import log
from terakoya.api import ApprovalModel, EventType, RunEvent, RunKind, RunState
from terakoya.errors import Busy, NotFound, TerakoyaError
from terakoya.types import Approval, Decision

MAX_RUNNING: Final = 32
MAX_FINISHED: Final = 200
APPROVAL_SECONDS: Final = 3600.0
"""For which a run waits for a person."""
MAX_FINISHED_BYTES: Final = 64 * 1024 * 1024


class Run:
    """One run: its events so far, and whoever waits for the next. Safe to use from several threads."""

    def __init__(self, kind: RunKind, *, thread_id: str = "", question: str = "") -> None:
        self.id = secrets.token_urlsafe(18)
        self.kind = kind
        self.thread_id = thread_id
        self.question = question
        self.size = len(question)
        self.cancelled = threading.Event()
        self._asked: Approval | None = None
        self._decision: Decision | None = None
        self._deciding = threading.Condition()
        self.started = time.time()
        self._events: list[RunEvent] = []
        self._status: EventType | None = None
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._ended = threading.Event()

    @property
    def running(self) -> bool:
        """Whether more events may come."""
        return not self._ended.is_set()

    @property
    def asks(self) -> bool:
        """Whether it waits for a person."""
        with self._deciding:
            return self._asked is not None

    def state(self) -> RunState:
        """The run as it stands."""
        with self._lock:
            status = self._status
            count = len(self._events)
        return RunState(
            run_id=self.id,
            kind=self.kind,
            thread_id=self.thread_id,
            status="running" if status is None else "error" if status == "error" else "done",
            question=self.question,
            events=count,
        )

    def add(self, type: EventType, data: dict[str, Any]) -> None:
        """Appends an event and wakes those who follow; nothing follows `done` or `error`."""
        with self._lock:
            if self._status is not None:
                return
            event = RunEvent(seq=len(self._events) + 1, type=type, data=data)
            self._events.append(event)
            self.size += 120 + len(str(data))
            if type in ("done", "error"):
                self._status = type
                self._ended.set()
            waiting = list(self._waiting)
        for loop, wake in waiting:
            # The loop of a follower may close while the service stops; the run itself goes on.
            if not loop.is_closed():
                loop.call_soon_threadsafe(wake.set)

    def ask_person(self, approval: Approval) -> Decision:
        """Waits for what a person says to `approval`; refuses where the run is cancelled, or nobody comes."""
        until = time.monotonic() + APPROVAL_SECONDS
        with self._deciding:
            self._asked, self._decision = approval, None
            self.add("approval", ApprovalModel.of(approval).model_dump())
            while not (
                self._decided() or not self.running or self.cancelled.is_set() or time.monotonic() > until
            ):
                self._deciding.wait(0.2)  # whoever cancels only sets the event
            decision = self._decided() or Decision(verdict="refuse", asked=False)
            self._asked = None
        self.add("decided", {"call_id": approval.call.id, "verdict": decision.verdict})
        return decision

    def _decided(self) -> Decision | None:
        return self._decision

    def decide(self, call_id: str, decision: Decision) -> None:
        """Takes what a person said.

        Raises:
            NotFound: The run asks nothing of this name now.
        """
        with self._deciding:
            if self._asked is None or self._asked.call.id != call_id or self._decision is not None:
                raise NotFound("approval_unknown", run=self.id)
            self._decision = decision
            self._deciding.notify_all()

    def wait(self, timeout: float) -> bool:
        """Waits up to `timeout` seconds for the end; whether it came."""
        return self._ended.wait(timeout)

    async def follow(self, after: int, *, heartbeat: float) -> AsyncIterator[list[RunEvent]]:
        """The events behind number `after` as they come; an empty list after `heartbeat` seconds without."""
        wake = asyncio.Event()
        entry = (asyncio.get_running_loop(), wake)
        with self._lock:
            self._waiting.add(entry)
        try:
            while True:
                wake.clear()
                with self._lock:
                    events, ended = self._events[after:], self._status is not None
                if events:
                    after = events[-1].seq
                    yield events
                if ended:
                    return
                try:
                    await asyncio.wait_for(wake.wait(), heartbeat)
                except TimeoutError:
                    yield []
        finally:
            with self._lock:
                self._waiting.discard(entry)


class Runs:
    """All runs of the service: those under way, and the latest finished ones within bounds."""

    def __init__(
        self,
        *,
        max_running: int = MAX_RUNNING,
        max_finished: int = MAX_FINISHED,
        max_bytes: int = MAX_FINISHED_BYTES,
    ) -> None:
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False
        self._max_running = max_running
        self._max_finished = max_finished
        self._max_bytes = max_bytes

    def start(self, run: Run, work: Callable[[Run], dict[str, Any]], *, language: str) -> Run:
        """Begins `work` in a thread of its own; what it returns becomes the `result` of the `done` event.

        Raises:
            Busy: Too many runs are under way, another ingest is, or the service is stopping.
        """
        with self._lock:
            running = [other for other in self._runs.values() if other.running]
            if self._closed:
                raise Busy("service_stopping")
            if run.kind == "ingest" and any(other.kind == "ingest" for other in running):
                raise Busy("ingest_busy")
            if len(running) >= self._max_running:
                raise Busy("runs_busy", limit=self._max_running)
            self._runs[run.id] = run
        context = copy_context()
        thread = threading.Thread(
            target=context.run, args=(self._work, run, work, language), name=f"run-{run.kind}", daemon=True
        )
        thread.start()
        return run

    def get(self, run_id: str) -> Run:
        """The run with this id.

        Raises:
            NotFound: There is none, or it finished so long ago that it was let go.
        """
        with self._lock:
            run = self._runs.get(run_id)
        if run is None:
            raise NotFound("run_unknown", run=run_id[:64])
        return run

    def running(self, kind: RunKind | None = None, *, thread_id: str | None = None) -> list[Run]:
        """The runs under way, oldest first."""
        with self._lock:
            return [
                run
                for run in self._runs.values()
                if run.running
                and (kind is None or run.kind == kind)
                and (thread_id is None or run.thread_id == thread_id)
            ]

    @property
    def closing(self) -> bool:
        """Whether no more runs are taken, as the service ends."""
        with self._lock:
            return self._closed

    def forget_finished(self, kind: RunKind) -> None:
        """Lets go of all finished runs of a kind, whoever might still join them."""
        with self._lock:
            for run in [run for run in self._runs.values() if run.kind == kind and not run.running]:
                del self._runs[run.id]

    def close(self, seconds: float) -> None:
        """Takes no more runs, asks ingests to stop, and gives all up to `seconds` to end."""
        with self._lock:
            self._closed = True
        deadline = time.monotonic() + seconds
        for run in self.running():
            run.cancelled.set()
        for run in self.running():
            if not run.wait(max(0.0, deadline - time.monotonic())):
                stopped = Busy("service_stopping")
                run.add("error", error_data(stopped, None))

    def _work(self, run: Run, work: Callable[[Run], dict[str, Any]], language: str) -> None:
        log.run_id.set(run.id)
        log.thread_id.set(run.thread_id)
        try:
            result = work(run)
        except TerakoyaError as error:
            log.event("run failed", kind=run.kind, error=error.key)
            run.add("error", error_data(error, language))
        except Exception as error:
            log.failure("run failed", error, kind=run.kind)
            run.add("error", error_data(TerakoyaError("internal", log=log.place()), language))
        else:
            seconds = round(time.time() - run.started, 3)
            log.event("run done", kind=run.kind, seconds=seconds, trace_id=result.get("trace_id"))
            run.add("done", {"result": result})
        finally:
            self._let_go()

    def _let_go(self) -> None:
        with self._lock:
            finished = [run for run in self._runs.values() if not run.running]
            size = sum(run.size for run in finished)
            while finished and (len(finished) > self._max_finished or size > self._max_bytes):
                oldest = finished.pop(0)
                # The youngest stays whatever its size: its page has still to read the end.
                if not finished:
                    break
                size -= oldest.size
                del self._runs[oldest.id]


def error_data(error: TerakoyaError, language: str | None) -> dict[str, Any]:
    """The data of an `error` event."""
    return {"code": error.key, "message": error.message(language), "status": error.http_status}
