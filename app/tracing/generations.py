"""Calls of chat models as observations of kind `generation`, one for each, whoever makes them."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult

from app.tracing.masking import withheld
from app.tracing.spans import Step
from terakoya.protocols import Span, Tracer

NAME: Final = "generation"
"""Of a call that does not say which prompt it fills."""
_NO_PARAMETERS: Final = frozenset({"model", "model_name", "url", "stream", "timeout", "user"})


class _Call:
    """One call under way."""

    __slots__ = ("first", "manager", "named", "parameters", "span", "started")

    def __init__(
        self, manager: AbstractContextManager[Span], parameters: dict[str, Any], named: bool
    ) -> None:
        self.manager = manager
        self.parameters = parameters
        self.named = named
        self.started = time.monotonic()
        self.first = 0.0
        self.span = manager.__enter__()


class GenerationWatch(BaseCallbackHandler):
    """Handed to a chat model as its callback, records its calls under the step that is open where they begin.

    Usage is told as Langfuse's own handler for LangChain tells it, by kinds that do not overlap when they are
    sent: what was reused of the prompt (`input_cache_read`) is part of `input` here, and taken out of it there.

    What the model's metadata say of its `phases` (see `app.models.generation.Phases`) become steps below.

    Args:
        tracer: Takes the observations.
    """

    run_inline = True

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._calls: dict[UUID, _Call] = {}

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A call begins."""
        prompt = (metadata or {}).get("prompt")
        given = kwargs.get("invocation_params") or {}
        name = str(prompt["name"]) if isinstance(prompt, Mapping) and prompt.get("name") else NAME
        asked = _shown([each for batch in messages for each in batch], named=name != NAME)
        call = _Call(self._tracer.span(name, "generation", input=asked), _parameters(given), name != NAME)
        call.span.set(model=given.get("model_name") or given.get("model") or "", metadata={"prompt": prompt})
        self._calls[run_id] = call

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """A piece comes; the first one of a call is timed."""
        call = self._calls.get(run_id)
        if call and not call.first and (token or _thought(kwargs.get("chunk"))):
            call.first = time.monotonic()

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """A call has ended."""
        if call := self._calls.pop(run_id, None):
            _tell(call, response)
            call.manager.__exit__(None, None, None)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """A call failed, or nobody waits for its end."""
        if call := self._calls.pop(run_id, None):
            response = kwargs.get("response")
            _tell(call, response if isinstance(response, LLMResult) else None)
            call.manager.__exit__(type(error), error, error.__traceback__)


def _tell(call: _Call, response: LLMResult | None) -> None:
    generations = [one for batch in response.generations for one in batch] if response else []
    said = next((one.message for one in generations if isinstance(one, ChatGeneration)), None)
    told: Mapping[str, Any] = said.response_metadata if said else {}
    phases = told.get("phases")
    first = call.first
    if isinstance(phases, Mapping):
        call.span.set(steps=_steps(phases, told))
        first = first or float(phases.get("first") or 0.0)
    parameters = dict(call.parameters)
    if told.get("seed") is not None:
        parameters["seed"] = told["seed"]
    metadata: dict[str, Any] = {"model_parameters": parameters or None}
    if first:
        metadata["first_token_ms"] = round(max(first - call.started, 0.0) * 1000, 3)
    if told.get("finish_reason"):
        metadata["finish_reason"] = told["finish_reason"]
    call.span.set(metadata=metadata)
    if said is not None:
        calls = getattr(said, "tool_calls", None)
        output: Any = str(said.text) if call.named else withheld(str(said.text))
        if calls:
            output = {"text": output, "tool_calls": [{"name": c["name"], "args": c["args"]} for c in calls]}
        call.span.set(output=output, usage=_usage(getattr(said, "usage_metadata", None)))


def _shown(messages: Sequence[BaseMessage], *, named: bool) -> list[dict[str, Any]]:
    """The messages of a call; of earlier turns, and of a call that names no prompt, the lengths alone.

    They may hold words of notes that this trace cites nowhere, and would be left when such a note is forgotten.
    """
    kept = {0, len(messages) - 1} if named else set()
    return [
        {
            "role": _role(each),
            "content": each.content
            if at in kept and each.type in ("system", "human")
            else withheld(str(each.content)),
        }
        for at, each in enumerate(messages)
    ]


def _usage(counted: Mapping[str, Any] | None) -> dict[str, int]:
    """Tokens by kind, by the names of Langfuse."""
    if not counted:
        return {}
    usage = {"input": counted.get("input_tokens", 0), "output": counted.get("output_tokens", 0)}
    for side in ("input", "output"):
        inside = counted.get(f"{side}_token_details")
        if isinstance(inside, Mapping):
            usage |= {f"{side}_{kind}": count for kind, count in inside.items() if type(count) is int}
    return usage


def _steps(phases: Mapping[str, Any], told: Mapping[str, Any]) -> Sequence[Step]:
    """Waiting for its turn, reading the prompt and writing, as the process of the model went through them."""
    places = [float(phases.get(name) or 0.0) for name in ("sent", "turn", "first", "ended")]
    worker = {"process": phases.get("process")}
    about: Sequence[dict[str, object]] = (
        {},
        {"tokens": phases.get("evaluated"), "reused": phases.get("reused")},
        {"tokens": phases.get("written")},
    )
    made = []
    for number, name in enumerate(("waiting", "reading", "writing")):
        began, ended = places[number], places[number + 1]
        if 0 < began <= ended:
            made.append(Step(name=name, began=began, ended=ended, metadata={**worker, **about[number]}))
    return made


def _parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """What steers the choice of tokens; a schema is told of, not told."""
    found: dict[str, Any] = {
        name: value
        for name, value in given.items()
        if isinstance(value, int | float | str) and name not in _NO_PARAMETERS and not name.startswith("_")
    }
    if given.get("stop"):
        found["stop"] = list(given["stop"])
    if given.get("schema") or given.get("response_format"):
        found["schema"] = True
    return found


def _role(message: BaseMessage) -> str:
    return {"human": "user", "ai": "assistant"}.get(message.type, message.type)


def _thought(chunk: Any) -> bool:
    return bool(getattr(getattr(chunk, "message", None), "additional_kwargs", None))
