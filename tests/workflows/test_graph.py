"""The graph: every edge is walked, and a thread remembers."""

import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from app.threads import Threads
from app.tracing import NoTracer
from terakoya.errors import Busy, Cancelled, Unavailable
from terakoya.types import Draft, Fact, Filter, Ranking
from workflows.context import Context
from workflows.extractive import ExtractiveAnswerer
from workflows.graph import SECONDS, build_graph
from workflows.testing import ScriptedAnswerer, ScriptedRetriever, citation, passage
from workflows.tools.nodes import ToolParts
from workflows.tools.testing import RememberedIntents, ScriptedChooser, ScriptedTool, ScriptedToolbox

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
    graph: Any, question: str = "メンデルは何を育てた？", thread: str | None = None, effort: str = "normal"
) -> tuple[list[str], dict[str, Any], list[Any]]:
    """Names of the nodes on the way, the turn that came of it, and what was streamed."""
    config = {"configurable": {"thread_id": thread}} if thread else {}
    names, events, state = [], [], {}
    for mode, event in graph.stream(
        {"question": question, "effort": effort, "trace_id": "t"},
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


BEGIN = ["guard", "standalone", "plan", "retrieve", "grade"]
LITTLE = "遺伝の特徴は？"
"""A question that the passages hardly speak of; it has two other forms, its subject alone and in English."""
TWO = "メンデルは何を育てた？ エンドウは誰が育てた？"


def script(*drafts: Draft | Exception, name: str = "m") -> ScriptedAnswerer:
    return ScriptedAnswerer(name=name, drafts=list(drafts))


TOOLS = ToolParts(
    toolbox=ScriptedToolbox(made=[ScriptedTool(name="shelf__note", server="shelf")]),
    intents=RememberedIntents(),
    tracer=NoTracer(),
    chooser=ScriptedChooser(),
)
PATHS = {
    "answered": (script(GOOD), "メンデルは何を育てた？", [PEAS], [*BEGIN, "answer", "verify", "finish"]),
    "several things": (
        script(GOOD),
        TWO,
        [PEAS],
        ["guard", "standalone", "plan", *["retrieve"] * 3, "grade", "answer", "verify", "finish"],
    ),
    "nothing found, in a hurry": (script(), "メンデルは何を育てた？", [], [*BEGIN, "abstain"]),
    "other words": (
        script(GOOD),
        LITTLE,
        [PEAS],
        [*BEGIN, "rewrite", "retrieve", "retrieve", "grade", "answer", "verify", "finish"],
    ),
    "no other words": (script(GOOD), "歯車？", [PEAS], [*BEGIN, "rewrite", "answer", "verify", "finish"]),
    "nothing in any words": (script(), "歯車？", [], [*BEGIN, "rewrite", "abstain"]),
    "declined": (script(DECLINED), "メンデルは何を育てた？", [PEAS], [*BEGIN, "answer", "verify", "abstain"]),
    "invented": (script(INVENTED), "メンデルは何を育てた？", [PEAS], [*BEGIN, "answer", "verify", "abstain"]),
    "small talk": (script(), "こんにちは", [PEAS], ["guard", "standalone", "talk"]),
    "a tool": (script(), "@shelf.note {}", [PEAS], ["guard", "standalone", "tools", "finish"]),
    "a tool that cannot be called": (
        script(),
        "@shelf.note {oops}",
        [PEAS],
        ["guard", "standalone", "tools", "abstain"],
    ),
    "no tool that fits, in a hurry": (
        script(GOOD),
        "メンデルは shelf に何を育てた？",
        [PEAS],
        ["guard", "standalone", "tools", *BEGIN[2:], "answer", "verify", "finish"],
    ),
    "memory": (script(), "鍵は机の中だと覚えておいて", [PEAS], ["guard", "standalone", "memory"]),
}


class NoMemory:
    """Keeps nothing."""

    def facts(self) -> list[Fact]:
        return []

    def keep(self, text: str, *, key: str) -> Fact:
        return Fact(id=1, text=text, created="")


@pytest.mark.parametrize("name", PATHS)
def test_every_path_is_the_one_of_its_name(parts, name: str) -> None:
    answerer, question, known, path = PATHS[name]
    effort = "fast" if "hurry" in name else "normal"
    given = parts(ScriptedRetriever(known=known), answerer, memory=NoMemory(), tools=TOOLS)
    names, turn, _ = walk(build_graph(given), question, effort=effort)
    assert names == path
    assert turn["answered"] is (path[-1] == "finish")
    assert "豆" not in turn["answer"]


def test_a_second_answer_is_the_model_s_or_the_notes_own(parts) -> None:
    unsaid = passage("ほかのことが書いてある。", id="p2")
    retriever = ScriptedRetriever(known=[PEAS, unsaid])
    for model, asked in (
        (script(INVENTED, GOOD, name="model"), 2),
        (script(INVENTED, INVENTED, name="model"), 2),
    ):
        graph = build_graph(parts(retriever, model, script(GOOD)))
        names, turn, _ = walk(graph, "メンデルが育てたエンドウは？")
        assert names[:6] == [*BEGIN, "answer"]
        assert names[6:9] == ["verify", "answer", "verify"]
        assert (names[-1], turn["answered"], len(model.asked)) == ("finish", True, asked)
        assert model.asked[1].passages == (PEAS,)


def test_the_table_leaves_out_no_node_and_no_edge(parts) -> None:
    graph = build_graph(parts(ScriptedRetriever(), script(), tools=TOOLS))
    drawn = graph.get_graph()
    assert {node for path in PATHS.values() for node in path[3]} == set(drawn.nodes) - {
        "__start__",
        "__end__",
        "__default_error_handler__",
    }
    walked = {("verify", "answer")}  # by the test of the second answer
    for *_, path in PATHS.values():
        steps = ["__start__", *path, "__end__"]
        walked |= {(a, b) for a, b in pairwise(steps) if (a, b) != ("retrieve", "retrieve")}
    assert walked == {(edge.source, edge.target) for edge in drawn.edges}


def test_the_parts_of_a_question_are_retrieved_for_and_merged(parts) -> None:
    darwin = passage("ダーウィンは1809年に生まれた。", id="p2")
    first, second = "メンデルは何を育てた？", "ダーウィンはいつ生まれた？"
    both = f"{first} {second}"
    retriever = ScriptedRetriever(known=[PEAS, darwin], found={both: ["p1"], first: ["p1"], second: ["p2"]})
    answerer = script(GOOD)
    walk(build_graph(parts(retriever, answerer)), both)
    assert sorted(query for query, _ in retriever.asked) == sorted([both, first, second])
    assert set(answerer.asked[0].passages) == {PEAS, darwin}


@pytest.mark.parametrize(("effort", "searches"), [("fast", 1), ("normal", 3), ("deep", 3)])
def test_the_budget_of_the_effort_ends_the_search_for_other_words(parts, effort: str, searches: int) -> None:
    retriever = ScriptedRetriever(known=[PEAS])
    walk(build_graph(parts(retriever, script(GOOD))), LITTLE, effort=effort)
    assert len(retriever.asked) == searches


def test_what_is_said_in_the_other_language_is_searched_for_in_its_words(parts) -> None:
    court = passage("最高裁判所の裁判官は15人。", id="p3")
    asked, translated = "How many judges sit on the Supreme Court?", "裁判官 最高裁判所 裁判所"
    retriever = ScriptedRetriever(known=[PEAS, court], found={asked: ["p1"], translated: ["p3"]})
    answerer = script(GOOD)
    walk(build_graph(parts(retriever, answerer)), asked)
    assert court in answerer.asked[0].passages


class Failing(ScriptedRetriever):
    """Fails as often as it is told to, then works."""

    errors: list[Exception]

    def search(self, query: str, *, k: int = 10, filter: Filter | None = None) -> Ranking:
        if self.errors:
            raise self.errors.pop(0)
        return super().search(query, k=k, filter=filter)


def failing(*errors: Exception) -> Failing:
    retriever = Failing(known=[PEAS])
    retriever.errors = list(errors)
    return retriever


def test_a_store_that_is_busy_for_a_moment_is_asked_again(parts) -> None:
    names, turn, _ = walk(build_graph(parts(failing(Busy("store_busy", path="s")), script(GOOD))))
    assert (names[-1], turn["answered"]) == ("finish", True)


@pytest.mark.parametrize("error", [Unavailable("store_damaged", path="s", reason="r"), KeyError("oops")])
def test_whatever_a_node_raises_ends_the_run_with_its_name_and_the_thread_goes_on(parts, error) -> None:
    retriever = failing(error)
    graph = build_graph(parts(retriever, script(GOOD)), InMemorySaver())
    context = Context()
    config: Any = {"configurable": {"thread_id": "t"}}
    graph.invoke({"question": "メンデルは？", "effort": "normal", "trace_id": "a"}, config, context=context)
    assert context.failure is error
    state = graph.get_state(config)
    code = error.key if isinstance(error, Unavailable) else "internal"
    assert (state.values["failure"], state.next) == ({"step": "retrieve", "code": code}, ())
    names, turn, _ = walk(graph, thread="t")
    assert (names[-1], turn["answered"]) == ("finish", True)


def test_a_cancelled_run_ends_within_its_step(parts) -> None:
    stop = threading.Event()

    class Endless(ScriptedRetriever):
        def search(self, query: str, *, k: int = 10, filter: Filter | None = None) -> Ranking:
            stop.set()
            released.wait(60)
            return super().search(query, k=k, filter=filter)

    released = threading.Event()
    context = Context(cancelled=stop.is_set)
    graph = build_graph(parts(Endless(known=[PEAS]), script(GOOD)))
    try:
        graph.invoke({"question": "メンデルは？", "effort": "normal", "trace_id": "a"}, context=context)
    finally:
        released.set()
    assert isinstance(context.failure, Cancelled)


def test_a_step_that_takes_too_long_is_given_up_by_name(parts, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    class Hanging(ScriptedRetriever):
        def search(self, query: str, *, k: int = 10, filter: Filter | None = None) -> Ranking:
            released.wait(60)
            return super().search(query, k=k, filter=filter)

    monkeypatch.setattr("workflows.graph.SECONDS", dict.fromkeys(SECONDS, 0.05))
    context = Context()
    try:
        build_graph(parts(Hanging(known=[PEAS]), script(GOOD))).invoke(
            {"question": "メンデルは？", "effort": "normal", "trace_id": "a"}, context=context
        )
    finally:
        released.set()
    assert isinstance(context.failure, Unavailable)
    assert context.failure.values["step"] == "retrieve"


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
    asked = [query for query, _ in retriever.asked]
    assert (asked[0], filled in asked) == (first, True)


def test_threads_do_not_hear_one_another(parts, tmp_path: Path) -> None:
    retriever = ScriptedRetriever(known=[PEAS])
    threads = Threads(tmp_path / "threads.sqlite")
    graph = build_graph(parts(retriever, ScriptedAnswerer(drafts=[GOOD, GOOD])), threads.saver)
    walk(graph, "光合成とは何ですか？", "one")
    walk(graph, "それの欠点は？", "other")
    assert "それの欠点は？" in [query for query, _ in retriever.asked]
    threads.close()


def test_what_a_model_took_to_choose_a_tool_counts_once(parts) -> None:
    graph = build_graph(parts(ScriptedRetriever(known=[PEAS]), script(GOOD), script(GOOD), tools=TOOLS))
    spent = [
        dict(state["spent"])
        for state in graph.stream(
            {"question": "メンデルは shelf に何を育てた？", "effort": "normal"}, stream_mode="values"
        )
        if state.get("spent")
    ]
    assert spent[0] == {"calls": 1, "tokens": 10}
    assert (spent[-1]["calls"], spent[-1]["tokens"], spent[-1]["answers"]) == (2, 10, 1)
