"""The worker process: loads one GGUF and serves requests, one JSON object a line.

Requests on stdin, each with `op` and `id`:

- `load` {path, context, cells, threads, options} -> `loaded` {context, cells, vocabulary, description}
- `generate` {messages, sampling, seed, tools?, thinking?, asker?} -> `queued` {position} at each change of the queue,
  `started` {input_tokens, cached_tokens, thinking}, any number of pieces of text, then
  `done` {input_tokens, output_tokens, cached_tokens, drafted_tokens, taken_tokens, finish_reason, logprobs?}
- `count` {text} or {messages} -> `counted` {tokens}; answered at once, also during a generation
- `cancel` {id of a generation}: it ends with `done`, finish reason `cancelled`
- `ping` -> `pong`, with what the model holds at the moment
- `close`: exits

Pieces of several requests share a line, `pieces` {pieces: [[id, text, at], ...]}: what one pass through the model
gave. `at` is when the text was certain, in seconds of the monotonic clock. All other replies have `event` and the
request's `id`; whatever goes wrong is `error` {code, values}. Line breaks in
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
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from app.models.options import ModelOptions
from app.models.process import leave_no_core
from app.models.sampling import Sampling

if TYPE_CHECKING:
    from app.models.serving import Serving

Message = dict[str, Any]

_SOON = 0.002
"""Seconds that a piece waits for those of other requests, at most."""


class Worker:
    """Reads requests on one thread and runs them on another, so that a cancel is heard in time."""

    def __init__(self, requests: BinaryIO, replies: BinaryIO) -> None:
        self._requests = requests
        self._replies = replies
        self._writing = threading.Lock()
        self._told: list[tuple[int, str, float]] = []
        self._loads: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._serving: Serving | None = None

    def run(self) -> None:
        """Serves until stdin ends or `close` comes; does not return."""
        threading.Thread(target=self._listen, name="requests", daemon=True).start()
        while self._serving is None:
            request = self._loads.get()
            self._guarded(request, self._load)
        self._serving.run(self._hand_over)

    def _listen(self) -> None:
        for line in self._requests:
            request: Message = json.loads(line)
            match request["op"]:
                case "load":
                    self._loads.put(request)
                case "generate":
                    self._guarded(request, self._generate)
                case "count":
                    self._guarded(request, self._count)
                case "cancel" if self._serving is not None:
                    self._serving.cancel(request["id"])
                case "ping":
                    self._reply(request, "pong", **(self._serving.census if self._serving else {}))
                case "close":
                    break
        # Native code may be running on the other thread: leave without asking it.
        if self._serving is not None:
            self._serving.sweep()
        os._exit(0)

    def _guarded(self, request: Message, serve: Callable[[Message], None]) -> None:
        # Not at the top: it imports llama_cpp, and the pipe is to be served before that.
        try:
            from app.models.native import ModelError
        except Exception as error:
            self._reply(
                request, "error", code="import_failed", values={"reason": str(error.__cause__ or error)}
            )
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
        from app.models.serving import Serving

        serving = Serving(
            request["path"],
            context_tokens=request["context"],
            cells=request.get("cells") or request["context"],
            threads=request["threads"],
            options=ModelOptions(**request.get("options", {})),
            folder=Path(request["folder"]) if request.get("folder") else None,
        )
        self._serving = serving
        self._reply(request, "loaded", **serving.facts)

    def _generate(self, request: Message) -> None:
        controls = dict(request["sampling"])
        for name in ("stop", "forbidden"):
            controls[name] = tuple(controls.get(name, ()))
        # JSON has texts for keys only.
        controls["logit_bias"] = {int(t): bias for t, bias in controls.get("logit_bias", {}).items()}
        self._loaded().submit(
            request["id"],
            request["messages"],
            Sampling(**controls),
            seed=request["seed"],
            tools=request.get("tools") or (),
            thinking=request.get("thinking"),
            asker=request.get("asker", ""),
            tell=lambda event, **values: self._tell(request, event, **values),
        )

    def _count(self, request: Message) -> None:
        serving = self._loaded()
        tokens = (
            serving.template.tokens_of(serving.template.text(request["messages"], request.get("tools") or ()))
            if "messages" in request
            else serving.model.tokenize(request["text"])
        )
        self._reply(request, "counted", tokens=len(tokens))

    def _loaded(self) -> "Serving":
        if self._serving is None:
            raise RuntimeError("no model is loaded")
        return self._serving

    def _tell(self, request: Message, event: str, **values: Any) -> None:
        if event != "piece":
            self._hand_over()
            self._reply(request, event, **values)
            return
        self._told.append((request["id"], values["text"], values["at"]))
        if values["at"] - self._told[0][2] > _SOON:
            self._hand_over()

    def _hand_over(self) -> None:
        """Writes the pieces that were told: one line and one waking of the parent for all of a batch."""
        if self._told:
            told, self._told = self._told, []
            self._write({"event": "pieces", "pieces": told})

    def _reply(self, request: Message, event: str, **values: object) -> None:
        self._write({"id": request["id"], "event": event, **values})

    def _write(self, message: Message) -> None:
        line = json.dumps(message).encode() + b"\n"
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
    leave_no_core()


def main() -> None:
    """Takes stdout for the protocol and sends everything that prints to stderr instead."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _be_expendable()
    Worker(sys.stdin.buffer, replies).run()


if __name__ == "__main__":
    main()
