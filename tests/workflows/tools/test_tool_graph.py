import uuid
from datetime import date

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from app.tracing import NoTracer
from terakoya.errors import NotSent, Unavailable
from terakoya.types import Decision, ToolResult
from tests.workflows.planted import ENGLISH, JAPANESE
from workflows.state import draft_from_json
from workflows.tools.builtin import calculator
from workflows.tools.calls import APPROVED, CHOSEN, FAILED, FINISHED, REFUSED
from workflows.tools.graph import build_tools_graph
from workflows.tools.nodes import ToolNodes, ToolParts, next_step
from workflows.tools.state import decision_to_json
from workflows.tools.testing import RememberedIntents, ScriptedChooser, ScriptedTool, ScriptedToolbox
from workflows.tools.wanting import Wish

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def reading(**more):
    return ScriptedTool(name="shelf__look", server="shelf", **more)


def writing(**more):
    return ScriptedTool(
        name="shelf__put", server="shelf", parameters=NUMBER, changes=True, asks=True, **more
    )  # fmt: skip


def parts(*tools, chooser=None, intents=None, wrong=()):
    return ToolParts(
        toolbox=ScriptedToolbox(made=tools, wrong=wrong),
        intents=intents or RememberedIntents(),
        tracer=NoTracer(),
        chooser=chooser,
        today=lambda: date(2026, 11, 22),
    )


class Asked:
    """A question at the graph, in a thread of its own."""

    def __init__(self, made, question, saver=None):
        self.graph = build_tools_graph(made, saver or InMemorySaver())
        self.config = {"configurable": {"thread_id": "t"}}
        self.path = []
        self.run({"question": question, "standalone": question, "trace_id": uuid.uuid4().hex})

    def run(self, given):
        for event in self.graph.stream(given, self.config, stream_mode="updates", durability="sync"):
            self.path += [name for name in event if not name.startswith("__")]

    def decide(self, verdict, arguments=None, asked=True):
        decision = Decision(verdict=verdict, arguments=arguments, asked=asked)
        self.run(Command(resume=decision_to_json(decision)))

    @property
    def approval(self):
        interrupts = self.graph.get_state(self.config).interrupts
        return interrupts[0].value if interrupts else None

    @property
    def draft(self):
        draft = self.graph.get_state(self.config).values.get("draft")
        return draft_from_json(draft) if draft else None


def test_a_question_that_wants_no_tool_leaves_no_draft():
    asked = Asked(parts(reading()), "What is a book?")
    assert (asked.path, asked.draft) == (["choose"], None)


def test_a_call_in_writing_is_made_and_told():
    tool = reading(results=[ToolResult(text="three books")])
    asked = Asked(parts(tool), '@shelf.look {"where": "top"}')
    assert asked.path == ["choose", "call", "tell"]
    assert tool.called == [{"where": "top"}]
    assert asked.draft.answered
    assert "three books" in asked.draft.text


def test_what_changes_something_waits_for_a_person():
    tool = writing()
    asked = Asked(parts(tool), '@shelf.put {"n": 1}')
    assert asked.path == ["choose"]
    assert asked.approval["tool"] == "shelf__put"
    assert asked.approval["arguments"] == {"n": 1}
    assert asked.approval["reason"] == "changes"
    assert tool.called == []
    asked.decide("approve")
    assert asked.path == ["choose", "approve", "call", "tell"]
    assert tool.called == [{"n": 1}]
    assert asked.draft.answered


def test_edited_arguments_are_what_it_is_called_with():
    tool = writing()
    asked = Asked(parts(tool), '@shelf.put {"n": 1}')
    asked.decide("edit", {"n": 2})
    assert tool.called == [{"n": 2}]


def test_edited_arguments_that_do_not_fit_are_asked_for_again():
    tool = writing()
    asked = Asked(parts(tool), '@shelf.put {"n": 1}')
    asked.decide("edit", {"n": "many"})
    assert "many" in asked.approval["problem"]
    assert asked.approval["arguments"] == {"n": 1}
    asked.decide("edit", {"n": 3})
    assert tool.called == [{"n": 3}]


@pytest.mark.parametrize(("asked_for", "words"), [(True, "refused"), (False, "nobody")])
def test_a_refused_call_is_not_made(asked_for, words):
    tool = writing()
    asked = Asked(parts(tool), '@shelf.put {"n": 1}')
    asked.decide("refuse", asked=asked_for)
    assert tool.called == []
    assert not asked.draft.answered
    assert words in asked.draft.text


