"""The node that answers: it streams, hands over to the next answerer, and tells what it left out."""

from dataclasses import replace
from typing import Any

import pytest
from langgraph.runtime import Runtime

from terakoya.errors import BadInput, Cancelled, Unavailable
from terakoya.types import Remark
from tests.workflows.mendel import BEANS, GOOD, PEAS, STATE, runtime
from workflows.context import Context
from workflows.nodes import Nodes
from workflows.state import draft_to_json
from workflows.testing import ScriptedAnswerer


def test_answer_hands_over_passages_best_first_and_the_turns_before(parts, retriever) -> None:
    answerer = ScriptedAnswerer(drafts=[GOOD])
    state = STATE | {"turns": [{"question": "q", "answer": "a", "standalone": "s"}]}
    update = Nodes(parts(retriever, answerer)).answer(state, runtime([]))
    (asked,) = answerer.asked
    assert update == {"draft": draft_to_json(GOOD), "spent": {"answers": 1, "quoted": 1, "tokens": 0}}
    assert (asked.question, asked.passages) == ("What did Mendel grow?", (PEAS, BEANS))
    assert [t.question for t in asked.history] == ["q"]


def test_answer_streams_the_pieces_as_they_come(parts, retriever) -> None:
    events: list[Any] = []
    answerer = ScriptedAnswerer(drafts=[GOOD], pieces=["Peas", " [1]."])
    Nodes(parts(retriever, answerer)).answer(STATE, runtime(events))
    assert events == [{"type": "token", "text": "Peas"}, {"type": "token", "text": " [1]."}]


@pytest.mark.parametrize(
    "first", [Unavailable("model_closed", path="m"), BadInput("prompt_too_long", tokens=9, context=5)]
)
def test_what_a_failing_answerer_began_is_replaced_by_the_next(parts, retriever, first) -> None:
    events: list[Any] = []
    failing = ScriptedAnswerer(name="model", drafts=[first], pieces=["Half an"])
    nodes = Nodes(parts(retriever, failing, ScriptedAnswerer(drafts=[GOOD])))
    assert nodes.answer(STATE, runtime(events))["draft"] == draft_to_json(GOOD)
    assert [e.get("text", e.get("code")) for e in events] == ["Half an", first.key, "", "Peas [1]."]


def test_a_second_answer_comes_from_the_good_passages_alone(parts, retriever) -> None:
    model = ScriptedAnswerer(name="model", drafts=[GOOD])
    nodes = Nodes(parts(retriever, model, ScriptedAnswerer()))
    again = STATE | {
        "effort": "normal",
        "spent": {"answers": 1, "calls": 1},
        "verdicts": {"p1": 1.0, "p2": 0.1},
    }
    events: list[Any] = []
    assert nodes.answer(again, runtime(events))["spent"] == {"answers": 1, "calls": 1, "tokens": 0}
    assert model.asked[0].passages == (PEAS,)
    assert events[0] == {"type": "replace", "text": ""}


@pytest.mark.parametrize(
    "change",
    [
        {"spent": {"answers": 2, "calls": 2}},
        {"spent": {"answers": 1, "calls": 4}},
        {"spent": {"answers": 1, "calls": 1, "tokens": 10**6}},
        {"spent": {"answers": 1, "calls": 1}, "verdicts": {"p1": 0.9, "p2": 0.9}},
        {"spent": {"answers": 1, "calls": 1}, "effort": "fast"},
    ],
)
def test_where_a_model_may_not_answer_again_the_notes_are_quoted(parts, retriever, change) -> None:
    model, quoting = ScriptedAnswerer(name="model"), ScriptedAnswerer(drafts=[GOOD])
    state = STATE | {"effort": "normal", "verdicts": {"p1": 1.0, "p2": 0.1}} | change
    Nodes(parts(retriever, model, quoting)).answer(state, runtime([]))
    assert (model.asked, len(quoting.asked)) == ([], 1)


def test_a_cancelled_answer_is_not_taken_over_by_the_next_answerer(parts, retriever) -> None:
    model, quoting = (
        ScriptedAnswerer(name="model", drafts=[GOOD], pieces=["Pe"]),
        ScriptedAnswerer(drafts=[GOOD]),
    )
    stopped = Runtime(context=Context(cancelled=lambda: True), stream_writer=[].append)
    with pytest.raises(Cancelled):
        Nodes(parts(retriever, model, quoting)).answer(STATE, stopped)
    assert quoting.asked == []


def test_when_the_last_answerer_fails_too_its_error_is_told(parts, retriever) -> None:
    nodes = Nodes(parts(retriever, ScriptedAnswerer(drafts=[Unavailable("model_closed", path="m")])))
    with pytest.raises(Unavailable):
        nodes.answer(STATE, runtime([]))


def test_what_the_model_had_no_room_for_is_told_as_a_notice(parts, retriever) -> None:
    values: Any = {"model": "m", "kept": 1, "found": 2, "context": 512, "setting": "TERAKOYA_CONTEXT_TOKENS"}
    short = replace(
        GOOD, notices=(Remark(key="answer.window", values=values),), window={"dropped_passages": 1}
    )
    events: list[Any] = []
    Nodes(parts(retriever, ScriptedAnswerer(drafts=[short]))).answer(STATE, runtime(events))
    assert [e["type"] for e in events] == ["token", "notice"]
    assert "1 of the 2 passages" in events[1]["message"]


class Telling:
    """Summarises everything, at the price of a call."""

    def __init__(self) -> None:
        self.asked: list[bool] = []

    def update(self, state: Any, *, may_call: bool) -> dict[str, Any]:
        self.asked.append(may_call)
        summary = {"text": "Of peas.", "summarised": 1, "by": "m", "citations": []}
        return {"summary": summary, "spent": {"calls": 1, "tokens": 7}}


def test_a_summary_of_earlier_turns_is_kept_told_and_counted(parts, retriever) -> None:
    telling, model = Telling(), ScriptedAnswerer(name="model", drafts=[GOOD])
    nodes = Nodes(parts(retriever, model, ScriptedAnswerer(), summariser=telling))
    state = STATE | {"effort": "normal", "turns": [{"question": "q", "answer": "a"}]}
    update = nodes.answer(state, runtime([]))
    assert update["summary"]["text"] == "Of peas."
    assert update["spent"] == {"answers": 1, "calls": 2, "tokens": 7}
    assert [(t.covers, t.answer) for t in model.asked[0].history] == [(1, "Of peas."), (0, "a")]
    model.drafts.append(GOOD)
    nodes.answer(STATE | {"effort": "fast"}, runtime([]))
    assert telling.asked == [True, False]


def test_where_no_model_answers_nothing_is_summarised(parts, retriever) -> None:
    telling = Telling()
    used = STATE | {"spent": {"answers": 2, "calls": 2}}
    nodes = Nodes(parts(retriever, ScriptedAnswerer(), ScriptedAnswerer(drafts=[GOOD]), summariser=telling))
    nodes.answer(used, runtime([]))
    assert telling.asked == []
