"""Tool calls in the text of a model, as the common chat templates have them written.

- Hermes and Qwen: `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`
- Qwen3-Coder: `<tool_call><function=name><parameter=key>value</parameter></function></tool_call>`
- Mistral: `[TOOL_CALLS][{"name": ..., "arguments": {...}}]`, and `[TOOL_CALLS]name[ARGS]{...}`
- Llama 3: `{"name": ..., "parameters": {...}}` alone, or behind `<|python_tag|>`
- Phi-4 and Granite: `<|tool_call|>[{...}]<|/tool_call|>`
"""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

MARKS: Final = ("<tool_call>", "[TOOL_CALLS]", "<|python_tag|>", "<|tool_call|>", "<function=")
_FUNCTION: Final = re.compile(r"<function=([^>\s]+)>(.*?)(?:</function>|\Z)", re.DOTALL)
_PARAMETER: Final = re.compile(
    r"<parameter=([^>\s]+)>\n?(.*?)\n?(?:</parameter>|(?=<parameter=)|\Z)", re.DOTALL
)
_NAMED: Final = re.compile(r"\s*([\w.-]{1,128})\s*(?:\[CALL_ID\][\w-]*)?(?:\[ARGS\])?\s*(?=\{)")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool.

    Attributes:
        name: Of the tool.
        arguments: What it is given.
    """

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A reply taken apart.

    Attributes:
        text: What is said beside the calls.
        calls: Calls of tools that exist.
        broken: Marked as calls, but not to be understood, or of tools that do not exist.
    """

    text: str
    calls: tuple[ToolCall, ...] = ()
    broken: tuple[str, ...] = ()


class Calls:
    """Holds back what is, or may be, a call while a reply is streamed, and parses it at the end.

    Args:
        names: Of the tools that exist.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._held = ""
        self._begun = False
        self._marked = False

    def feed(self, text: str) -> str:
        """What can be shown of it now."""
        self._held += text
        if self._marked:
            return ""
        if not self._begun:
            start = self._held.lstrip()
            if not start:
                return ""
            self._begun = True
            if start[0] in "{[":  # Llama 3 writes a call as the whole reply, without a mark
                self._marked = not any(mark.startswith(start) for mark in MARKS)
                if self._marked:
                    return ""
        places = [place for mark in MARKS if (place := self._held.find(mark)) >= 0]
        if places:
            self._marked = True
            place = min(places)
        else:
            place = len(self._held) - max(_overlap(self._held, mark) for mark in MARKS)
        shown, self._held = self._held[:place], self._held[place:]
        return shown

    def finish(self) -> Parsed:
        """The calls, and what was held back and is none."""
        return parse(self._held, self._names)


def parse(reply: str, names: Collection[str]) -> Parsed:
    """Takes a whole reply apart.

    Args:
        reply: What the model said.
        names: Of the tools that exist.
    """
    calls: list[ToolCall] = []
    broken: list[str] = []
    for kind, piece in _pieces(reply):
        if kind == "text":
            continue
        found = list(_calls(piece))
        good = [call for call in found if call.name in names]
        calls += good
        if not good or len(good) < len(found):
            broken.append(piece.strip())
    text = "".join(piece for kind, piece in _pieces(reply) if kind == "text")
    if not calls and not broken:
        bare = [call for call in _calls(text) if call.name in names]
        if bare and text.strip()[:1] in ("{", "["):
            return Parsed("", tuple(bare))
    return Parsed(text if text.strip() else "", tuple(calls), tuple(broken))


def _pieces(reply: str) -> Iterator[tuple[str, str]]:
    rest = reply
    while rest:
        found = [(place, mark) for mark in MARKS if (place := rest.find(mark)) >= 0]
        if not found:
            yield "text", rest
            return
        place, mark = min(found)
        if place:
            yield "text", rest[:place]
        inside = rest[place:] if mark == "<function=" else rest[place + len(mark) :]
        ending = {
            "<tool_call>": "</tool_call>",
            "<|tool_call|>": "<|/tool_call|>",
            "<function=": "</function>",
        }.get(mark)
        end = inside.find(ending) if ending else -1
        if ending is None or end < 0:  # to the end of the reply, or cut off
            another = inside.find(mark)
            end, after = (another, another) if another > 0 else (len(inside), len(inside))
        else:
            after = end + len(ending)
        yield "call", inside[: after if mark == "<function=" else end]
        rest = inside[after:]


def _calls(text: str) -> Iterator[ToolCall]:
    """Calls in the text between two marks."""
    for name, body in _FUNCTION.findall(text):
        yield ToolCall(name, {key: _value(value) for key, value in _PARAMETER.findall(body)})
    if "<function=" in text:
        return
    decoder = json.JSONDecoder()
    named = _NAMED.match(text)
    start = named.end() if named else 0
    while 0 <= start < len(text):
        start = min((p for p in (text.find("{", start), text.find("[", start)) if p >= 0), default=-1)
        if start < 0:
            return
        try:
            value, start = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            return
        if named:
            if isinstance(value, dict):
                yield ToolCall(named[1], value)
            return
        for entry in value if isinstance(value, list) else [value]:
            if (call := _call(entry)) is not None:
                yield call


def _call(entry: Any) -> ToolCall | None:
    if isinstance(entry, dict) and isinstance(entry.get("function"), dict):
        entry = entry["function"]
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        return None
    arguments = entry.get("arguments", entry.get("parameters", {}))
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            return None
    return ToolCall(entry["name"], arguments) if isinstance(arguments, dict) else None


def _value(text: str) -> Any:
    """A parameter as JSON where it is, else as text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _overlap(text: str, mark: str) -> int:
    return next((n for n in range(min(len(text), len(mark) - 1), 0, -1) if mark.startswith(text[-n:])), 0)