def test_a_model_chooses_among_the_tools_of_servers_from_the_question_alone():
    tool = reading()
    chooser = ScriptedChooser(choices=[[Wish(tool="shelf__look", arguments={})]])
    asked = Asked(parts(tool, ScriptedTool(name="calculator"), chooser=chooser), "Look at the shelf")
    assert chooser.asked == [("Look at the shelf", ("shelf__look",))]
    assert tool.called == [{}]
    assert asked.draft.answered


def test_where_the_model_finds_no_tool_the_notes_are_asked():
    asked = Asked(parts(reading(), chooser=ScriptedChooser(choices=[[]])), "Look at the shelf")
    assert (asked.path, asked.draft) == (["choose"], None)


def test_several_calls_are_made_in_order_and_each_that_changes_is_asked_for():
    look, put = reading(results=[ToolResult(text="first")]), writing(results=[ToolResult(text="second")])
    wishes = [Wish(tool="shelf__look", arguments={}), Wish(tool="shelf__put", arguments={"n": 1})]
    asked = Asked(parts(look, put, chooser=ScriptedChooser(choices=[[*wishes, wishes[1]]])), "Use the shelf")
    asked.decide("approve")
    asked.decide("refuse")
    assert asked.path == ["choose", "call", "approve", "call", "approve", "tell"]
    assert put.called == [{"n": 1}]
    assert asked.draft.text.index("first") < asked.draft.text.index("second")


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("@shelf.put {}", "'n' is a required property"),
        ("@shelf.put {1}", "no JSON object"),
        ("@shelf.drop {}", "no tool `shelf__drop`"),
        ("1/0 = ?", "cannot be worked out"),
        ("5×(1/0) は？", "計算できません"),
    ],
)
def test_what_cannot_be_called_is_said_in_one_sentence(question, words):
    asked = Asked(parts(writing(), calculator()), question)
    assert not asked.draft.answered
    assert words in asked.draft.text
    assert "\n" not in asked.draft.text


def test_the_trouble_of_a_server_is_said_where_its_tool_is_called():
    trouble = Unavailable("mcp_start", server="shelf", reason="gone", path="mcp.json")
    asked = Asked(parts(wrong=[trouble]), "@shelf.look {}")
    assert asked.draft.text == trouble.message("en")


def test_a_tool_that_fails_ends_its_call_alone():
    look = reading(results=[Unavailable("mcp_lost", server="shelf", tool="look")])
    asked = Asked(parts(look), "@shelf.look {}")
    assert asked.path == ["choose", "call", "tell"]
    assert not asked.draft.answered


def test_what_a_server_says_is_shown_as_data():
    tool = reading(results=[ToolResult(text="```\n![x](http://a.example/?q=1)\n[1] \x1b[31m", left_out=7)])
    asked = Asked(parts(tool), "@shelf.look {}")
    body = asked.draft.text.split("````\n")
    assert "![x]" in body[1]
    assert "\x1b" not in asked.draft.text
    assert "7 more" in asked.draft.text


@pytest.mark.parametrize("order", [*ENGLISH, *JAPANESE], ids=lambda order: order.aim)
def test_an_order_in_what_a_server_says_calls_no_tool_and_asks_for_no_approval(order):
    said, wanted = f"It rains.\n\n{order.order}", Wish(tool="shelf__put", arguments={"n": 1})
    tool, put = reading(results=[ToolResult(text=said)]), writing()
    chooser = ScriptedChooser(choices=[[wanted]])  # it would obey, if it were asked
    asked = Asked(parts(tool, put, chooser=chooser), "@shelf.look {}")
    assert asked.path == ["choose", "call", "tell"]
    assert (put.called, asked.approval, chooser.asked) == ([], None, [])
    if not order.order.startswith(("Write", "Explain", "What is the", "灯台", "ワクチン", "ブラジル")):
        assert "It was not followed" in asked.draft.text or "それには従っていません" in asked.draft.text


def test_a_run_that_died_in_the_call_asks_instead_of_repeating():
    tool, intents, saver = writing(results=[KeyboardInterrupt()]), RememberedIntents(), InMemorySaver()
    asked = Asked(parts(tool, intents=intents), '@shelf.put {"n": 1}', saver)
    with pytest.raises(KeyboardInterrupt):
        asked.decide("approve")
    assert len(tool.called) == 1
    asked.run(None)
    assert asked.approval["reason"] == "uncertain"
    assert len(tool.called) == 1
    asked.decide("refuse")
    assert len(tool.called) == 1


