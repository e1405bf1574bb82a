"""A worker process seen from the service: messages in, replies out, and a sure end."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

Reply = dict[str, Any]
Handler = Callable[[Reply], None]

LAST = frozenset({"loaded", "done", "counted", "pong", "error", "gone"})
"""Events after which a request gets no more replies."""

_TAIL = 2000


class WorkerProcess:
    """One run of `app.models.worker`. Never blocks a caller, except in `stop`.

    Args:
        on_exit: Called once, before the handlers of unfinished requests get their `gone`, on a thread of
            this object. Its argument says how the process ended (see `ending`).
    """

    def __init__(self, on_exit: Callable[["WorkerProcess"], None]) -> None:
        self._on_exit = on_exit
        self._handlers: dict[int, Handler] = {}
        self._lock = threading.Lock()
        self._gone = False
        self._numbers = 0
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self.stopping = False
        self._process = subprocess.Popen(
            # -P: a folder `app` in the working directory must not be taken for ours.
            [sys.executable, "-P", "-m", "app.models.worker"],
            env=worker_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # a Ctrl-C in the terminal is for the service to handle
        )
        threading.Thread(target=self._write, name="worker-requests", daemon=True).start()
        self._reader = threading.Thread(target=self._read, name="worker-replies", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def request(self, op: str, handler: Handler, **values: object) -> int:
        """Sends a request; `handler` gets its replies, the last of them with an event out of `LAST`.

        Returns:
            The number of the request.
        """
        with self._lock:
            self._numbers += 1
            number = self._numbers
            gone = self._gone
            if not gone:
                self._handlers[number] = handler
                self._send({"op": op, "id": number, **values})
        if gone:
            handler({"id": number, "event": "gone"})
        return number

    def cancel(self, number: int) -> None:
        """Asks that the generation with this number ends soon."""
        self._send({"op": "cancel", "id": number})

    def kill(self, *, crashed: bool = False) -> None:
        """Ends the process at once; its replies end with `gone`.

        Args:
            crashed: Whether it counts as a crash: it hung.
        """
        self.stopping = self.stopping or not crashed
        self._process.kill()

    def stop(self, seconds: float = 2.0) -> None:
        """Ends the process for sure: asks first, kills after `seconds`, and waits for its end."""
        self.stopping = True
        self._send({"op": "close", "id": 0})
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._process.wait()
        if threading.current_thread() is not self._reader:
            self._reader.join()

    def ending(self) -> str:
        """How the process ended: the name of a signal, or an exit code."""
        return ending(self._process.wait())

    def last_words(self) -> str:
        """The end of what the process printed on stderr."""
        size = self._errors.seek(0, 2)
        self._errors.seek(max(0, size - _TAIL))
        return self._errors.read().decode("utf-8", "replace").strip()

    def _send(self, message: dict[str, object]) -> None:
        self._outbox.put(json.dumps(message).encode() + b"\n")

    def _write(self) -> None:
        # A thread of its own: a worker that does not read would block whoever writes a long prompt.
        stdin = cast(IO[bytes], self._process.stdin)
        while (line := self._outbox.get()) is not None:
            try:
                stdin.write(line)
                stdin.flush()
            except (OSError, ValueError):
                break
        with contextlib.suppress(OSError):  # what was written to a pipe that nobody reads
            stdin.close()

    def _read(self) -> None:
        stdout = cast(IO[bytes], self._process.stdout)
        for line in stdout:
            if not line.endswith(b"\n"):
                break  # cut off by the end of the process
            try:
                reply: Reply = json.loads(line)
            except ValueError:
                continue  # printed by something that was loaded before the worker took stdout
            if reply["event"] == "pieces":
                for number, text, at in reply["pieces"]:
                    # Taken out by this thread alone; looking is one step of the interpreter.
                    if (handler := self._handlers.get(number)) is not None:
                        handler({"id": number, "event": "piece", "text": text, "at": at})
                continue
            with self._lock:
                handler = self._handlers.get(reply["id"])
                if reply["event"] in LAST:
                    self._handlers.pop(reply["id"], None)
            if handler is not None:
                handler(reply)
        self._process.wait()
        self._on_exit(self)
        with self._lock:
            self._gone = True
            unfinished = list(self._handlers.items())
            self._handlers.clear()
        for number, handler in unfinished:
            handler({"id": number, "event": "gone"})
        self._outbox.put(None)
        stdout.close()
        self._errors.close()


def worker_environment() -> dict[str, str]:
    """Environment of a process that runs llama.cpp."""
    # Where it finds this package, however the service came to it.
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]))
    return {
        # OpenMP's threads would wait for each other in a loop for milliseconds. Where other programs want the
        # processor, the one waited for then does not get it: 0.6 tokens a second instead of 9.
        "GOMP_SPINCOUNT": "10000",
        **os.environ,
        "PYTHONPATH": path,
        # Without a debugger for the backtrace: it would hold up the next start, and print what was read.
        "GGML_NO_BACKTRACE": "1",
    }


def ending(code: int) -> str:
    """How a process ended: the name of a signal, or an exit code."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def leave_no_core() -> None:
    """Sees to it that a crash writes no core file: there would be notes in it."""
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
