"""How a model chooses a tool and its arguments, seeing the question alone: no note, and no result of a tool."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from terakoya.errors import BadInput, TerakoyaError, Unavailable
from terakoya.protocols import Tool
from terakoya.text.normalise import printable
from workflows.guarding.delimiting import asked_words
from workflows.guarding.tokens import inert
from workflows.prompts import load_prompt
from workflows.tools.arguments import plain_schema
from workflows.tools.wanting import Wish

NONE: Final = "none"
MOST_CALLS: Final = 3
"""Calls for one question."""
_MOST_TOOLS: Final = 40
"""That a model is shown."""
_ABOUT: Final = 200
_TOKENS: Final = 400


class Chooser(Protocol):
    """Chooses tools for a question."""

    @property
    def name(self) -> str:
        """Name of the model, for traces."""
        ...

    def choose(self, question: str, tools: Sequence[Tool]) -> list[Wish]:
        """The calls that answer `question`, in order; none where no tool fits.

        Raises:
            Unavailable: The model cannot answer now.
        """
        ...


class GrammarChooser:
    """Implements `Chooser` with a model that a JSON schema holds: first to a name, then to its arguments."""

    def __init__(self, model: BaseChatModel, *, name: str) -> None:
        self._model = model
        self._name = name

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._name

    def choose(self, question: str, tools: Sequence[Tool]) -> list[Wish]:
        """One call, or none."""
        offered = list(tools)[:_MOST_TOOLS]
        prompt = load_prompt("tool").fill(
            tools="\n".join(map(_line, offered)), question=asked_words(question)
        )
        names = [*(tool.name for tool in offered), NONE]
        chosen = self._json(prompt, _one_of(names)).get("tool")
        tool = next((tool for tool in offered if tool.name == chosen), None)
        if tool is None:
            return []
        asked = (
            f'{prompt}\n\nThe tool is {tool.name}. Reply with the JSON of its arguments alone, after this schema: '
            f"{json.dumps(plain_schema(tool.parameters), ensure_ascii=False)}"
        )  # fmt: skip
        try:
            arguments = self._json(asked, plain_schema(tool.parameters, bounded=True))
        except BadInput as error:
            if error.key != "schema_refused":  # a schema that no grammar can be made of: checked afterwards
                raise
            arguments = self._json(asked, {"type": "object"})
        return [Wish(tool=tool.name, arguments=arguments)]

    def _json(self, prompt: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        said = str(
            self._model.invoke(
                [HumanMessage(prompt)], schema=schema, temperature=0.0, max_tokens=_TOKENS
            ).text
        )
        try:
            value = json.loads(said)
        except (ValueError, RecursionError):
            raise Unavailable("tool_unsaid", model=self._name) from None
        if not isinstance(value, dict):
            raise Unavailable("tool_unsaid", model=self._name)
        return value


class NativeChooser:
    """Implements `Chooser` with a model that calls tools natively, as those behind an API do."""

    def __init__(self, model: BaseChatModel, *, name: str) -> None:
        self._model = model
        self._name = name

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._name

    def choose(self, question: str, tools: Sequence[Tool]) -> list[Wish]:
        """Up to `MOST_CALLS` calls."""
        offered = list(tools)[:_MOST_TOOLS]
        functions = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": _about(tool),
                    "parameters": plain_schema(tool.parameters),
                },
            }
            for tool in offered
        ]
        rules = load_prompt("tool_native").fill()
        try:
            said = self._model.bind_tools(functions).invoke(
                [SystemMessage(rules), HumanMessage(asked_words(question))]
            )
        except TerakoyaError:
            raise
        except NotImplementedError as error:
            raise Unavailable("tool_model", model=self._name) from error
        except Exception as error:  # each provider has errors of its own
            raise Unavailable("tool_unsaid", model=self._name) from error
        if not isinstance(said, AIMessage):
            return []
        known = {tool.name for tool in offered}
        return [
            Wish(tool=call["name"], arguments=call["args"])
            for call in said.tool_calls
            if call["name"] in known
        ][:MOST_CALLS]


def _one_of(names: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"tool": {"enum": list(names)}},
        "required": ["tool"],
        "additionalProperties": False,
    }


def _line(tool: Tool) -> str:
    given = plain_schema(tool.parameters).get("properties")
    names = ", ".join(str(name)[:60] for name in given) if isinstance(given, dict) else ""
    return f"- {tool.name}({names}): {_about(tool)}"


def _about(tool: Tool) -> str:
    """A description on one line, cut: it is what a server says of itself."""
    return inert(" ".join(printable(tool.description).split())[:_ABOUT])
