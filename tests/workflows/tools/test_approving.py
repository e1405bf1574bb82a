import subprocess
import sys
from contextlib import closing
from typing import Annotated, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph

from app.deciding import nobody
from app.intents import SqliteIntents
from app.threads import Threads
from app.tracing import NoTracer
from terakoya.types import Decision, ToolResult
from tests.workflows.tools.dying import PUT, make_graph
from workflows.tools.approving import stream_asking
from workflows.tools.calls import merge_calls
from workflows.tools.graph import build_tools_graph
from workflows.tools.nodes import ToolParts
from workflows.tools.testing import ScriptedTool, ScriptedToolbox

CONFIG = {"configurable": {"thread_id": "t"}}
ASKED = {"question": '@shelf.put {"n": 1}', "trace_id": "trace"}


class Whole(TypedDict, total=False):
    question: str
    trace_id: str
    draft: dict | None
    passages: dict
    tool_calls: Annotated[dict, merge_calls]


@pytest.fixture
def whole(tmp_path, server):
    """A graph that has the tools as one node, over the checkpoints of a file or a server, and its tool."""
    tool = ScriptedTool(name="shelf__put", server="shelf", changes=True, asks=True)
    parts = ToolParts(
        toolbox=ScriptedToolbox(made=[tool]),
        intents=SqliteIntents(tmp_path / "threads.sqlite"),
        tracer=NoTracer(),
    )
    graph = StateGraph(Whole)
    graph.add_node("tools", build_tools_graph(parts))
    graph.add_edge(START, "tools")
    graph.add_edge("tools", END)
    with closing(Threads(tmp_path / "threads.sqlite", server=server)) as threads:
        yield graph.compile(checkpointer=threads.saver), tool


@pytest.mark.parametrize("durability", ["exit", "async", "sync"])
def test_a_mounted_graph_is_streamed_through_its_approval(whole, durability):
    graph, tool = whole
    asked = []

    def decide(approval):
        asked.append(approval)
        assert graph.get_state(CONFIG).next == ("tools",), "the checkpoint is there while a person thinks"
        return Decision(verdict="edit", arguments={"n": 2})

    events = list(
        stream_asking(
            graph, ASKED, CONFIG, decide=decide, durability=durability, stream_mode=["updates", "values"]
        )
    )
    assert [a.call.arguments for a in asked] == [{"n": 1}]
    assert tool.called == [{"n": 2}]
    assert not any("__interrupt__" in event for _, event in events)
    assert events[-1][1]["draft"]["answered"]


def test_where_nobody_can_be_asked_nothing_is_changed(whole):
    graph, tool = whole
    list(stream_asking(graph, ASKED, CONFIG, decide=nobody, stream_mode=["updates"]))
    assert tool.called == []
    assert "nobody" in graph.get_state(CONFIG).values["draft"]["text"]


def test_another_question_leaves_a_call_that_waits_unmade(whole):
    graph, tool = whole
    tool.results = [ToolResult(text="second")]
    list(graph.stream(ASKED, CONFIG, durability="exit"))
    again = {"question": '@shelf.put {"n": 7}', "trace_id": "other"}
    list(
        stream_asking(
            graph, again, CONFIG, decide=lambda a: Decision(verdict="approve"), stream_mode=["updates"]
        )
    )
    assert tool.called == [{"n": 7}]


@pytest.mark.parametrize(("verdict", "lines"), [("refuse", 1), ("approve", 2)])
def test_a_process_killed_in_the_effect_asks_before_it_is_made_again(tmp_path, verdict, lines):
    effects = tmp_path / "effects.txt"
    process = subprocess.run(
        [sys.executable, "-m", "tests.workflows.tools.dying", str(tmp_path)],
        timeout=120,
        check=False,
        capture_output=True,
    )
    assert process.returncode == -9, process.stderr.decode()
    assert effects.read_text() == "put\n"
    asked = []

    def decide(approval):
        asked.append(approval.reason)
        return Decision(verdict=verdict)

    with make_graph(tmp_path, die=False) as graph:
        list(stream_asking(graph, None, CONFIG, decide=decide, stream_mode=["updates"]))
        assert graph.get_state(CONFIG).next == ()
    assert asked == ["uncertain"]
    assert effects.read_text() == "put\n" * lines
    assert PUT == "shelf__put"
