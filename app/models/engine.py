"""The local model as the service sees it: one GGUF, served by a supervised worker process."""

import logging
import os
import queue
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from app.models.build import BUILD_COMMAND, require_engine
from app.models.generation import ChatMessage, Finished, Generation
from app.models.gguf import read_header
from app.models.memory import available_memory
from app.models.process import Reply, WorkerProcess
from app.models.sampling import Sampling
from app.models.turns import Turns
from terakoya.errors import BadInput, Busy, TerakoyaError, Unavailable

log = logging.getLogger(__name__)

LONGEST_DELAY = 60.0
"""Seconds that a worker which keeps crashing is left alone at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """What the worker said when the model was loaded.

    Attributes:
        context: Tokens of context, for prompt and answer together.
        vocabulary: Number of tokens in the vocabulary.
        description: Family, size and quantisation, in llama.cpp's words.
    """

    context: int
    vocabulary: int
    description: str


class _Load:
    """A worker with its model on the way, or loaded."""

    def __init__(self, worker: WorkerProcess, started: float) -> None:
        self.worker = worker
        self.started = started
        self.reply: Reply | None = None
        self.answered = threading.Event()

    def answer(self, reply: Reply) -> None:
        self.reply = reply
        self.answered.set()


class LocalEngine:
    """Serves one GGUF through a worker process that it starts when first needed.

    Requests are served one at a time, in the order in which they came. Safe to call from any thread.

    A worker that dies takes its request with it (`Unavailable`, `model_crashed`); the next request gets a
    new worker. From the second crash in a row on, requests are refused (`model_resting`) for 1, 2, 4 ... 60
    seconds, so that a fallback is not kept waiting; an answer resets that.

    Args:
        path: The GGUF file.
        context_tokens: Context for prompt and answer together, at most what the model was trained for.
        threads: Threads that compute; None for the processors that this process may use.
        timeout: Seconds that a request may take, waiting for its turn and for the model included.
        load_timeout: Seconds after which a load that does not end is given up. A request's own time may be
            up earlier; the load then goes on for the next one.
        grace: Seconds that the worker has for stopping a generation before it is killed.
        memory: Tells the bytes of memory that are available, None for unknown.
        clock: Monotonic seconds, for the delays after crashes.
    """

    def __init__(
        self,
        path: Path,
        *,
        context_tokens: int = 4096,
        threads: int | None = None,
        timeout: float = 180.0,
        load_timeout: float = 600.0,
        grace: float = 5.0,
        memory: Callable[[], int | None] = available_memory,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.timeout = timeout
        self._context_tokens = context_tokens
        self._threads = threads or _processors()
        self._load_timeout = load_timeout
        self._grace = grace
        self._memory = memory
        self._clock = clock
        self._turns = Turns()
        self._lock = threading.Lock()
        self._current: _Load | None = None
        self._crashes = 0
        self._not_before = 0.0
        self._closed = False

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, None while there is none."""
        with self._lock:
            return self._current.worker.pid if self._current else None

    def check(self) -> None:
        """Looks, without starting anything, whether the model could be loaded.

        Raises:
            BadInput: `model_missing`, `model_not_gguf`, `model_broken`.
            Unavailable: `engine_missing`, `engine_building`, `model_memory`.
        """
        header = read_header(self.path)
        require_engine()
        available = self._memory()
        context = min(self._context_tokens, header.context or self._context_tokens)
        needed = header.memory(context)
        if available is not None and needed > available:
            raise Unavailable(
                "model_memory",
                path=self.path,
                needed=f"{needed / 2**30:.1f}",
                available=f"{available / 2**30:.1f}",
                context=context,
            )

    def load(self, timeout: float | None = None) -> LoadedModel:
        """Loads the model now, unless it is loaded, and says what it is.

        Raises:
            BadInput: See `check`.
            Unavailable: See `generate`.
        """
        return _loaded(self._ready(time.monotonic() + (timeout or self.timeout)))

    def generate(
        self,
        messages: Sequence[ChatMessage],
        sampling: Sampling | None = None,
        *,
        timeout: float | None = None,
    ) -> Generation:
        """Starts an answer to a conversation, in the model's own chat template.

        Blocks until the turn of this request has come and the model is loaded.

        Raises:
            BadInput: See `check`; while iterating also `prompt_too_long` and `schema_refused`.
            Busy: `model_busy`: others were served until the time was up.
            Unavailable: See `check`; `model_crashed`, `model_resting`, `model_loading`, `model_closed`, and
                while iterating `model_deadline`, `model_failed`.
        """
        seconds = timeout or self.timeout
        deadline = time.monotonic() + seconds
        if not self._turns.take(seconds):
            raise self._refused(seconds)
        try:
            worker = self._ready(deadline).worker
        except BaseException:
            self._turns.give_back()
            raise
        return self._start(worker, messages, sampling or Sampling(), deadline, seconds)

    def count_tokens(self, text: str, *, timeout: float | None = None) -> int:
        """Tokens of `text` for this model; answered during a generation too.

        Raises:
            BadInput: See `check`.
            Unavailable: See `generate`.
        """
        return self._ask("count", timeout, text=text)

    def count_message_tokens(self, messages: Sequence[ChatMessage], *, timeout: float | None = None) -> int:
        """Tokens of a conversation in the model's chat template, up to where the answer begins.

        Raises:
            BadInput: See `check`.
            Unavailable: See `generate`.
        """
        return self._ask("count", timeout, messages=list(messages))

    def close(self) -> None:
        """Ends the worker and whatever runs in it; returns when the process is gone. May be repeated."""
        self._turns.close()
        with self._lock:
            self._closed = True
            current = self._current
        if current is not None:
            current.worker.stop()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes."""
        self.close()

    def _start(
        self,
        worker: WorkerProcess,
        messages: Sequence[ChatMessage],
        sampling: Sampling,
        deadline: float,
        seconds: float,
    ) -> Generation:
        seed = secrets.randbits(32) if sampling.seed is None else sampling.seed
        generation = Generation()
        over = threading.Event()

        def hear(reply: Reply) -> None:
            event = reply["event"]
            if event == "piece":
                generation.put(reply["text"])
                return
            over.set()
            if event == "done":
                if reply["finish_reason"] != "cancelled":
                    self._recovered()
                generation.put(
                    Finished(
                        input_tokens=reply["input_tokens"],
                        output_tokens=reply["output_tokens"],
                        finish_reason=reply["finish_reason"],
                        seed=seed,
                    )
                )
            else:
                generation.put(self._error(reply, worker))
            self._turns.give_back()

        number = worker.request(
            "generate", hear, messages=list(messages), sampling=asdict(sampling), seed=seed
        )

        def stop() -> None:
            if not over.is_set():
                worker.cancel(number)
                _later(self._grace, kill, unless=over)

        def kill() -> None:
            if not over.is_set():
                log.warning("the model's worker %d did not stop; it is killed", worker.pid)
                worker.kill()

        def expire() -> None:
            if not over.is_set():
                generation.put(Unavailable("model_deadline", seconds=f"{seconds:g}"))
                stop()

        generation.on_close(stop)
        _later(deadline - time.monotonic(), expire, unless=over)
        return generation

    def _ask(self, op: str, timeout: float | None, **values: object) -> int:
        seconds = timeout or self.timeout
        deadline = time.monotonic() + seconds
        worker = self._ready(deadline).worker
        replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        worker.request(op, replies.put, **values)
        try:
            reply = replies.get(timeout=max(deadline - time.monotonic(), 0.001))
        except queue.Empty:
            raise Unavailable("model_deadline", seconds=f"{seconds:g}") from None
        if reply["event"] != "counted":
            raise self._error(reply, worker)
        return int(reply["tokens"])

    def _ready(self, deadline: float) -> _Load:
        """The worker with its model loaded, started if there is none."""
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
        raise self._error(load.reply or {"event": "gone"}, load.worker)

    def _begin(self) -> _Load:
        rest = self._not_before - self._clock()
        if rest > 0:
            raise Unavailable(
                "model_resting", path=self.path, crashes=self._crashes, seconds=round(rest) or 1
            )
        self.check()
        try:
            worker = WorkerProcess(self._gone)
        except OSError as error:
            raise Unavailable("model_failed", path=self.path, reason=error.strerror or error) from None
        load = _Load(worker, time.monotonic())
        load.worker.request(
            "load",
            load.answer,
            path=str(self.path.absolute()),
            context=self._context_tokens,
            threads=self._threads,
        )
        return load

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

    def _recovered(self) -> None:
        with self._lock:
            self._crashes = 0
            self._not_before = 0.0

    def _refused(self, seconds: float) -> TerakoyaError:
        with self._lock:
            closed = self._closed
        return (
            Unavailable("model_closed", path=self.path)
            if closed
            else Busy("model_busy", seconds=f"{seconds:g}")
        )

    def _error(self, reply: Mapping[str, object], worker: WorkerProcess) -> TerakoyaError:
        """The sentence for a reply that ends a request badly."""
        if reply["event"] == "gone":
            with self._lock:
                closed = self._closed
            if closed:
                return Unavailable("model_closed", path=self.path)
            return Unavailable("model_crashed", path=self.path, reason=worker.ending())
        values = reply.get("values")
        named: dict[str, object] = dict(values) if isinstance(values, Mapping) else {}
        reason = named.get("reason", "")
        match reply.get("code"):
            case "load_failed":
                return BadInput("model_broken", path=self.path, reason=reason)
            case "prompt_too_long":
                return BadInput("prompt_too_long", **named)
            case "schema_refused":
                return BadInput("schema_refused", reason=reason)
            case "import_failed":
                return Unavailable("engine_broken", reason=reason, command=BUILD_COMMAND)
            case _:
                return Unavailable("model_failed", path=self.path, reason=reason)


def _loaded(load: _Load) -> LoadedModel:
    reply = load.reply or {}
    return LoadedModel(
        context=reply["context"], vocabulary=reply["vocabulary"], description=reply["description"]
    )


def _later(seconds: float, act: Callable[[], None], *, unless: threading.Event) -> None:
    def wait() -> None:
        if not unless.wait(max(seconds, 0)):
            act()

    threading.Thread(target=wait, name="model-deadline", daemon=True).start()


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1
