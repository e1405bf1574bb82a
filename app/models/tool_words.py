"""Tools told in words, for chat templates that know none. The format is that of Hermes, which most models read."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

_TOLD: Final = (
    "You may call these tools:\n<tools>\n{tools}\n</tools>\n"
    "To call one, write a JSON object with its name and arguments between tags:\n"
    '<tool_call>\n{{"name": "...", "arguments": {{...}}}}\n</tool_call>'
)


def in_words(
    messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The conversation with tools, calls and results as text, in the roles that every template has."""
    told: list[dict[str, Any]] = []
    for message in messages:
        text = str(message["content"])
        calls = "".join(
            f"\n<tool_call>\n{_json(c['function'])}\n</tool_call>" for c in message.get("tool_calls", ())
        )
        if message["role"] == "tool":
            result = f"<tool_response>\n{text}\n</tool_response>"
            if told and told[-1]["role"] == "user":
                told[-1]["content"] += f"\n{result}"
            else:
                told.append({"role": "user", "content": result})
        else:
            told.append({"role": message["role"], "content": (text + calls).strip() if calls else text})
    if tools:
        words = _TOLD.format(tools="\n".join(_json(tool["function"]) for tool in tools))
        if told and told[0]["role"] == "system":
            told[0]["content"] = f"{told[0]['content']}\n\n{words}"
        else:
            told.insert(0, {"role": "system", "content": words})
    return told


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