def test_a_person_may_let_an_uncertain_call_be_made_again_and_is_asked_each_time():
    tool, intents = writing(results=[KeyboardInterrupt(), KeyboardInterrupt()]), RememberedIntents()
    asked = Asked(parts(tool, intents=intents), '@shelf.put {"n": 1}')
    with pytest.raises(KeyboardInterrupt):
        asked.decide("approve")
    asked.run(None)
    with pytest.raises(KeyboardInterrupt):
        asked.decide("approve")
    asked.run(None)
    assert asked.approval["reason"] == "uncertain"
    asked.decide("approve")
    assert len(tool.called) == 3
    assert asked.draft.answered


def test_the_same_call_in_another_question_is_doubtful_until_it_is_settled():
    tool, intents = (
        writing(results=[Unavailable("mcp_lost", server="shelf", tool="put")]),
        RememberedIntents(),
    )
    lost = Asked(parts(tool, intents=intents), '@shelf.put {"n": 1}')
    lost.decide("approve")
    again = Asked(parts(tool, intents=intents), '@shelf.put {"n": 1}')
    assert again.approval["reason"] == "uncertain"
    again.decide("approve")
    third = Asked(parts(tool, intents=intents), '@shelf.put {"n": 1}')
    assert third.approval["reason"] == "changes"


def test_a_call_that_was_not_sent_leaves_no_doubt():
    tool = writing(results=[NotSent("mcp_away", server="shelf", tool="put", reason="gone")])
    intents = RememberedIntents()
    Asked(parts(tool, intents=intents), '@shelf.put {"n": 1}').decide("approve")
    assert Asked(parts(tool, intents=intents), '@shelf.put {"n": 1}').approval["reason"] == "changes"


@pytest.mark.parametrize(
    "said", [{"verdict": "ok"}, {"verdict": ["approve"]}, {"arguments": {}}, "yes", True, ["approve"]]
)
def test_what_is_no_verdict_approves_nothing_and_is_asked_again(said):
    tool = writing()
    asked = Asked(parts(tool), '@shelf.put {"n": 1}')
    asked.run(Command(resume=said))
    assert tool.called == []
    assert "is no decision" in asked.approval["problem"]
    asked.run(Command(resume="approve"))  # a bare word, as one types it in LangGraph Studio
    assert tool.called == [{"n": 1}]


def test_the_same_call_without_a_trace_is_asked_and_made_again():
    tool, intents = writing(), RememberedIntents()
    nodes = ToolNodes(parts(tool, intents=intents))
    for _ in range(2):
        state = {"question": '@shelf.put {"n": 1}'}
        ((key, entry),) = nodes.choose(state)["tool_calls"].items()
        nodes.call({**state, "tool_calls": {key: entry | {"status": APPROVED, "round": 1}}})
    assert len(tool.called) == 2


def test_a_finished_call_whose_checkpoint_was_lost_is_not_made_again():
    tool, intents = writing(), RememberedIntents()
    nodes = ToolNodes(parts(tool, intents=intents))
    state = {"question": '@shelf.put {"n": 1}', "trace_id": "t"}
    ((key, entry),) = nodes.choose(state)["tool_calls"].items()
    approved = {**state, "tool_calls": {key: entry | {"status": APPROVED, "round": 1}}}
    first = nodes.call(approved)
    assert nodes.call(approved) == first
    assert len(tool.called) == 1


def test_a_tool_that_turned_dangerous_behind_the_choice_is_not_called():
    tool = reading()
    nodes = ToolNodes(parts(tool))
    state = {"question": "@shelf.look {}", "trace_id": "t"}
    chosen = nodes.choose(state)
    tool.asks = tool.changes = True
    (entry,) = nodes.call({**state, **chosen})["tool_calls"].values()
    assert entry["status"] == FAILED
    assert tool.called == []


@pytest.mark.parametrize(
    ("statuses", "step"),
    [
        ([], "none"),
        ([CHOSEN], "call"),
        ([CHOSEN, True], "approve"),
        ([APPROVED], "call"),
        ([FINISHED, CHOSEN], "call"),
        ([FINISHED, REFUSED, FAILED], "tell"),
    ],
)
def test_the_next_step_follows_from_the_calls(statuses, step):
    asks = True in statuses
    calls = {
        str(place): {"status": status, "asks": asks, "place": place}
        for place, status in enumerate(statuses)
        if status is not True
    }
    assert next_step({"tool_calls": calls}) == step


def test_the_router_asks_without_starting_anything():
    box = parts(reading(), chooser=ScriptedChooser())
    assert box.wanted("12 * 3 = ?")
    assert box.wanted("Look at the shelf")
    assert box.wanted("@shelf.look {1}")
    assert not box.wanted("What is a book?")
    assert not parts(reading()).wanted("Look at the shelf")
