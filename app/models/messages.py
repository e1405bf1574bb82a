"""LangChain's messages and tools as a chat template takes them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages import ChatMessage as RoleMessage

from app.models.generation import ChatMessage
from terakoya.errors import BadInput


def chat_messages(messages: Sequence[BaseMessage]) -> list[ChatMessage]:
    """The conversation as a chat template takes it.

    Raises:
        BadInput: `message_kind`: content other than text, or an unknown role.
    """
    return [_message(message) for message in messages]


def _message(message: BaseMessage) -> ChatMessage:
    said = ChatMessage(role=_role(message), content=_text(message))
    if isinstance(message, AIMessage) and message.tool_calls:
        said["tool_calls"] = [
            {"type": "function", "id": c["id"] or "", "function": {"name": c["name"], "arguments": c["args"]}}
            for c in message.tool_calls
        ]
    if isinstance(message, ToolMessage):
        said["tool_call_id"] = message.tool_call_id
        if message.name:
            said["name"] = message.name
    return said


def _role(message: BaseMessage) -> str:
    match message:
        case SystemMessage():
            return "system"
        case HumanMessage():
            return "user"
        case AIMessage():
            return "assistant"
        case ToolMessage():
            return "tool"
        case RoleMessage(role="system" | "user" | "assistant" as role):
            return str(role)
        case _:
            raise BadInput("message_kind", kind=message.type)


def _text(message: BaseMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    parts: list[str] = []
    for block in message.content:
        kind = block.get("type") if isinstance(block, dict) else "text"
        match kind:
            case "text":
                parts.append(block if isinstance(block, str) else str(block.get("text", "")))
            case "tool_use" | "tool_call" | "reasoning" | "thinking" if isinstance(message, AIMessage):
                pass  # calls stand in `tool_calls`; thoughts are not told again
            case "json" if isinstance(message, ToolMessage) and isinstance(block, dict):
                parts.append(json.dumps(block.get("json"), ensure_ascii=False))
            case _:
                raise BadInput("message_kind", kind=kind)
    return "".join(parts)


def wanted_schema(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The JSON schema in `schema` or `response_format`; any object where that asks for JSON alone.

    Raises:
        BadInput: `schema_refused`.
    """
    if given.get("schema"):
        return dict(given["schema"])
    match wanted := given.get("response_format"):
        case None | {"type": "text"}:
            return None
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}} | {
            "type": "json_object",
            "schema": dict(schema),
        }:
            return dict(schema)
        case {"type": "json_object"}:
            return {"type": "object"}
        case _:
            raise BadInput("schema_refused", reason=repr(wanted)[:200])


def forced_schema(tools: Sequence[Mapping[str, Any]], choice: Any) -> dict[str, Any] | None:
    """The schema of a call that must be made; None where the model may choose.

    Args:
        tools: In OpenAI's format.
        choice: `auto`, `none`, `any`, `required`, true, the name of a tool, or OpenAI's form of that.

    Raises:
        BadInput: `tool_unknown`.
    """
    if isinstance(choice, Mapping):
        choice = choice.get("function", {}).get("name", choice.get("name", ""))
    if choice in (None, False, "auto", "none") or not tools:
        return None
    functions = [tool["function"] for tool in tools]
    if choice not in ("any", "required", True):
        functions = [function for function in functions if function["name"] == choice]
        if not functions:
            raise BadInput("tool_choice", name=choice)
    calls = [
        {
            "type": "object",
            "properties": {
                "name": {"const": function["name"]},
                "arguments": function.get("parameters") or {"type": "object"},
            },
            "required": ["name", "arguments"],
        }
        for function in functions
    ]
    return calls[0] if len(calls) == 1 else {"anyOf": calls}
