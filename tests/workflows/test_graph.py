"""The graph: every edge is walked, and a thread remembers."""

from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from app.threads import Threads
from terakoya.catalogue import text as sentence
from terakoya.errors import Unavailable
from terakoya.types import Draft
from workflows.extractive import ExtractiveAnswerer
from workflows.graph import build_graph
from workflows.testing import ScriptedAnswerer, ScriptedRetriever, citation, passage

PEAS = passage("メンデルはエンドウを育てた。", id="p1")
GOOD = Draft(
    text="エンドウ [1]。",
    answered=True,
    citations=(citation(PEAS, "メンデルはエンドウを育てた。"),),
    model="m",
)
INVENTED = Draft(
    text="豆 [1]。", answered=True, citations=(citation(passage("豆", id="p1"), "豆"),), model="m"
)
DECLINED = Draft(text="ありません。", answered=False, citations=(), model="m")


def walk(
    graph: Any, question: str = "何を育てた？", thread: str | None = None
) -> tuple[list[str], dict[str, Any], list[Any]]:
    """Names of the nodes on the way, the turn that came of it, and what was streamed."""
    config = {"configurable": {"thread_id": thread}} if thread else {}
    names, events, state = [], [], {}
    for mode, event in graph.stream(
        {"question": question, "effort": "normal", "trace_id": "t"},
        config,
        stream_mode=["updates", "custom", "values"],
    ):
        if mode == "updates":
            names += event
        elif mode == "custom":
            events.append(event)
        else:
            state = event
    return names, state["turns"][-1], events


def test_an_answer_that_stands_in_the_notes_is_finished(parts) -> None:
    graph = build_graph(parts(ScriptedRetriever(known=[PEAS]), ScriptedAnswerer(drafts=[GOOD])))
    names, turn, _ = walk(graph)
    assert names == ["standalone", "retrieve", "answer", "verify", "finish"]
    assert (turn["answered"], turn["answer"]) == (True, "エンドウ [1]。")


def test_without_passages_no_answerer_is_asked(parts) -> None:
    answerer = ScriptedAnswerer(drafts=[GOOD])
    names, turn, _ = walk(build_graph(parts(ScriptedRetriever(), answerer)))
    assert names == ["standalone", "retrieve", "abstain"]
    assert (turn["answered"], answerer.asked) == (False, [])
    assert turn["answer"] == sentence("answer.nothing", language="ja")


@pytest.mark.parametrize("draft", [INVENTED, DECLINED])
def test_what_nothing_supports_is_not_answered(parts, draft: Draft) -> None:
    graph = build_graph(parts(ScriptedRetriever(known=[PEAS]), ScriptedAnswerer(drafts=[draft])))
    names, turn, _ = walk(graph)
    assert names == ["standalone", "retrieve", "answer", "verify", "abstain"]
    assert turn["answered"] is False
    assert "豆" not in turn["answer"]


def test_when_the_model_fails_the_notes_are_quoted_instead(parts, analyser, read) -> None:
    passages = read("# 遺伝\n\nメンデルはエンドウを育てた。\n")
    failing = ScriptedAnswerer(name="model", drafts=[Unavailable("model_closed", path="m")], pieces=["豆"])
    graph = build_graph(parts(ScriptedRetriever(known=passages), failing, ExtractiveAnswerer(analyser)))
    names, turn, events = walk(graph, "メンデルが育てたのは？")
    assert names[-1] == "finish"
    assert (turn["model"], turn["citations"][0]["quote"]) == ("extractive", "メンデルはエンドウを育てた。")
    assert [e["type"] for e in events] == ["token", "notice", "replace", "token"]


def test_nothing_of_one_question_is_left_for_the_next(parts) -> None:
    retriever = ScriptedRetriever(known=[PEAS], found={"誰？": []})
    graph = build_graph(parts(retriever, ScriptedAnswerer(drafts=[GOOD])), InMemorySaver())
    walk(graph, thread="t")
    state = graph.get_state({"configurable": {"thread_id": "t"}}).values
    assert (state["passages"], state["draft"], len(state["turns"])) == ({}, None, 1)


@pytest.mark.parametrize(
    ("first", "follow_up", "filled"),
    [
        ("光合成とは何ですか？", "それの欠点は？", "光合成の欠点は？"),
        ("What is photosynthesis?", "What about its cost?", "What about photosynthesis's cost?"),
    ],
)
def test_a_thread_remembers_in_its_file_what_was_asked(
    parts, tmp_path: Path, first: str, follow_up: str, filled: str
) -> None:
    retriever = ScriptedRetriever(known=[PEAS])
    for question in (first, follow_up):  # opened anew each time, as by two commands
        threads = Threads(tmp_path / "threads.sqlite")
        try:
            walk(
                build_graph(parts(retriever, ScriptedAnswerer(drafts=[GOOD])), threads.saver), question, "t1"
            )
        finally:
            threads.close()
    assert [query for query, _ in retriever.asked] == [first, filled]


def test_threads_do_not_hear_one_another(parts, tmp_path: Path) -> None:
    retriever = ScriptedRetriever(known=[PEAS])
    threads = Threads(tmp_path / "threads.sqlite")
    graph = build_graph(parts(retriever, ScriptedAnswerer(drafts=[GOOD, GOOD])), threads.saver)
    walk(graph, "光合成とは何ですか？", "one")
    walk(graph, "それの欠点は？", "other")
    assert retriever.asked[-1][0] == "それの欠点は？"
    threads.close()
