"""The state of one question on its way through the graph, and the reducers that merge updates into it.

Everything in it is plain JSON, so that checkpoints stay small and readable: ids of passages, not their
texts; what a node needs it loads through its retriever.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypedDict

from terakoya.types import Citation, Draft, Effort, Turn


def append_turns(turns: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """History grows at its end."""
    return [*turns, *new]


def merge_scores(scores: Mapping[str, float] | None, new: Mapping[str, float] | None) -> dict[str, float]:
    """Passages by id, each with the best score it ever had; None empties.

    Merging is idempotent and does not depend on order, so parallel retrievals may arrive in any.
    """
    if new is None:
        return {}
    merged = dict(scores or {})
    for passage, score in new.items():
        merged[passage] = max(score, merged.get(passage, score))
    return merged


class State(TypedDict, total=False):
    """What the nodes read and write.

    Attributes:
        question: As the user typed it.
        effort: Budget of the answer.
        trace_id: The trace of this question, kept with the turn so that a thumb finds it later.
        standalone: The question with what it refers to filled in.
        others: The stand-alone question in other names, by which passages were found.
        passages: Scores by passage id; emptied when the question is done.
        draft: The answer under way, as `draft_to_json` writes it; None between questions.
        turns: The thread so far: `question`, `standalone`, `answer`, `answered`, `citations`, `model`,
            `effort`, `trace_id` each.
    """

    question: str
    effort: Effort
    trace_id: str
    standalone: str
    others: list[str]
    passages: Annotated[dict[str, float], merge_scores]
    draft: dict[str, Any] | None
    turns: Annotated[list[dict[str, Any]], append_turns]


def history_of(state: State) -> tuple[Turn, ...]:
    """The turns before this question."""
    return tuple(
        Turn(question=t["question"], answer=t["answer"], standalone=t.get("standalone", ""))
        for t in state.get("turns", [])
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
    )


def citation_to_json(citation: Citation) -> dict[str, Any]:
    """A citation as plain JSON, without its marks: they are made for a reader when one comes."""
    kept = {name: getattr(citation, name) for name in Citation.__slots__ if name != "marks"}
    return kept | {"heading": list(citation.heading)}


def citation_from_json(data: Mapping[str, Any]) -> Citation:
    """Back from `citation_to_json`."""
    return Citation(**{**data, "heading": tuple(data["heading"])})
