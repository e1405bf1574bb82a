"""The worker process: loads one GGUF and serves requests, one JSON object a line.

Requests on stdin, each with `op` and `id`:

- `load` {path, context, threads} -> `loaded` {context, vocabulary, description}
- `generate` {messages, sampling, seed} -> any number of `piece` {text}, then
  `done` {input_tokens, output_tokens, finish_reason}
- `count` {text} or {messages} -> `counted` {tokens}; answered at once, also during a generation
- `cancel` {id of a generation}: it ends with `done`, finish reason `cancelled`
- `ping` -> `pong`
- `close`: exits

Every reply has `event` and the request's `id`; whatever goes wrong is `error` {code, values}. Line breaks in
texts are escaped by JSON and everything is ASCII, so that a line is always one message. When stdin ends, the
parent is gone and the worker exits, whatever it is doing.

Run by the engine as `python -m app.models.worker`.
"""

import contextlib
import json
import os
import queue
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from app.models.sampling import Sampling

if TYPE_CHECKING:
    from app.models.native import NativeModel

Message = dict[str, Any]


class Worker:
    """Reads requests on one thread and runs them on another, so that a cancel is heard in time."""

    def __init__(self, requests: BinaryIO, replies: BinaryIO) -> None:
        self._requests = requests
        self._replies = replies
        self._writing = threading.Lock()
        self._work: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._model: NativeModel | None = None

    def run(self) -> None:
        """Serves until stdin ends or `close` comes; does not return."""
        threading.Thread(target=self._listen, name="requests", daemon=True).start()
        while True:
            request = self._work.get()
            self._guarded(request, self._load if request["op"] == "load" else self._generate)

    def _listen(self) -> None:
        for line in self._requests:
            request: Message = json.loads(line)
            match request["op"]:
                case "load" | "generate":
                    self._work.put(request)
                case "count":
                    self._guarded(request, self._count)
                case "cancel":
                    self._cancelled.add(request["id"])
                case "ping":
                    self._reply(request, "pong")
                case "close":
                    break
        # Native code may be running on the other thread: leave without asking it.
        os._exit(0)

    def _guarded(self, request: Message, serve: Any) -> None:
        # Not at the top: it imports llama_cpp, and the pipe is to be served before that.
        try:
            from app.models.native import ModelError
        except Exception as error:
            self._reply(request, "error", code="import_failed", values={"reason": str(error)})
            return
        try:
            serve(request)
        except ModelError as error:
            values = {name: x if isinstance(x, int) else str(x) for name, x in error.values.items()}
            self._reply(request, "error", code=error.code, values=values)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            self._reply(request, "error", code="internal", values={"reason": reason})

    def _load(self, request: Message) -> None:
        from app.models.native import NativeModel

        model = NativeModel(request["path"], context_tokens=request["context"], threads=request["threads"])
        self._model = model
        self._reply(
            request,
            "loaded",
            context=model.context_tokens,
            vocabulary=model.vocabulary_size,
            description=model.description,
        )

    def _generate(self, request: Message) -> None:
        model = self._loaded()
        prompt = model.prompt(request["messages"])
        controls = dict(request["sampling"])
        result = model.generate(
            prompt,
            Sampling(**{**controls, "stop": tuple(controls.get("stop", ()))}),
            seed=request["seed"],
            emit=lambda text: self._reply(request, "piece", text=text),
            cancelled=lambda: request["id"] in self._cancelled,
        )
        self._cancelled.discard(request["id"])
        self._reply(
            request,
            "done",
            input_tokens=len(prompt),
            output_tokens=result.output_tokens,
            finish_reason=result.finish_reason,
        )

    def _count(self, request: Message) -> None:
        model = self._loaded()
        tokens = (
            model.prompt(request["messages"]) if "messages" in request else model.tokenize(request["text"])
        )
        self._reply(request, "counted", tokens=len(tokens))

    def _loaded(self) -> "NativeModel":
        if self._model is None:
            raise RuntimeError("no model is loaded")
        return self._model

    def _reply(self, request: Message, event: str, **values: object) -> None:
        line = json.dumps({"id": request["id"], "event": event, **values}).encode() + b"\n"
        try:
            with self._writing:
                self._replies.write(line)
                self._replies.flush()
        except OSError:
            os._exit(0)  # nobody listens any more


def _be_expendable() -> None:
    """Offers this process, not the service, when memory runs out, and leaves no core file with notes."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("800")
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Takes stdout for the protocol and sends everything that prints to stderr instead."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _be_expendable()
    Worker(sys.stdin.buffer, replies).run()


if __name__ == "__main__":
    main()
