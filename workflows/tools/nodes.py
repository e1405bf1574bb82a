"""The nodes of the tools: each reads the state and returns an update, with the parts that it needs handed in."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from langgraph.types import interrupt

from terakoya.errors import BadInput, NotSent, TerakoyaError
from terakoya.protocols import Intents, Tool, Toolbox, Tracer
from terakoya.text.language import language_of
from terakoya.types import Approval, Draft, Language, ToolCall, ToolResult
from workflows.state import draft_to_json
from workflows.tools.arguments import check_arguments
from workflows.tools.calls import APPROVED, CHOSEN, FAILED, FINISHED, REFUSED, call_id
from workflows.tools.choosing import MOST_CALLS, Choice, Chooser
from workflows.tools.state import ToolState, approval_to_json, decision_from_json, in_order, result_to_json
from workflows.tools.telling import MODEL, tell
from workflows.tools.wanting import Wish, wants_tool

Update = dict[str, Any]
Step = Literal["approve", "call", "tell", "none"]
_ABOUT: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolParts:
    """What the nodes of the tools work with.

    Attributes:
        toolbox: The tools.
        intents: Remembers effects.
        tracer: Records every call.
        chooser: Chooses among the tools of servers; None without a model.
        today: The day it is.
    """

    toolbox: Toolbox
    intents: Intents
    tracer: Tracer
    chooser: Chooser | None = None
    today: Callable[[], date] = date.today

    def wanted(self, question: str) -> bool:
        """Whether `question` should go to the tools: a matter of rules, and nothing is started for it."""
        try:
            wish = wants_tool(question, today=self.today(), servers=self.toolbox.servers())
        except BadInput:  # a call in writing that cannot be read: the tools say why
            return True
        return wish is not None and (bool(wish.tool) or self.chooser is not None)


class ToolNodes:
    """The nodes over one set of parts."""

    def __init__(self, parts: ToolParts) -> None:
        self._parts = parts

    def choose(self, state: ToolState) -> Update:
        """Chooses what to call, by rules or by a model that sees the question alone."""
        question = _question(state)
        empty: Update = {"tool_calls": None, "draft": None}
        spent: dict[str, int] = {}
        try:
            # asked in LangGraph Studio a question has no trace, and the same call again is another one
            calls = self._chosen(question, state.get("trace_id") or uuid.uuid4().hex, spent)
        except TerakoyaError as error:
            return empty | {"draft": _problem(error, language_of(question)), "spent": spent}
        return (empty if not calls else {"tool_calls": calls, "draft": None}) | {"spent": spent}

    def approve(self, state: ToolState) -> Update:
        """Stops until a person has decided about the next call. Nothing before the interrupt has an effect."""
        key, entry = self._next(state, CHOSEN)
        call = _call(key, entry)
        unheard = self._parts.intents.before(call) == "uncertain" or self._parts.intents.doubtful(call)
        approval = Approval(
            call=call,
            server=entry["server"],
            about=entry["about"],
            reason="uncertain" if unheard or entry["uncertain"] else "changes",
            problem=entry["problem"],
        )
        said = interrupt(approval_to_json(approval))
        decided = {**entry, "round": entry["round"] + 1, "problem": "", "uncertain": False}
        try:
            decision = decision_from_json(said)
        except BadInput as error:
            message = error.message(language_of(_question(state)))
            return _one(key, decided | {"problem": message, "uncertain": entry["uncertain"]})
        if decision.verdict == "refuse":
            self._parts.intents.withdraw(call)
            return _one(key, decided | {"status": REFUSED, "asked": decision.asked})
        if decision.verdict == "edit":
            try:
                given = check_arguments(self._tool(entry), decision.arguments)
            except TerakoyaError as error:
                message = error.message(language_of(_question(state)))
                return _one(key, decided | {"problem": message})
            decided["arguments"] = given
        return _one(key, decided | {"status": APPROVED})

    def call(self, state: ToolState) -> Update:
        """Makes the next call, unless a run before this one may have made it: then a person is asked."""
        key, entry = self._next(state, CHOSEN, APPROVED)
        call, language = _call(key, entry), language_of(_question(state))
        known = self._parts.intents.before(call) if entry["changes"] else "new"
        if known == "finished":
            return _one(key, _finished(entry, self._parts.intents.result(call)))
        if known == "uncertain":
            asking = {"asks": True, "uncertain": True, "status": CHOSEN, "round": entry["round"] + 1}
            return _one(key, entry | asking)
        try:
            return _one(key, _finished(entry, self._make(call, entry, language)))
        except TerakoyaError as error:
            return _one(key, entry | {"status": FAILED, "error": error.message(language)})

    def tell(self, state: ToolState) -> Update:
        """Makes an answer of what the calls gave."""
        language: Language = language_of(_question(state))
        draft = tell([entry for _, entry in in_order(state)], language)
        return {
            "draft": draft_to_json(draft),
            "passages": {citation.passage_id: 1.0 for citation in draft.citations},
        }

    def _chosen(self, question: str, trace_id: str, spent: dict[str, int]) -> dict[str, dict[str, Any]]:
        box = self._parts.toolbox
        wish = wants_tool(question, today=self._parts.today(), servers=box.servers())
        if wish is None:
            return {}
        if wish.tool:
            wishes: Sequence[Wish] = [wish]
        else:
            choice = self._asked(question)
            wishes = choice.wishes
            spent |= {"calls": choice.calls, "tokens": choice.tokens}
        calls: dict[str, dict[str, Any]] = {}
        for place, wanted in enumerate(wishes[:MOST_CALLS]):
            tool = self._named(wanted.tool)
            arguments = check_arguments(tool, wanted.arguments)
            calls[call_id(trace_id, place, tool.name, arguments)] = {
                "tool": tool.name,
                "server": tool.server,
                "about": tool.description[:_ABOUT],
                "arguments": arguments,
                "changes": tool.changes,
                "asks": tool.asks,
                "uncertain": False,
                "problem": "",
                "status": CHOSEN,
                "round": 0,
                "place": place,
            }
        return calls

    def _asked(self, question: str) -> Choice:
        chooser = self._parts.chooser
        tools = [tool for tool in self._parts.toolbox.tools() if tool.server]
        if chooser is None or not tools:
            return Choice(calls=0)
        with self._parts.tracer.span("choose_tool", "chain", input=question) as span:
            span.set(model=chooser.name, metadata={"tools": len(tools)})
            choice = chooser.choose(question, tools)
            span.set(output=[wish.tool for wish in choice.wishes], model=choice.model or chooser.name)
        return choice

    def _make(self, call: ToolCall, entry: dict[str, Any], language: Language) -> ToolResult:
        """Calls the tool; where that changes something, what is about to happen is stored first."""
        intents, tool = self._parts.intents, self._tool(entry)
        if tool.asks and entry["status"] != APPROVED:  # its server says another thing than before
            raise BadInput("tool_changed", tool=tool.name)
        with self._parts.tracer.span(tool.name, "tool", input=dict(call.arguments)) as span:
            if not entry["changes"]:
                result = tool.call(call.arguments, language=language)
            else:
                intents.begin(call)
                try:
                    result = tool.call(call.arguments, language=language)
                except (NotSent, BadInput):
                    intents.withdraw(call)
                    raise
                except BaseException:
                    intents.lose(call)
                    raise
                intents.finish(call, result)
            span.set(output=result.text, metadata={"failed": result.failed, "left_out": result.left_out})
        return result

    def _tool(self, entry: dict[str, Any]) -> Tool:
        return self._named(entry["tool"])

    def _named(self, name: str) -> Tool:
        box = self._parts.toolbox
        tool = box.named(name)
        if tool is not None:
            return tool
        for trouble in box.troubles():
            if trouble.values.get("server") == name.partition("__")[0]:
                raise trouble
        raise BadInput("tool_missing", tool=name, known=_known(box.tools()))

    def _next(self, state: ToolState, *statuses: str) -> tuple[str, dict[str, Any]]:
        return next((key, entry) for key, entry in in_order(state) if entry["status"] in statuses)


def next_step(state: ToolState) -> Step:
    """Edge: what the first call that has not ended needs; when all have, they are told."""
    calls = [entry for _, entry in in_order(state)]
    if not calls:
        return "none"
    for entry in calls:
        if entry["status"] == APPROVED:
            return "call"
        if entry["status"] == CHOSEN:
            return "approve" if entry["asks"] else "call"
    return "tell"


def _question(state: ToolState) -> str:
    return state.get("standalone") or state["question"]


def _call(key: str, entry: dict[str, Any]) -> ToolCall:
    """The call of an entry; each time that a person decides it is another one."""
    return ToolCall(id=f"{key}-{entry['round']}", tool=entry["tool"], arguments=entry["arguments"])


def _one(key: str, entry: dict[str, Any]) -> Update:
    return {"tool_calls": {key: entry}}


def _finished(entry: dict[str, Any], result: ToolResult) -> dict[str, Any]:
    return entry | {"status": FINISHED, "result": result_to_json(result)}


def _problem(error: TerakoyaError, language: Language) -> dict[str, Any]:
    return draft_to_json(Draft(text=error.message(language), answered=False, citations=(), model=MODEL))


def _known(tools: Sequence[Tool]) -> str:
    return ", ".join(tool.name for tool in tools[:20])
