"""Scripted parts for the nodes of the tools: tools that say what they were told to, and remembered intents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from terakoya.errors import TerakoyaError
from terakoya.protocols import Before, Tool
from terakoya.types import Language, ToolCall, ToolResult
from workflows.tools.choosing import Choice
from workflows.tools.wanting import Wish

ANYTHING: Mapping[str, Any] = {"type": "object"}


@dataclass(slots=True, kw_only=True)
class ScriptedTool:
    """Implements `terakoya.protocols.Tool` from a queue of results.

    Attributes:
        results: What it gives, one after the other; an error among them is raised.
        called: The arguments of its calls so far.
    """

    name: str
    server: str = ""
    description: str = "A tool"
    parameters: Mapping[str, Any] = field(default_factory=lambda: ANYTHING)
    changes: bool = False
    asks: bool = False
    results: list[ToolResult | BaseException] = field(default_factory=list)
    called: list[Mapping[str, Any]] = field(default_factory=list)

    def call(self, arguments: Mapping[str, Any], *, language: Language) -> ToolResult:
        """The next result; `ok` when there is none left."""
        self.called.append(arguments)
        result = self.results.pop(0) if self.results else ToolResult(text="ok")
        if isinstance(result, BaseException):
            raise result
        return result


@dataclass(slots=True, kw_only=True)
class ScriptedToolbox:
    """Implements `terakoya.protocols.Toolbox` over tools made by hand."""

    made: Sequence[Tool] = ()
    wrong: Sequence[TerakoyaError] = ()

    def servers(self) -> Sequence[str]:
        """Servers of the tools, and of what is wrong."""
        names = [tool.server for tool in self.made] + [str(e.values.get("server", "")) for e in self.wrong]
        return [name for name in dict.fromkeys(names) if name]

    def tools(self) -> Sequence[Tool]:
        """All of them."""
        return self.made

    def named(self, name: str) -> Tool | None:
        """The one of this name."""
        return next((tool for tool in self.made if tool.name == name), None)

    def troubles(self) -> Sequence[TerakoyaError]:
        """What is wrong."""
        return self.wrong

    def close(self) -> None:
        """Nothing is held."""


@dataclass(slots=True, kw_only=True)
class ScriptedChooser:
    """Implements `workflows.tools.choosing.Chooser` from a queue."""

    choices: list[list[Wish] | TerakoyaError] = field(default_factory=list)
    name: str = "scripted"
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def choose(self, question: str, tools: Sequence[Tool]) -> Choice:
        """The next choice, for one call and ten tokens; none when there is none left."""
        self.asked.append((question, tuple(tool.name for tool in tools)))
        chosen = self.choices.pop(0) if self.choices else []
        if isinstance(chosen, TerakoyaError):
            raise chosen
        return Choice(wishes=tuple(chosen), tokens=10, model=self.name)


@dataclass(slots=True)
class RememberedIntents:
    """Implements `terakoya.protocols.Intents` in memory."""

    states: dict[str, str] = field(default_factory=dict)
    calls: dict[str, ToolCall] = field(default_factory=dict)
    results: dict[str, ToolResult] = field(default_factory=dict)

    def before(self, call: ToolCall) -> Before:
        """What is known of it."""
        state = self.states.get(call.id)
        return "finished" if state == "finished" else "uncertain" if state in ("begun", "lost") else "new"

    def doubtful(self, call: ToolCall) -> bool:
        """Whether another like it was lost."""
        return any(self.states[key] == "lost" and self._alike(key, call) for key in self.states)

    def begin(self, call: ToolCall) -> None:
        """It is about to be made."""
        self._settle(call)
        self.states[call.id], self.calls[call.id] = "begun", call

    def finish(self, call: ToolCall, result: ToolResult) -> None:
        """It gave this."""
        self.states[call.id], self.results[call.id] = "finished", result

    def lose(self, call: ToolCall) -> None:
        """Its end was not heard."""
        self.states[call.id] = "lost"

    def withdraw(self, call: ToolCall) -> None:
        """It was not made."""
        self._settle(call)
        self.states.pop(call.id, None)

    def result(self, call: ToolCall) -> ToolResult:
        """What it gave."""
        return self.results[call.id]

    def _alike(self, key: str, call: ToolCall) -> bool:
        other = self.calls[key]
        return (other.tool, other.arguments) == (call.tool, call.arguments)

    def _settle(self, call: ToolCall) -> None:
        for key in [key for key in self.states if self._alike(key, call)]:
            if self.states[key] in ("lost", "begun"):
                self.states[key] = "settled"
