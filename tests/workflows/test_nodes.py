"""Nodes: each alone, on a state made by hand."""

from typing import Any

import pytest
from langgraph.runtime import Runtime

from terakoya.catalogue import text as sentence
from terakoya.errors import BadInput, TerakoyaError, Unavailable
from terakoya.types import Draft
from workflows.nodes import Nodes, found_passages, is_supported
from workflows.state import draft_to_json
from workflows.testing import ScriptedAnswerer, ScriptedRetriever, citation, passage

PEAS = passage("Mendel grew peas.", id="p1")
BEANS = passage("Others grew beans.", id="p2")
GOOD = Draft(text="Peas [1].", answered=True, citations=(citation(PEAS, "Mendel grew peas."),), model="m")
NOTHING = Draft(text="Not there.", answered=False, citations=(), model="m")
STATE: dict[str, Any] = {
    "question": "What did he grow?",
    "standalone": "What did Mendel grow?",
    "effort": "fast",
    "trace_id": "t" * 32,
    "passages": {"p2": 0.5, "p1": 1.0},
}


@pytest.fixture
def retriever() -> ScriptedRetriever:
    return ScriptedRetriever(known=[PEAS, BEANS])


def runtime(events: list[Any]) -> Runtime[None]:
    return Runtime(stream_writer=events.append)


def test_standalone_fills_in_the_question_and_empties_what_was_left(parts, retriever) -> None:
    nodes = Nodes(parts(retriever, ScriptedAnswerer()))
    turns = [{"question": "光合成とは？", "answer": "…", "standalone": ""}]
    update = nodes.standalone({"question": "それの欠点は？", "turns": turns, "passages": {"x": 1.0}})
    assert update == {"standalone": "光合成の欠点は？", "passages": None, "draft": None}


def test_retrieve_asks_for_as_many_passages_as_were_set(parts, retriever) -> None:
    nodes = Nodes(parts(retriever, ScriptedAnswerer(), passages=1))
    assert nodes.retrieve(STATE) == {"passages": {"p1": 1.0}, "others": []}
    assert retriever.asked == [("What did Mendel grow?", 1)]


def test_names_by_which_passages_are_found_reach_the_answerer(parts, retriever) -> None:
    retriever.aliases = {"p1": {"Mendel": "メンデル"}, "p2": {"Mendel": "メンデル"}}
    answerer = ScriptedAnswerer(drafts=[GOOD])
    nodes = Nodes(parts(retriever, answerer))
    update = nodes.retrieve(STATE)
    assert update["others"] == ["What did メンデル grow?"]
    nodes.answer({**STATE, **update}, runtime([]))
    assert answerer.asked[0].others == ("What did メンデル grow?",)


def test_answer_hands_over_passages_best_first_and_the_turns_before(parts, retriever) -> None:
    answerer = ScriptedAnswerer(drafts=[GOOD])
    state = STATE | {"turns": [{"question": "q", "answer": "a", "standalone": "s"}]}
    update = Nodes(parts(retriever, answerer)).answer(state, runtime([]))
    (asked,) = answerer.asked
    assert update == {"draft": draft_to_json(GOOD)}
    assert (asked.question, asked.passages) == ("What did Mendel grow?", (PEAS, BEANS))
    assert [t.question for t in asked.history] == ["q"]


def test_answer_streams_the_pieces_as_they_come(parts, retriever) -> None:
    events: list[Any] = []
    answerer = ScriptedAnswerer(drafts=[GOOD], pieces=["Peas", " [1]."])
    Nodes(parts(retriever, answerer)).answer(STATE, runtime(events))
    assert events == [{"type": "token", "text": "Peas"}, {"type": "token", "text": " [1]."}]


