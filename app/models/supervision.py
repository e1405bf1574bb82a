"""The worker of a local model: started when first needed, and again after a crash."""

import logging
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.models.build import BUILD_COMMAND, require_engine
from app.models.gguf import read_header
from app.models.options import ModelOptions
from app.models.process import Reply, WorkerProcess
from app.models.selfcheck import SelfCheck
from terakoya.errors import BadInput, TerakoyaError, Unavailable

log = logging.getLogger(__name__)

LONGEST_DELAY = 60.0
"""Seconds that a worker which keeps crashing is left alone at most."""
_NO_MEMORY = re.compile(
    r"insufficient memory|(failed|unable) to allocate|cannot allocate|bad_alloc|failed to map segment",
    re.IGNORECASE,
)
"""In llama.cpp's words and the system's: the file is not to blame."""
_SHARE = 0.75
"""Of the memory that is left, what the cache may take when it is more than one context."""


@dataclass(frozen=True, slots=True)
class Allotment:
    """What a worker may take of the memory that is free.

    Attributes:
        cells: Tokens that its key-value cache may hold.
        shelf_mb: MiB for threads that had to leave the cache.
    """

    cells: int
    shelf_mb: int


class Load:
    """A worker with its model on the way, or loaded."""

    def __init__(self, worker: WorkerProcess, started: float) -> None:
        self.worker = worker
        self.started = started
        self.reply: Reply | None = None
        self.answered = threading.Event()

    def answer(self, reply: Reply) -> None:
        """The worker said that the model is loaded, or why not."""
        self.reply = reply
        self.answered.set()


