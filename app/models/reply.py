"""A streamed reply, taken apart into thoughts, answer and calls of tools."""

import json
import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from app.models.calls import Calls, ToolCall, parse
from app.models.reasoning import Kind, Reasoning

Part = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class Called:
    """The calls of a reply.

    Attributes:
        calls: Of tools that exist.
        numbers: An id for each.
        broken: What was meant to be a call and is none.
    """

    calls: tuple[ToolCall, ...]
    numbers: tuple[str, ...]
    broken: tuple[str, ...]

    def chunks(self) -> Iterator[tuple[str | None, str, str | None]]:
        """Name, arguments as JSON, and id, broken ones last."""
        for call, number in zip(self.calls, self.numbers, strict=True):
            yield call.name, json.dumps(call.arguments, ensure_ascii=False), number
        for text in self.broken:
            yield None, text, None


class Reply:
    """Takes a reply apart while it comes.

    Args:
        tools: Names of the tools that may be called.
        thinking: Whether the prompt opened the thoughts already.
        plain: Whether a grammar rules: there are no thoughts, and a call is the whole reply.
    """

    def __init__(self, tools: Collection[str], *, thinking: bool, plain: bool) -> None:
        self._tools = tools
        self._plain = plain
        self._reasoning = Reasoning(thinking=thinking)
        self._calls = Calls(tools) if tools else None
        self._whole = ""

    def feed(self, text: str) -> Iterator[Part]:
        """The parts that can be shown now."""
        if self._plain:
            if self._tools:
                self._whole += text
            elif text:
                yield "answer", text
            return
        yield from self._without_calls(self._reasoning.feed(text))

    def finish(self) -> tuple[list[Part], Called]:
        """What was held back, and the calls."""
        if self._plain:
            parsed = parse(self._whole, self._tools)
        else:
            rest = list(self._without_calls(self._reasoning.finish()))
            if self._calls is None:
                return rest, Called((), (), ())
            parsed = self._calls.finish()
            if parsed.text:
                rest.append(("answer", parsed.text))
            return rest, _called(parsed.calls, parsed.broken)
        return ([("answer", parsed.text)] if parsed.text else []), _called(parsed.calls, parsed.broken)

    def _without_calls(self, parts: Iterator[Part]) -> Iterator[Part]:
        for kind, text in parts:
            shown = self._calls.feed(text) if self._calls and kind == "answer" else text
            if shown:
                yield kind, shown


def _called(calls: tuple[ToolCall, ...], broken: tuple[str, ...]) -> Called:
    return Called(calls, tuple(f"call_{secrets.token_hex(8)}" for _ in calls), broken)
