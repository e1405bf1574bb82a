"""The local model as the service sees it: one GGUF, served by a supervised worker process."""

import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from app.models.best import Best
from app.models.generation import ChatMessage, Finished, Generation, Phases, Token
from app.models.memory import available_memory
from app.models.options import ModelOptions
from app.models.process import Reply, WorkerProcess
from app.models.sampling import Sampling
from app.models.selfcheck import SelfCheck
from app.models.supervision import Supervisor, processors
from terakoya.errors import Busy, TerakoyaError, Unavailable

log = logging.getLogger(__name__)

_STARTED, _OVER = 0, -1


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """What the worker said when the model was loaded.

    Attributes:
        context: Tokens of context of one request, for prompt and answer together.
        cells: Tokens that all requests at once and kept threads may hold together.
        vocabulary: Number of tokens in the vocabulary.
        description: Family, size and quantisation, in llama.cpp's words.
    """

    context: int
    cells: int
    vocabulary: int
    description: str


class LocalEngine:
    """Serves one GGUF through a worker process that it starts when first needed.

    Several requests are decoded at once; those that find no room wait, and those who ask take turns. Safe to
    call from any thread. A text that begins like an earlier one is not evaluated from its beginning again.

    A worker that dies takes its requests with it (`Unavailable`, `model_crashed`); the next request gets a
    new worker. From the second crash in a row on, requests are refused (`model_resting`) for 1, 2, 4 ... 60
    seconds, so that a fallback is not kept waiting; an answer resets that.

    Args:
        path: The GGUF file.
        context_tokens: Context for prompt and answer of one request together, at most what the model was
            trained for.
        threads: Threads that compute; None for the processors that this process may use.
        timeout: Seconds that a request may take, waiting for its turn and for the model included.
        load_timeout: Seconds after which a load that does not end is given up. A request's own time may be
            up earlier; the load then goes on for the next one.
        grace: Seconds that the worker has for stopping a generation before it is killed.
        memory: Tells the bytes of memory that are available, None for unknown.
        clock: Monotonic seconds, for the delays after crashes.
        options: How the model is loaded, and how many requests it serves at once.
        selfcheck: Says whether weights may be repacked for this processor; one that remembers nothing when None.
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
        options: ModelOptions | None = None,
        selfcheck: SelfCheck | None = None,
    ) -> None:
        self.path = path
        self.timeout = timeout
        self._grace = grace
        self._supervisor = Supervisor(
            path,
            context_tokens=context_tokens,
            threads=threads or processors(),
            load_timeout=load_timeout,
            memory=memory,
            clock=clock,
            options=options or ModelOptions(),
            selfcheck=selfcheck or SelfCheck(),
        )

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, None while there is none."""
        return self._supervisor.worker_pid

    def check(self) -> None:
        """Looks, without starting anything, whether the model could be loaded.

        Raises:
            BadInput: `model_missing`, `model_not_gguf`, `model_broken`.
            Unavailable: `engine_missing`, `engine_building`, `model_memory`.
        """
        self._supervisor.check()

    def load(self, timeout: float | None = None) -> LoadedModel:
        """Loads the model now, unless it is loaded, and says what it is.

        Raises:
            BadInput: See `check`.
            Unavailable: See `generate`.
        """
        load = self._supervisor.ready(time.monotonic() + (timeout or self.timeout))
        reply = load.reply or {}
        return LoadedModel(
            **{name: reply[name] for name in ("context", "cells", "vocabulary", "description")}
        )

    def generate(
        self,
        messages: Sequence[ChatMessage],
        sampling: Sampling | None = None,
        *,
        timeout: float | None = None,
        waiting: Callable[[int], None] | None = None,
        until: Callable[[str], bool] | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
        thinking: bool | None = None,
        asker: str = "",
    ) -> Generation:
        """Starts an answer to a conversation, in the model's own chat template.

        Blocks until the turn of this request has come and the model is loaded.

        Args:
            messages: The conversation.
            sampling: How tokens are chosen and when the answer ends.
            timeout: Seconds; None for the engine's own.
            waiting: Told the place in the queue, 1 being the next, each time that it changes; called in the
                calling thread.
            until: Asked with the whole text after each piece; true ends the answer. Called in the thread
                that reads it.
            tools: That the chat template tells of, in OpenAI's format.
            thinking: Told to chat templates that can leave thoughts out; None leaves it to them.
            asker: For whom it is: many requests of one do not hold back one of another. Empty for nobody in
                particular.

        Raises:
            BadInput: See `check`; while iterating also `prompt_too_long`, `schema_refused`, `grammar_refused`.
            Busy: `model_busy`: others were served until the time was up.
            Unavailable: See `check`; `model_crashed`, `model_resting`, `model_loading`, `model_closed`, and
                while iterating `model_deadline`, `model_failed`.
        """
        wanted = sampling or Sampling()
        seconds = timeout or self.timeout
        deadline = time.monotonic() + seconds
        values = {"messages": list(messages), "tools": list(tools), "thinking": thinking, "asker": asker}
        worker = self._supervisor.ready(deadline).worker
        if wanted.best_of == 1:
            generation = Generation(until=until)
            request = _Request(self, worker, deadline, seconds)
            request.start(generation, values, wanted, waiting)
            if request.lost:  # another's crash: whoever was still waiting waits for the next worker
                generation = Generation(until=until)
                worker = self._supervisor.ready(deadline).worker
                _Request(self, worker, deadline, seconds).start(generation, values, wanted, waiting)
            return generation
        seed = secrets.randbits(32) if wanted.seed is None else wanted.seed
        best = Best(until=until)
        # All but the first wait in the worker until the prompt has been evaluated once, and share that.
        for number in range(wanted.best_of):
            one = Generation()
            best.add(one)
            own = replace(wanted, seed=(seed + number) % 2**32)
            _Request(self, worker, deadline, seconds).start(one, values, own, waiting, wait=number == 0)
        return best

    def count_tokens(self, text: str, *, timeout: float | None = None) -> int:
        """Tokens of `text` for this model; answered during a generation too.

        Raises:
            BadInput: See `check`.
            Unavailable: See `generate`.
        """
        return self._ask("count", timeout, text=text)

    def count_message_tokens(
        self,
        messages: Sequence[ChatMessage],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        timeout: float | None = None,
    ) -> int:
        """Tokens of a conversation in the model's chat template, up to where the answer begins.

        Raises:
            BadInput: See `check`.
            Unavailable: See `generate`.
        """
        return self._ask("count", timeout, messages=list(messages), tools=list(tools))

    def forget(self) -> None:
        """Ends the worker, and with it every text that it holds; the next request gets a new one."""
        self._supervisor.end()

    def close(self) -> None:
        """Ends the worker and whatever runs in it; returns when the process is gone. May be repeated."""
        self._supervisor.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes."""
        self.close()

    def _ask(self, op: str, timeout: float | None, **values: object) -> int:
        seconds = timeout or self.timeout
        deadline = time.monotonic() + seconds
        worker = self._supervisor.ready(deadline).worker
        replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        worker.request(op, replies.put, **values)
        try:
            reply = replies.get(timeout=max(deadline - time.monotonic(), 0.001))
        except queue.Empty:
            raise Unavailable("model_deadline", seconds=f"{seconds:g}") from None
        if reply["event"] != "counted":
            raise self._supervisor.error(reply, worker)
        return int(reply["tokens"])


class _Request:
    """One request to a worker, from its sending to its end."""

    def __init__(self, engine: LocalEngine, worker: WorkerProcess, deadline: float, seconds: float) -> None:
        self._engine = engine
        self._worker = worker
        self._deadline = deadline
        self._seconds = seconds
        self._over = threading.Event()
        self._places: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._number = 0
        self._begun = False
        self._sent = self._turn = self._first = 0.0
        self.lost = False
        """Whether the worker ended before the turn of this request had come."""

    def start(
        self,
        generation: Generation,
        values: Mapping[str, Any],
        sampling: Sampling,
        waiting: Callable[[int], None] | None,
        *,
        wait: bool = True,
    ) -> None:
        """Sends it, and waits until its turn has come."""
        seed = secrets.randbits(32) if sampling.seed is None else sampling.seed
        self._sent = time.monotonic()
        self._number = self._worker.request(
            "generate",
            lambda reply: self._hear(reply, generation, seed),
            sampling=asdict(sampling),
            seed=seed,
            **values,
        )
        generation.on_close(self._stop)
        if wait:
            self._await_turn(waiting)
        _later(self._deadline - time.monotonic(), lambda: self._expire(generation), unless=self._over)

    def _await_turn(self, waiting: Callable[[int], None] | None) -> None:
        place = None
        while True:
            try:
                heard = self._places.get(timeout=max(self._deadline - time.monotonic(), 0.001))
            except queue.Empty:
                self._stop()
                if place is None:  # not even a word about the queue
                    raise self._late() from None
                raise Busy("model_busy", seconds=f"{self._seconds:g}") from None
            if heard in (_STARTED, _OVER):
                return
            place = heard
            if waiting is not None:
                try:
                    waiting(place)
                except BaseException:
                    self._stop()
                    raise

    def _hear(self, reply: Reply, generation: Generation, seed: int) -> None:
        supervisor = self._engine._supervisor
        match reply["event"]:
            case "piece":
                self._first = self._first or float(reply.get("at") or time.monotonic())
                generation.put(reply["text"])
                return
            case "queued":
                self._places.put(reply["position"])
                return
            case "started":
                self._begun = True
                self._turn = time.monotonic()
                generation.thinking = reply["thinking"]
                self._places.put(_STARTED)
                return
            case "done":
                if reply["finish_reason"] != "cancelled":
                    supervisor.recovered()
                item: Finished | TerakoyaError = _finished(reply, seed, self._phases())
            case _:
                self.lost = reply["event"] == "gone" and not self._begun
                item = supervisor.error(reply, self._worker)
        self._over.set()
        generation.put(item)
        self._places.put(_OVER)

    def _phases(self) -> Phases:
        return Phases(
            process=self._worker.pid,
            sent=self._sent,
            turn=min(
                self._turn, self._first or self._turn
            ),  # heard later than the worker's own time of a piece
            first=self._first,
            ended=time.monotonic(),
        )

    def _late(self) -> Unavailable:
        return Unavailable("model_deadline", seconds=f"{self._seconds:g}")

    def _expire(self, generation: Generation) -> None:
        if not self._over.is_set():
            generation.put(self._late())
            self._stop()

    def _stop(self) -> None:
        if not self._over.is_set():
            self._worker.cancel(self._number)
            _later(self._engine._grace, self._kill, unless=self._over)

    def _kill(self) -> None:
        if not self._over.is_set():
            log.warning("the model's worker %d did not stop; it is killed", self._worker.pid)
            self._worker.kill(crashed=True)


def _finished(reply: Reply, seed: int, phases: Phases) -> Finished:
    return Finished(
        phases=phases,
        input_tokens=reply["input_tokens"],
        output_tokens=reply["output_tokens"],
        cached_tokens=reply["cached_tokens"],
        drafted_tokens=reply["drafted_tokens"],
        taken_tokens=reply["taken_tokens"],
        finish_reason=reply["finish_reason"],
        seed=seed,
        logprobs=tuple(
            Token(text=t["token"], logprob=t["logprob"], top=tuple((text, value) for text, value in t["top"]))
            for t in reply.get("logprobs", ())
        ),
    )


def _later(seconds: float, act: Callable[[], None], *, unless: threading.Event) -> None:
    def wait() -> None:
        if not unless.wait(max(seconds, 0)):
            act()

    threading.Thread(target=wait, name="model-deadline", daemon=True).start()
