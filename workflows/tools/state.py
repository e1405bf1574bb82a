"""The slice of the state that the tools have, and its JSON."""

from collections.abc import Mapping
from typing import Annotated, Any, get_args

from typing_extensions import TypedDict

from terakoya.errors import BadInput
from terakoya.types import Approval, Decision, Effort, ToolCall, ToolResult, Verdict
from workflows.state import add_up, citation_from_json, citation_to_json, merge_scores
from workflows.tools.calls import merge_calls


class ToolState(TypedDict, total=False):
    """What the nodes of the tools read and write; all but `tool_calls` is the graph's own.

    Attributes:
        question: As the user typed it.
        standalone: The question with what it refers to filled in.
        effort: Budget of the answer.
        trace_id: The trace of this question; the ids of calls are made from it.
        tool_calls: The calls chosen for this question, by id, in the order in which they are made: `tool`,
            `arguments`, `status`, `round`, `place`, `uncertain`, `problem`, `result`, `error` each.
        spent: What the choice of a model took of the budget, `calls` and `tokens`. Nothing is spent before the tools
            are, so that what comes out of their graph is what is added.
        passages: Scores by passage id; those that the results cite are added.
        draft: The answer made of the results; None where no tool was chosen.
    """

    question: str
    standalone: str
    effort: Effort
    trace_id: str
    tool_calls: Annotated[dict[str, dict[str, Any]], merge_calls]
    spent: Annotated[dict[str, int], add_up]
    passages: Annotated[dict[str, float], merge_scores]
    draft: dict[str, Any] | None


def in_order(state: ToolState) -> list[tuple[str, dict[str, Any]]]:
    """The calls of the state with their ids, in the order in which they are made."""
    return sorted((state.get("tool_calls") or {}).items(), key=lambda item: (item[1]["place"], item[0]))


def result_to_json(result: ToolResult) -> dict[str, Any]:
    """A result as plain JSON."""
    return {
        "text": result.text,
        "failed": result.failed,
        "left_out": result.left_out,
        "citations": [citation_to_json(c) for c in result.citations],
    }


def result_from_json(data: Mapping[str, Any]) -> ToolResult:
    """Back from `result_to_json`."""
    return ToolResult(
        text=data["text"],
        failed=data["failed"],
        left_out=data["left_out"],
        citations=tuple(citation_from_json(c) for c in data["citations"]),
    )


def approval_to_json(approval: Approval) -> dict[str, Any]:
    """What `interrupt` carries out of the graph."""
    return {
        "call_id": approval.call.id,
        "tool": approval.call.tool,
        "arguments": dict(approval.call.arguments),
        "server": approval.server,
        "about": approval.about,
        "reason": approval.reason,
        "problem": approval.problem,
    }


def approval_from_json(data: Mapping[str, Any]) -> Approval:
    """Back from `approval_to_json`."""
    return Approval(
        call=ToolCall(id=data["call_id"], tool=data["tool"], arguments=data["arguments"]),
        server=data["server"],
        about=data["about"],
        reason=data["reason"],
        problem=data["problem"],
    )


def decision_to_json(decision: Decision) -> dict[str, Any]:
    """What `Command(resume=...)` brings back into the graph."""
    given = None if decision.arguments is None else dict(decision.arguments)
    return {"verdict": decision.verdict, "arguments": given, "asked": decision.asked}


def decision_from_json(data: object) -> Decision:
    """Back from `decision_to_json`; written by hand, as in LangGraph Studio, the verdict is enough.

    Raises:
        BadInput: It is no verdict: what changes something waits for a word that is clear.
    """
    said: Mapping[str, Any] = data if isinstance(data, Mapping) else {"verdict": data}
    for verdict in get_args(Verdict):
        if said.get("verdict") == verdict:
            return Decision(
                verdict=verdict, arguments=said.get("arguments"), asked=said.get("asked", True) is True
            )
    raise BadInput("verdict_unknown", said=str(said.get("verdict"))[:80])