@pytest.mark.parametrize(
    "first",
    [Unavailable("model_closed", path="m"), BadInput("prompt_too_long", tokens=9, context=5), NOTHING],
)
def test_what_the_first_answerer_began_is_replaced_by_the_next(parts, retriever, first) -> None:
    events: list[Any] = []
    failing = ScriptedAnswerer(name="model", drafts=[first], pieces=["Half an"])
    nodes = Nodes(parts(retriever, failing, ScriptedAnswerer(drafts=[GOOD])))
    assert nodes.answer(STATE, runtime(events)) == {"draft": draft_to_json(GOOD)}
    told = [e for e in events if e["type"] == "notice"]
    assert [e for e in events if e["type"] != "notice"] == [
        {"type": "token", "text": "Half an"},
        {"type": "replace", "text": ""},
        {"type": "token", "text": "Peas [1]."},
    ]
    assert [e["code"] for e in told] == ([first.key] if isinstance(first, TerakoyaError) else [])


def test_the_last_answerer_s_word_counts_whatever_it_is(parts, retriever) -> None:
    nodes = Nodes(parts(retriever, ScriptedAnswerer(drafts=[NOTHING]), ScriptedAnswerer(drafts=[NOTHING])))
    assert nodes.answer(STATE, runtime([]))["draft"]["answered"] is False


def test_when_the_last_answerer_fails_too_its_error_is_told(parts, retriever) -> None:
    nodes = Nodes(parts(retriever, ScriptedAnswerer(drafts=[Unavailable("model_closed", path="m")])))
    with pytest.raises(Unavailable):
        nodes.answer(STATE, runtime([]))


def test_verify_drops_what_does_not_stand_in_the_passages(parts, retriever) -> None:
    draft = Draft(
        text="Peas [1]. Beans [2].",
        answered=True,
        model="m",
        citations=(
            citation(PEAS, "Mendel grew peas."),
            citation(passage("invented", id="p1"), "invented", marker=2),
        ),
    )
    update = Nodes(parts(retriever, ScriptedAnswerer())).verify(STATE | {"draft": draft_to_json(draft)})
    assert (update["draft"]["text"], len(update["draft"]["citations"])) == ("Peas [1]. Beans.", 1)


def test_finish_adds_the_turn_and_empties_the_rest(parts, retriever) -> None:
    update = Nodes(parts(retriever, ScriptedAnswerer())).finish(STATE | {"draft": draft_to_json(GOOD)})
    (turn,) = update["turns"]
    assert (update["passages"], update["draft"]) == (None, None)
    assert {
        key: turn[key]
        for key in ("question", "standalone", "answer", "answered", "model", "effort", "trace_id")
    } == {
        "question": "What did he grow?",
        "standalone": "What did Mendel grow?",
        "answer": "Peas [1].",
        "answered": True,
        "model": "m",
        "effort": "fast",
        "trace_id": "t" * 32,
    }
    assert turn["citations"][0]["quote"] == "Mendel grew peas."


@pytest.mark.parametrize(("question", "language"), [("What did he grow?", "en"), ("何を育てましたか", "ja")])
def test_abstain_says_so_in_the_question_s_language(parts, retriever, question: str, language: str) -> None:
    nodes = Nodes(parts(retriever, ScriptedAnswerer(name="last")))
    (turn,) = nodes.abstain(STATE | {"question": question, "draft": None})["turns"]
    assert (turn["answer"], turn["answered"]) == (sentence("answer.nothing", language=language), False)
    assert (turn["model"], turn["citations"]) == ("last", [])


def test_abstain_keeps_the_words_of_a_draft_that_declined(parts, retriever) -> None:
    (turn,) = Nodes(parts(retriever, ScriptedAnswerer())).abstain(STATE | {"draft": draft_to_json(NOTHING)})[
        "turns"
    ]
    assert turn["answer"] == "Not there."


def test_the_edges_look_at_passages_and_draft() -> None:
    assert found_passages({"passages": {"p": 1.0}})
    assert not found_passages({"passages": {}})
    assert not found_passages({})
    assert is_supported({"draft": draft_to_json(GOOD)})
    assert not is_supported({"draft": draft_to_json(NOTHING)})
    with pytest.raises(RuntimeError):
        is_supported({})