class Supervisor:
    """Keeps one worker with one model. Safe to call from any thread.

    From the second crash in a row on, `ready` refuses (`model_resting`) for 1, 2, 4 ... 60 seconds, so that a
    fallback is not kept waiting; `recovered` resets that.

    Args:
        path: The GGUF file.
        context_tokens: Context for prompt and answer of one request together.
        threads: Threads that compute.
        load_timeout: Seconds after which a load that does not end is given up.
        memory: Tells the bytes of memory that are available, None for unknown.
        clock: Monotonic seconds, for the delays after crashes.
        options: How the model is loaded.
        selfcheck: Says whether weights may be repacked for this processor.
    """

    def __init__(
        self,
        path: Path,
        *,
        context_tokens: int,
        threads: int,
        load_timeout: float,
        memory: Callable[[], int | None],
        clock: Callable[[], float],
        options: ModelOptions,
        selfcheck: SelfCheck,
    ) -> None:
        self.path = path
        self._context_tokens = context_tokens
        self._threads = threads
        self._load_timeout = load_timeout
        self._memory = memory
        self._clock = clock
        self._options = options
        self._selfcheck = selfcheck
        self._lock = threading.Lock()
        self._current: Load | None = None
        self._crashes = 0
        self._not_before = 0.0
        self._closed = False
        self._states: tempfile.TemporaryDirectory[str] | None = None

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, None while there is none."""
        with self._lock:
            return self._current.worker.pid if self._current else None

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        with self._lock:
            return self._closed

    def check(self) -> Allotment:
        """Looks, without starting anything, whether the model could be loaded, and with what beside it.

        Raises:
            BadInput: `model_missing`, `model_not_gguf`, `model_broken`.
            Unavailable: `engine_missing`, `engine_building`, `model_memory`.
        """
        header = read_header(self.path)
        require_engine()
        available = self._memory()
        footprint, options = header.footprint, self._options
        context = footprint.window(self._context_tokens, options)
        needed = footprint.taken(context, options)
        if available is not None and needed > available:
            raise Unavailable(
                "model_memory",
                path=self.path,
                needed=f"{needed / 2**30:.1f}",
                available=f"{available / 2**30:.1f}",
                context=context,
            )
        budget = options.cache_mb * 2**20
        if available is not None:
            budget = min(budget, int((available - needed) * _SHARE) + footprint.cache(context, options))
        most, whole = context * options.slots, footprint.cache(context * options.slots, options)
        cells = max(context, most * budget // whole if whole > budget else most)
        shelf = options.shelf_mb
        if available is not None:
            shelf = min(shelf, max(0, available - footprint.taken(cells, options)) // (2 * 2**20))
        return Allotment(cells, shelf)

    def ready(self, deadline: float) -> Load:
        """The worker with its model loaded, started if there is none.

        Args:
            deadline: On the monotonic clock.

        Raises:
            BadInput: See `check`.
            Unavailable: See `check`; `model_closed`, `model_resting`, `model_loading`, `model_crashed`,
                `model_refused_memory`.
        """
        with self._lock:
            if self._closed:
                raise Unavailable("model_closed", path=self.path)
            if self._current is None:
                self._current = self._begin()
            load = self._current
        if not load.answered.wait(max(deadline - time.monotonic(), 0)):
            if time.monotonic() - load.started > self._load_timeout:
                load.worker.kill()
            raise Unavailable("model_loading", path=self.path, seconds=round(time.monotonic() - load.started))
        if load.reply and load.reply["event"] == "loaded":
            return load
        self._drop(load.worker)
        raise self.error(load.reply or {"event": "gone"}, load.worker)

    def recovered(self) -> None:
        """A request was served: crashes before it no longer count."""
        with self._lock:
            self._crashes = 0
            self._not_before = 0.0

    def end(self) -> None:
        """Ends the worker and what it put on disk; the next request starts another one."""
        with self._lock:
            current, self._current = self._current, None
        if current is not None:
            current.worker.stop()
        if self._states is not None:
            self._states.cleanup()

    def close(self) -> None:
        """Ends the worker; returns when the process is gone. May be repeated."""
        with self._lock:
            self._closed = True
            current = self._current
        if current is not None:
            current.worker.stop()
        if self._states is not None:
            self._states.cleanup()

    def error(self, reply: Mapping[str, object], worker: WorkerProcess) -> TerakoyaError:
        """The sentence for a reply that ends a request badly."""
        if reply["event"] == "gone":
            if self.closed:
                return Unavailable("model_closed", path=self.path)
            return Unavailable("model_crashed", path=self.path, reason=worker.ending())
        values = reply.get("values")
        named: dict[str, object] = dict(values) if isinstance(values, Mapping) else {}
        reason = named.get("reason", "")
        match reply.get("code"):
            case "load_failed" | "import_failed" if _NO_MEMORY.search(str(reason)):
                return Unavailable("model_refused_memory", path=self.path, reason=reason)
            case "load_failed":
                return BadInput("model_broken", path=self.path, reason=reason)
            case "prompt_too_long":
                return BadInput("prompt_too_long", **named)
            case "schema_refused" | "grammar_refused" as code:
                return BadInput(str(code), reason=reason)
            case "import_failed":
                return Unavailable("engine_broken", reason=reason, command=BUILD_COMMAND)
            case _:
                return Unavailable("model_failed", path=self.path, reason=reason)

    def _begin(self) -> Load:
        rest = self._not_before - self._clock()
        if rest > 0:
            raise Unavailable(
                "model_resting", path=self.path, crashes=self._crashes, seconds=round(rest) or 1
            )
        allotment = self.check()
        try:
            worker = WorkerProcess(self._gone)
        except OSError as error:
            raise Unavailable("model_failed", path=self.path, reason=error.strerror or error) from None
        load = Load(worker, time.monotonic())
        wanted = self._wanted(allotment)

        def send() -> None:
            # On a thread: a trial of the processor takes as long as a load, and nobody may wait beyond his time.
            wanted["options"]["extra_buffers"] = self._extra_buffers()
            worker.request("load", load.answer, **wanted)

        threading.Thread(target=send, name="model-load", daemon=True).start()
        return load

    def _wanted(self, allotment: Allotment) -> dict[str, Any]:
        folder = None
        if self._options.shelf_disk_mb:
            if self._states is not None:  # of a worker that was killed
                self._states.cleanup()
            self._states = tempfile.TemporaryDirectory(prefix="terakoya-", ignore_cleanup_errors=True)
            folder = self._states.name
        return {
            "path": str(self.path.absolute()),
            "context": self._context_tokens,
            "cells": allotment.cells,
            "threads": self._threads,
            "options": {**asdict(self._options), "shelf_mb": allotment.shelf_mb},
            "folder": folder,
        }

    def _extra_buffers(self) -> bool:
        if self._options.extra_buffers is not None:
            return self._options.extra_buffers
        try:
            return self._selfcheck.extra_buffers(self.path, read_header(self.path).kind)
        except TerakoyaError:  # the file went meanwhile; the load will say so
            return False

    def _drop(self, worker: WorkerProcess) -> None:
        """Ends a worker whose load failed, so that the next request tries anew."""
        with self._lock:
            if self._current is not None and self._current.worker is worker:
                self._current = None
        worker.stop()

    def _gone(self, worker: WorkerProcess) -> None:
        with self._lock:
            if self._current is not None and self._current.worker is worker:
                self._current = None
            if worker.stopping:
                return
            self._crashes += 1
            if self._crashes > 1:
                self._not_before = self._clock() + min(LONGEST_DELAY, 2.0 ** (self._crashes - 2))
        log.error("the model's worker %d ended: %s; %s", worker.pid, worker.ending(), worker.last_words())


def processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1
