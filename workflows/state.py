"""The state of one question on its way through the graph, and the reducers that merge updates into it.

Everything in it is plain JSON, so that checkpoints stay small and readable: ids of passages, not their
texts; what a node needs it loads through its retriever.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Required

# pydantic, which makes the schema that LangGraph Studio asks for, reads no other TypedDict before Python 3.12
from typing_extensions import TypedDict

from terakoya.types import Citation, Draft, Effort, Turn
from workflows.routing import COURTESY, Intent
from workflows.tools.calls import merge_calls


def append_turns(turns: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """History grows at its end."""
    return [*turns, *new]


def merge_scores(scores: Mapping[str, float] | None, new: Mapping[str, float] | None) -> dict[str, float]:
    """By id, each with the best score it ever had; None empties.

    Merging is idempotent and does not depend on order, so parallel retrievals may arrive in any.
    """
    if new is None:
        return {}
    merged = dict(scores or {})
    for passage, score in new.items():
        merged[passage] = max(score, merged.get(passage, score))
    return merged


def merge_names(names: Sequence[str] | None, new: Sequence[str] | None) -> list[str]:
    """Each name once, sorted, so that merging is idempotent and does not depend on order; None empties."""
    return [] if new is None else sorted({*(names or ()), *new})


def add_up(spent: Mapping[str, int] | None, new: Mapping[str, int] | None) -> dict[str, int]:
    """What was used so far, by kind; sums do not depend on order; None empties."""
    if new is None:
        return {}
    merged = dict(spent or {})
    for kind, amount in new.items():
        merged[kind] = merged.get(kind, 0) + amount
    return merged


class Asked(TypedDict, total=False):
    """What a run is given.

    Attributes:
        question: As the user typed it.
        effort: Budget of the answer, see `workflows.budget`.
        trace_id: The trace of this question.
    """

    question: Required[str]
    effort: Effort
    trace_id: str


class State(TypedDict, total=False):
    """What the nodes read and write.

    Attributes:
        question: As the user typed it.
        effort: Budget of the answer, see `workflows.budget`.
        trace_id: The trace of this question, kept with the turn so that a thumb finds it later.
        intent: What is to be done with the question, see `workflows.routing`.
        standalone: The question with what it refers to filled in.
        parts: The sub-questions of it, itself where there is one.
        queries: What is retrieved for next.
        searches: What was retrieved for so far, with the number of passages found.
        others: The stand-alone question in other names, by which passages were found.
        spellings: Queries in other spellings, where words of them stand in no note.
        passages: Scores by passage id; emptied when the question is done.
        verdicts: How far each passage that was looked at speaks of what was asked, 0 to 1, by id.
        spent: What was used of the budget: `rounds`, `answers`, `calls`, `tokens`; `quoted` once the answerer that
            needs no model was asked.
        draft: The answer under way, as `draft_to_json` writes it; None between questions.
        tool_calls: What was chosen to be called, as `workflows.tools.state.ToolState` has it.
        summary: What tells of the first turns where a prompt has no room for them: `text`, `summarised` (how many turns),
            `by` and `citations` (the notes that they cite); empty or None where there is none.
        failure: What a node failed with, `step` and `code`; None where none did.
        turns: The thread so far: `question`, `standalone`, `answer`, `answered`, `citations`, `model`,
            `effort`, `trace_id`, `usage` each; `interrupted` where a person cut it short.
    """

    question: str
    effort: Effort
    trace_id: str
    intent: Intent
    standalone: str
    parts: list[str]
    queries: list[str]
    searches: Annotated[dict[str, float], merge_scores]
    others: Annotated[list[str], merge_names]
    spellings: Annotated[list[str], merge_names]
    passages: Annotated[dict[str, float], merge_scores]
    verdicts: Annotated[dict[str, float], merge_scores]
    spent: Annotated[dict[str, int], add_up]
    draft: dict[str, Any] | None
    tool_calls: Annotated[dict[str, dict[str, Any]], merge_calls]
    failure: dict[str, str] | None
    summary: dict[str, Any] | None
    turns: Annotated[list[dict[str, Any]], append_turns]


BETWEEN: Final[Mapping[str, Any]] = {
    "intent": "notes",
    "parts": [],
    "queries": [],
    "searches": None,
    "others": None,
    "spellings": None,
    "passages": None,
    "verdicts": None,
    "spent": None,
    "draft": None,
    "tool_calls": None,
    "failure": None,
}
"""The update that leaves nothing of a question but its turn."""


def history_of(state: State) -> tuple[Turn, ...]:
    """The turns before this question that a follow-up may point at: a greeting, or a fact to remember, is none."""
    return tuple(
        Turn(question=t["question"], answer=t["answer"], standalone=t.get("standalone", ""))
        for t in state.get("turns", [])
        if t.get("model") not in COURTESY
    )


def ranked(state: State) -> list[str]:
    """Ids of the passages found, best first."""
    scores = state.get("passages") or {}
    return sorted(scores, key=lambda passage: (-scores[passage], passage))


def draft_to_json(draft: Draft) -> dict[str, Any]:
    """A draft as plain JSON."""
    return {
        "text": draft.text,
        "answered": draft.answered,
        "citations": [citation_to_json(c) for c in draft.citations],
        "model": draft.model,
        "confidence": draft.confidence,
        "usage": dict(draft.usage),
        "suspicious": [citation_to_json(c) for c in draft.suspicious],
    }


def draft_from_json(data: Mapping[str, Any]) -> Draft:
    """Back from `draft_to_json`."""
    return Draft(
        text=data["text"],
        answered=data["answered"],
        citations=tuple(citation_from_json(c) for c in data["citations"]),
        model=data["model"],
        confidence=data["confidence"],
        usage=data["usage"],
        suspicious=tuple(citation_from_json(c) for c in data.get("suspicious", [])),
    )


def draft_of(state: State) -> Draft:
    """The draft in the state.

    Raises:
        RuntimeError: There is none: `answer` has not run.
    """
    raw = state.get("draft")
    if raw is None:
        raise RuntimeError("no draft in the state: `answer` has to run first")
    return draft_from_json(raw)


def citation_to_json(citation: Citation) -> dict[str, Any]:
    """A citation as plain JSON, without its marks: they are made for a reader when one comes."""
    kept = {name: getattr(citation, name) for name in Citation.__slots__ if name != "marks"}
    return kept | {"heading": list(citation.heading)}


def citation_from_json(data: Mapping[str, Any]) -> Citation:
    """Back from `citation_to_json`."""
    return Citation(**{**data, "heading": tuple(data["heading"])})
