"""How a model chooses a tool and its arguments, seeing the question alone: no note, and no result of a tool."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a model chose, and what that took.

    Attributes:
        wishes: The calls that answer the question, in order; none where no tool fits.
        calls: Calls of models that were made for it.
        tokens: Tokens of their prompts and replies.
        model: The model that chose.
    """

    wishes: Sequence[Wish] = ()
    calls: int = 1
    tokens: int = 0
    model: str = ""


class Chooser(Protocol):
    """Chooses tools for a question."""

    @property
    def name(self) -> str:
        """Name of the model, for traces."""
        ...

    def choose(self, question: str, tools: Sequence[Tool]) -> Choice:
        """The calls that answer `question`.

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

    def choose(self, question: str, tools: Sequence[Tool]) -> Choice:
        """One call, or none."""
        offered = list(tools)[:_MOST_TOOLS]
        template = load_prompt("tool")
        prompt = template.fill(tools="\n".join(map(_line, offered)), question=asked_words(question))
        names = [*(tool.name for tool in offered), NONE]
        chosen, tokens = self._json(prompt, _one_of(names), template.mark)
        tool = next((tool for tool in offered if tool.name == chosen.get("tool")), None)
        if tool is None:
            return Choice(tokens=tokens, model=self._name)
        asked = (
            f'{prompt}\n\nThe tool is {tool.name}. Reply with the JSON of its arguments alone, after this schema: '
            f"{json.dumps(plain_schema(tool.parameters), ensure_ascii=False)}"
        )  # fmt: skip
        try:
            arguments, more = self._json(asked, plain_schema(tool.parameters, bounded=True), template.mark)
        except BadInput as error:
            if error.key != "schema_refused":  # a schema that no grammar can be made of: checked afterwards
                raise
            arguments, more = self._json(asked, {"type": "object"}, template.mark)
        wish = Wish(tool=tool.name, arguments=arguments)
        return Choice(wishes=(wish,), calls=2, tokens=tokens + more, model=self._name)

    def _json(
        self, prompt: str, schema: Mapping[str, Any], mark: Mapping[str, str | int]
    ) -> tuple[dict[str, Any], int]:
        reply = self._model.invoke(
            [HumanMessage(prompt)],
            config={"metadata": {"prompt": mark}},
            schema=schema,
            temperature=0.0,
            max_tokens=_TOKENS,
        )
        try:
            value = json.loads(str(reply.text))
        except (ValueError, RecursionError):
            raise Unavailable("tool_unsaid", model=self._name) from None
        if not isinstance(value, dict):
            raise Unavailable("tool_unsaid", model=self._name)
        return value, _tokens(reply)


class NativeChooser:
    """Implements `Chooser` with a model that calls tools natively, as those behind an API do."""

    def __init__(self, model: BaseChatModel, *, name: str) -> None:
        self._model = model
        self._name = name

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._name

    def choose(self, question: str, tools: Sequence[Tool]) -> Choice:
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
        rules = load_prompt("tool_native")
        try:
            said = self._model.bind_tools(functions).invoke(
                [SystemMessage(rules.fill()), HumanMessage(asked_words(question))],
                config={"metadata": {"prompt": rules.mark}},
            )
        except TerakoyaError:
            raise
        except NotImplementedError as error:
            raise Unavailable("tool_model", model=self._name) from error
        except Exception as error:  # each provider has errors of its own
            raise Unavailable("tool_unsaid", model=self._name) from error
        if not isinstance(said, AIMessage):
            return Choice(model=self._name)
        known = {tool.name for tool in offered}
        wishes = [
            Wish(tool=call["name"], arguments=call["args"])
            for call in said.tool_calls
            if call["name"] in known
        ]
        return Choice(wishes=tuple(wishes[:MOST_CALLS]), tokens=_tokens(said), model=self._name)


class ChooserChain:
    """Implements `Chooser` with the models of the settings in their order: one that is away makes room for the next."""

    def __init__(self, choosers: Sequence[Chooser]) -> None:
        self._choosers = choosers

    @property
    def name(self) -> str:
        """Name of the first model."""
        return self._choosers[0].name

    def choose(self, question: str, tools: Sequence[Tool]) -> Choice:
        """What the first model chooses that can.

        Raises:
            Unavailable: None can; the reason of the last one.
        """
        for failed, chooser in enumerate(self._choosers):
            try:
                choice = chooser.choose(question, tools)
            except TerakoyaError as error:
                if error.key == "cancelled" or failed == len(self._choosers) - 1:
                    raise
                continue
            return replace(choice, calls=choice.calls + failed)
        raise RuntimeError("a chain of choosers has one at least")


def _tokens(reply: Any) -> int:
    return int((reply.usage_metadata or {}).get("total_tokens", 0))


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
