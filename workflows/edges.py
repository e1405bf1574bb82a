"""The edges: each looks at the state, and names the node that comes next."""

from workflows.budget import budget_of
from workflows.state import State, draft_of


def after_verify(state: State) -> str:
    """Edge: `finish` what stands in the notes, let another `answer` be made, or `abstain` once they were quoted."""
    if draft_of(state).answered:
        return "finish"
    return "abstain" if (state.get("spent") or {}).get("quoted") else "answer"


def after_standalone(state: State) -> str:
    """Edge: what is to be done with the question."""
    if state["intent"] in ("remember", "recall"):
        return "memory"
    if state["intent"] == "tools":
        return "tools"
    return "plan" if state["intent"] == "notes" else "talk"


def after_tools(state: State) -> str:
    """Edge: what the tools gave is told; where none fits the question, it is answered from the notes."""
    draft = state.get("draft")
    if draft is None:
        return "plan"
    return "finish" if draft["answered"] else "abstain"


def after_grade(state: State) -> str:
    """Edge: `answer` what was found, `rewrite` what was found little for, or `abstain` where nothing was."""
    rounds = (state.get("spent") or {}).get("rounds", 0)
    if state.get("queries") and rounds < budget_of(state).rounds:
        return "rewrite"
    return answer_or_abstain(state)


def answer_or_abstain(state: State) -> str:
    """Edge: `answer` where there is something to answer from."""
    return "answer" if state.get("passages") else "abstain"
