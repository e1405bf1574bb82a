"""OpenAI's API over the notes: `/v1/chat/completions` and `/v1/models`, for any program that speaks it.

The last message is the question, answered from the notes as everywhere else; what the client says of sampling
does not matter. Text is shown as the answer only when it was checked against the notes: while a draft is being
written, a stream carries it as `reasoning_content`, which clients show as thinking or leave out. `usage` counts the
tokens that chat models read and wrote for the answer: none where it was quoted.

Shapes: https://platform.openai.com/docs/api-reference/chat
"""

import json
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from app.asker import asking
from app.cli.cells import one_line
from app.models.tally import Tally, tallying
from app.question import checked_question
from app.service.errors import OPENAI, error_body
from app.service.language import reader_language
from app.service.runs import Run, Runs
from terakoya.api import AskResult
from terakoya.catalogue import text
from terakoya.errors import BadInput, NotFound, TerakoyaError, rebuild
from terakoya.text.language import language_of
from terakoya.types import Effort

if TYPE_CHECKING:
    from app.installation import Installation

MODEL: Final = "terakoya"
MODELS: Final[dict[str, Effort | None]] = {
    MODEL: None,
    f"{MODEL}-fast": "fast",
    f"{MODEL}-normal": "normal",
    f"{MODEL}-deep": "deep",
}
"""What is offered as models: one answerer, with the effort of the settings or another."""
_EFFORTS: Final[dict[str, Effort]] = {
    "none": "fast",
    "minimal": "fast",
    "low": "fast",
    "medium": "normal",
    "high": "deep",
}
_REMEMBERED: Final = 4096
_MARKDOWN: Final = re.compile(r"[\\`<\[\]]")
_OPTIONS: Final = ("tools", "functions", "audio", "logprobs", "modalities")


class _Loose(BaseModel):
    """What clients send beside the fields that matter is let in, and not looked at."""

    model_config = ConfigDict(extra="allow")


class Message(_Loose):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, Any]] | None = None

    def text(self) -> str:
        """Its text.

        Raises:
            BadInput: It holds something else.
        """
        if not isinstance(self.content, list):
            return self.content or ""
        for part in self.content:
            if part.get("type") != "text":
                raise BadInput("completion_content", kind=str(part.get("type"))[:40])
        return "".join(str(part.get("text") or "") for part in self.content)


class StreamOptions(_Loose):
    """What a stream carries beside the answer."""

    include_usage: bool = False


class CompletionRequest(_Loose):
    """A request for an answer; `thread_id` is ours, and joins a conversation of this service."""

    model: str
    messages: list[Message] = Field(min_length=1, max_length=2000)
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: int | None = None
    response_format: dict[str, Any] | None = None
    reasoning_effort: str | None = None
    thread_id: str | None = Field(default=None, pattern=r"^[0-9A-Za-z_-]{8,64}$")
    user: str | None = None
    safety_identifier: str | None = None

    def asker(self) -> str:
        """For whom it is, as the client says; whoever does not say is one with all others who do not."""
        return f"v1 {self.safety_identifier or self.user or ''}"


class Conversations:
    """Which conversation a list of messages goes on with: clients send all of it each time, and no name.

    Known by what was said so far, for the latest few thousand answers of this process.
    """

    def __init__(self) -> None:
        self._threads: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def thread(self, messages: Sequence[Message]) -> str:
        """The thread that the last message goes on with, or a new one."""
        with self._lock:
            known = self._threads.get(_digest(_said(messages[:-1])))
        return known or secrets.token_hex(16)

    def answered(self, messages: Sequence[Message], answer: str, thread: str) -> None:
        """Remembers where the conversation is after this answer."""
        key = _digest([*_said(messages), ("assistant", answer.strip())])
        with self._lock:
            self._threads[key] = thread
            self._threads.move_to_end(key)
            while len(self._threads) > _REMEMBERED:
                self._threads.popitem(last=False)


def _reader(request: Request) -> str:
    return reader_language(request.headers.get("accept-language"))


