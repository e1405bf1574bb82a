"""The nodes: each reads the state and returns an update, with the parts that it needs handed in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from langgraph.runtime import Runtime

from terakoya.catalogue import text as sentence
from terakoya.errors import TerakoyaError
from terakoya.protocols import Answerer, Retriever, Tracer
from terakoya.text.analyser import Analyser
from terakoya.text.language import language_of
from terakoya.types import Draft, Passage
from workflows.standalone import stand_alone
from workflows.state import State, citation_to_json, draft_from_json, draft_to_json, history_of, ranked
from workflows.verifying import verify

Update = dict[str, Any]
_MOST_OTHERS: Final = 3
"""Forms of a question in other names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the nodes work with.

    Attributes:
        retriever: Finds passages.
        answerers: In the order in which they are tried; the last one needs no model.
        analyser: The analyser of the store.
        tracer: Records every node.
        passages: How many passages are retrieved for an answer.
    """

    retriever: Retriever
    answerers: Sequence[Answerer]
    analyser: Analyser
    tracer: Tracer
    passages: int


class Nodes:
    """The nodes of the graph over one set of parts."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def standalone(self, state: State) -> Update:
        """Fills in what a follow-up question points at, and empties what the last question left."""
        question = stand_alone(state["question"], history_of(state), self._parts.analyser)
        return {"standalone": question, "passages": None, "draft": None}

    def retrieve(self, state: State) -> Update:
        """Finds passages for the stand-alone question."""
        with self._parts.tracer.span("search", "retriever", input=state["standalone"]) as span:
            ranking = self._parts.retriever.search(state["standalone"], k=self._parts.passages)
            span.set(
                output=[
                    {
                        "id": h.passage.id,
                        "source": h.passage.source,
                        "line": h.passage.start_line,
                        "score": h.score,
                    }
                    for h in ranking.hits
                ],
                metadata={"arms": list(ranking.arms)},
            )
        names = [hit.aliases for hit in ranking.hits if hit.aliases]
        return {
            "passages": {hit.passage.id: hit.score for hit in ranking.hits},
            "others": list(dict.fromkeys(_renamed(state["standalone"], each) for each in names))[
                :_MOST_OTHERS
            ],
        }

    def answer(self, state: State, runtime: Runtime[None]) -> Update:
        """Lets the first answerer that works answer, streaming its text; what it said is replaced if it fails."""
        passages = self._passages(state)
        history = history_of(state)
        write = runtime.stream_writer

        def emit(piece: str) -> None:
            write({"type": "token", "text": piece})

        for position, answerer in enumerate(self._parts.answerers):
            last = position == len(self._parts.answerers) - 1
            if position:
                write({"type": "replace", "text": ""})
            try:
                draft = self._ask(answerer, state, passages, history, emit)
            except TerakoyaError as error:  # the model is away, or the passages are too long for it
                if last:
                    raise
                message = error.message(language_of(state["question"]))
                write({"type": "notice", "code": error.key, "message": message})
                continue
            if draft.answered or last:
                return {"draft": draft_to_json(draft)}
        raise AssertionError("there is always a last answerer")

    def _ask(
        self,
        answerer: Answerer,
        state: State,
        passages: Sequence[Passage],
        history: Sequence[Any],
        emit: Callable[[str], None],
    ) -> Draft:
        kind: Any = "span" if answerer.name == "extractive" else "generation"
        with self._parts.tracer.span(answerer.name, kind, input=state["standalone"]) as span:
            draft = answerer.answer(
                state["standalone"], passages, others=state.get("others", []), history=history, emit=emit
            )
            span.set(
                output=draft.text,
                model=answerer.name,
                usage=dict(draft.usage),
                metadata={"answered": draft.answered, "confidence": round(draft.confidence, 4)},
            )
        return draft

    def verify(self, state: State) -> Update:
        """Keeps only citations that stand in the notes."""
        draft = _draft(state)
        checked = verify(draft, {p.id: p for p in self._passages(state)})
        return {"draft": draft_to_json(checked)}

    def finish(self, state: State) -> Update:
        """Adds the answered question to the thread."""
        return _turn(state, _draft(state))

    def abstain(self, state: State) -> Update:
        """Adds the question to the thread with the plain word that the notes do not answer it."""
        raw = state.get("draft")
        draft = draft_from_json(raw) if raw else None
        if draft is None or draft.answered or not draft.text:
            text = sentence("answer.nothing", language=language_of(state["question"]))
            draft = Draft(text=text, answered=False, citations=(), model=self._parts.answerers[-1].name)
        return _turn(state, draft)

    def _passages(self, state: State) -> list[Passage]:
        return self._parts.retriever.passages(ranked(state))


def found_passages(state: State) -> bool:
    """Edge: whether there is anything to answer from."""
    return bool(state.get("passages"))


def is_supported(state: State) -> bool:
    """Edge: whether the verified draft answers."""
    return _draft(state).answered


def _renamed(question: str, names: Mapping[str, str]) -> str:
    for term, other in names.items():
        question = question.replace(term, other, 1)
    return question


def _draft(state: State) -> Draft:
    raw = state.get("draft")
    if raw is None:
        raise RuntimeError("no draft in the state: `answer` has to run first")
    return draft_from_json(raw)


def _turn(state: State, draft: Draft) -> Update:
    turn = {
        "question": state["question"],
        "standalone": state["standalone"],
        "answer": draft.text,
        "answered": draft.answered,
        "citations": [citation_to_json(c) for c in draft.citations],
        "model": draft.model,
        "effort": state.get("effort", "normal"),
        "trace_id": state.get("trace_id", ""),
    }
    return {"turns": [turn], "passages": None, "draft": None}
