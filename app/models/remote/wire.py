"""Messages as OpenAI's API has them, and back. What a server says is checked before it is taken."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    InvalidToolCall,
    convert_to_openai_messages,
)
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import (
    ToolCall,
    ToolCallChunk,
    invalid_tool_call,
    tool_call,
)

from app.models.remote.thoughts import Thoughts

_CONTENT = frozenset({"text", "image_url", "input_audio", "file"})
"""Kinds of content that the API takes from a user."""


def wire_messages(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """The conversation as a request has it."""
    return [_wire(message) for message in convert_to_openai_messages(list(messages))]


def _wire(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type") in _CONTENT]
        if message["role"] != "user" or all(part["type"] == "text" for part in parts):
            message = {**message, "content": "".join(str(part.get("text", "")) for part in parts)}
        else:
            message = {**message, "content": parts}
    if message["role"] == "assistant" and message.get("tool_calls") and not message.get("content"):
        message = {**message, "content": None}
    return message


def chunk_of(raw: Mapping[str, Any], thoughts: Thoughts) -> tuple[AIMessageChunk | None, str]:
    """What a chunk of a stream adds to the message, None for nothing; and why the answer ends, if it does."""
    choice = _first(raw)
    # a server that does not stream answers with a whole message
    delta = choice.get("delta") or choice.get("message") or {}
    if not isinstance(delta, Mapping):
        return None, ""
    answer, thought = thoughts.feed(_text(delta.get("content")))
    thought += _text(delta.get("reasoning_content") or delta.get("reasoning"))
    calls = [_call_chunk(number, call) for number, call in enumerate(_calls(delta))]
    finish = _text(choice.get("finish_reason"))
    if not (answer or thought or calls):
        return None, finish
    return (
        AIMessageChunk(
            content=answer,
            additional_kwargs={"reasoning_content": thought} if thought else {},
            tool_call_chunks=calls,
        ),
        finish,
    )


def message_of(reply: Mapping[str, Any]) -> tuple[AIMessage, str]:
    """The message of a whole reply, and why it ended."""
    choice = _first(reply)
    message = choice.get("message")
    found = message if isinstance(message, Mapping) else {}
    thoughts = Thoughts()
    pieces = [thoughts.feed(_text(found.get("content"))), thoughts.finish()]
    thought = "".join(piece[1] for piece in pieces) + _text(
        found.get("reasoning_content") or found.get("reasoning")
    )
    good: list[ToolCall] = []
    bad: list[InvalidToolCall] = []
    for call in _calls(found):
        name, arguments, number = _parts(call)
        try:
            values = json.loads(arguments or "{}")
            if not isinstance(values, dict):
                raise ValueError
            good.append(tool_call(name=name, args=values, id=number))
        except (ValueError, RecursionError):
            bad.append(invalid_tool_call(name=name, args=arguments, id=number, error="JSON"))
    return (
        AIMessage(
            content="".join(piece[0] for piece in pieces),
            additional_kwargs={"reasoning_content": thought} if thought else {},
            tool_calls=good,
            invalid_tool_calls=bad,
        ),
        _text(choice.get("finish_reason")) or "stop",
    )


def logprobs_of(raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The tokens of a reply, or of a chunk of it, with their log-probabilities, as far as the server tells them."""
    told = _first(raw).get("logprobs")
    tokens = told.get("content") if isinstance(told, Mapping) else None
    return [each for each in tokens if isinstance(each, Mapping)] if isinstance(tokens, list) else []


def usage_of(raw: Any) -> UsageMetadata | None:
    """Tokens that were counted, None where the server does not tell."""
    if not isinstance(raw, Mapping) or not raw:
        return None
    read, written = _count(raw.get("prompt_tokens")), _count(raw.get("completion_tokens"))
    usage = UsageMetadata(
        input_tokens=read,
        output_tokens=written,
        total_tokens=_count(raw.get("total_tokens")) or read + written,
    )
    inside = raw.get("prompt_tokens_details")
    if isinstance(inside, Mapping) and _count(inside.get("cached_tokens")):
        usage["input_token_details"] = {"cache_read": _count(inside["cached_tokens"])}
    inside = raw.get("completion_tokens_details")
    if isinstance(inside, Mapping) and _count(inside.get("reasoning_tokens")):
        usage["output_token_details"] = {"reasoning": _count(inside["reasoning_tokens"])}
    return usage


def _first(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = raw.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], Mapping):
        return choices[0]
    return {}


def _calls(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = message.get("tool_calls")
    return [call for call in found if isinstance(call, Mapping)] if isinstance(found, list) else []


def _call_chunk(number: int, call: Mapping[str, Any]) -> ToolCallChunk:
    name, arguments, identity = _parts(call)
    index = call.get("index")
    return ToolCallChunk(
        name=name or None,
        args=arguments,
        id=identity,
        index=index if isinstance(index, int) else number,
        type="tool_call_chunk",
    )


def _parts(call: Mapping[str, Any]) -> tuple[str, str, str | None]:
    function = call.get("function")
    inner = function if isinstance(function, Mapping) else {}
    arguments = inner.get("arguments")
    if isinstance(arguments, Mapping):  # some servers send the object itself
        arguments = json.dumps(arguments, ensure_ascii=False)
    identity = call.get("id")
    return _text(inner.get("name")), _text(arguments), identity if isinstance(identity, str) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int:
    return max(value, 0) if isinstance(value, int) and not isinstance(value, bool) else 0