def completion_routes(installation: "Installation", runs: Runs, heartbeat: float) -> APIRouter:
    """The routes of OpenAI's API."""
    router = APIRouter(prefix=OPENAI.rstrip("/"))
    conversations = Conversations()

    @router.get("/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [_model(name) for name in MODELS]}

    @router.get("/models/{name}")
    async def model(name: str) -> dict[str, Any]:
        _effort(name, None)
        return _model(name)

    @router.post("/chat/completions", response_model=None)
    async def completions(
        request: CompletionRequest, reader: Annotated[str, Depends(_reader)]
    ) -> JSONResponse | StreamingResponse:
        question = checked_question(_question(request))
        effort = _effort(request.model, request.reasoning_effort) or installation.settings.effort
        thread = request.thread_id or conversations.thread(request.messages)
        run = Run("ask", thread_id=thread, question=question)

        def work(run: Run) -> dict[str, Any]:
            def listen(kind: str, data: dict[str, Any]) -> None:
                if kind in ("token", "replace"):
                    run.add(kind, data)  # type: ignore[arg-type]  # the check above narrows it

            with tallying() as tally:
                outcome = installation.ask(
                    question, effort=effort, thread_id=thread, listen=listen, cancelled=run.cancelled.is_set
                )
            result = AskResult.of(outcome).model_dump()
            conversations.answered(request.messages, _content(result), thread)
            return result | {"usage": _usage(tally)}

        with asking(request.asker()):
            runs.start(run, work, language=reader)
        counts = request.stream_options is not None and request.stream_options.include_usage
        answer = _Answer(run, request.model, heartbeat, counts=counts)
        if request.stream:
            return StreamingResponse(
                answer.events(),
                media_type="text/event-stream; charset=utf-8",
                headers={"X-Accel-Buffering": "no"},
            )
        return JSONResponse(await answer.whole())

    return router


class _Answer:
    """A run as an answer in OpenAI's shape; `counts`: whether its stream ends with the tokens."""

    def __init__(self, run: Run, model: str, heartbeat: float, *, counts: bool) -> None:
        self._run = run
        self._counts = counts
        self._heartbeat = heartbeat
        self._head = {"id": f"chatcmpl-{run.id}", "created": int(run.started), "model": model}

    async def whole(self) -> dict[str, Any]:
        """All of it.

        Raises:
            TerakoyaError: The question could not be answered.
        """
        async for events in self._followed():
            for event in events:
                if event.type == "error":
                    raise rebuild(event.data["code"], event.data["message"], event.data["status"])
                if event.type == "done":
                    result = event.data["result"]
                    message = {"role": "assistant", "content": _content(result), "refusal": None}
                    finish = _finish(result)
                    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
                    return {
                        **self._head,
                        "object": "chat.completion",
                        "choices": [choice],
                        "usage": result["usage"],
                        MODEL: _extra(result),
                    }
        raise RuntimeError("a run ends with `done` or `error`")

    async def events(self) -> AsyncIterator[str]:
        """Its server-sent events."""
        yield self._chunk({"role": "assistant", "content": ""})
        async for events in self._followed():
            if not events:
                yield ": still here\n\n"
            for event in events:
                if event.type == "token":
                    yield self._chunk({"reasoning_content": event.data["text"]})
                elif event.type == "error":
                    error = rebuild(event.data["code"], event.data["message"], event.data["status"])
                    yield _event(error_body(OPENAI, error, event.data["status"], None))
                elif event.type == "done":
                    result = event.data["result"]
                    for line in _content(result).splitlines(keepends=True):
                        yield self._chunk({"content": line})
                    yield self._chunk({}, finish=_finish(result), extra=_extra(result))
                    if self._counts:
                        yield self._whole_chunk(choices=[], usage=result["usage"])
        yield "data: [DONE]\n\n"

    async def _followed(self) -> AsyncIterator[list[Any]]:
        try:
            async for events in self._run.follow(0, heartbeat=self._heartbeat):
                yield events
        finally:
            if self._run.running:  # whoever asked went away
                self._run.cancelled.set()

    def _chunk(
        self, delta: dict[str, Any], *, finish: str | None = None, extra: dict[str, Any] | None = None
    ) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        own: dict[str, Any] = {MODEL: extra} if extra else {}
        return self._whole_chunk(choices=[choice], **({"usage": None} if self._counts else {}), **own)

    def _whole_chunk(self, **values: Any) -> str:
        return _event({**self._head, "object": "chat.completion.chunk", **values})


def _event(content: dict[str, Any]) -> str:
    # ASCII only: some readers take U+2028 and its like for the end of a line.
    return f"data: {json.dumps(content)}\n\n"


def _question(request: CompletionRequest) -> str:
    if request.messages[-1].role != "user":
        raise BadInput("completion_last", role=request.messages[-1].role)
    form = (request.response_format or {}).get("type", "text")
    wanted = [name for name in _OPTIONS if (request.model_extra or {}).get(name)]
    if (request.n or 1) != 1:
        wanted.append("n")
    if form != "text":
        wanted.append("response_format")
    if wanted:
        raise BadInput("completion_option", name=wanted[0])
    return request.messages[-1].text()


def _effort(model: str, reasoning: str | None) -> Effort | None:
    if model not in MODELS:
        raise NotFound("completion_model", model=model[:80], known=", ".join(MODELS))
    return MODELS[model] or _EFFORTS.get((reasoning or "").lower())


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": MODEL}


def _content(result: dict[str, Any]) -> str:
    """The answer with the places that its marks stand for."""
    if not result["answered"]:
        return str(result["answer"])
    language = language_of(result["question"])
    sources = [
        text(
            "answer.source_one_line"
            if citation["start_line"] == citation["end_line"]
            else "answer.source_line",
            language=language,
            marker=citation["marker"],
            source=_MARKDOWN.sub(
                r"\\\g<0>", one_line(citation["source"])
            ),  # a file may be named like an image
            start=citation["start_line"],
            end=citation["end_line"],
        )
        for citation in result["citations"]
    ]
    return "\n\n".join(filter(None, [result["answer"], "\n".join(sources)]))


def _finish(result: dict[str, Any]) -> str:
    """Why the text ends: `length` where somebody cut it short, as clients know no other word for that."""
    return "length" if result.get("interrupted") else "stop"


def _usage(tally: Tally) -> dict[str, Any]:
    return {
        "prompt_tokens": tally.input,
        "completion_tokens": tally.output,
        "total_tokens": tally.input + tally.output,
        "prompt_tokens_details": {"cached_tokens": tally.cached},
    }


def _extra(result: dict[str, Any]) -> dict[str, Any]:
    return {name: result[name] for name in ("answered", "citations", "thread_id", "trace_id", "effort")}


def _said(messages: Sequence[Message]) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []
    for message in messages:
        if message.role in ("user", "assistant"):
            try:
                said.append((message.role, message.text().strip()))
            except TerakoyaError:
                said.append((message.role, ""))
    return said


def _digest(said: Sequence[tuple[str, str]]) -> str:
    return sha256(json.dumps(list(said)).encode()).hexdigest()
