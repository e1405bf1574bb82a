from hypothesis import given
from hypothesis import strategies as st

from terakoya.types import Approval, Citation, Decision, ToolCall, ToolResult
from workflows.tools.calls import APPROVED, CHOSEN, FAILED, FINISHED, REFUSED, call_id, merge_calls
from workflows.tools.state import (
    approval_from_json,
    approval_to_json,
    decision_from_json,
    decision_to_json,
    in_order,
    result_from_json,
    result_to_json,
)

entries = st.fixed_dictionaries(
    {
        "tool": st.sampled_from(["calculator", "memory__add"]),
        "arguments": st.dictionaries(st.sampled_from("ab"), st.integers(0, 3), max_size=2),
        "status": st.sampled_from([CHOSEN, APPROVED, REFUSED, FAILED, FINISHED]),
        "round": st.integers(0, 2),
        "place": st.integers(0, 2),
    }
)
calls = st.dictionaries(st.sampled_from(["c1", "c2", "c3"]), entries, max_size=3)


@given(calls, calls, calls)
def test_merging_calls_in_one_step_or_in_two_gives_the_same(state, xs, ys):
    assert merge_calls(merge_calls(state, xs), ys) == merge_calls(state, merge_calls(xs, ys))


@given(calls, calls)
def test_merging_calls_does_not_depend_on_their_order(xs, ys):
    assert merge_calls(xs, ys) == merge_calls(ys, xs)


@given(calls, calls)
def test_merging_the_same_calls_twice_changes_nothing(state, xs):
    once = merge_calls(state, xs)
    assert merge_calls(once, xs) == once


@given(calls)
def test_none_empties_the_calls(state):
    assert merge_calls(state, None) == {}


def test_a_call_never_goes_back_in_its_round():
    done = {"c": {"tool": "t", "arguments": {}, "status": FINISHED, "round": 0, "place": 0}}
    chosen = {"c": {**done["c"], "status": CHOSEN}}
    assert merge_calls(done, chosen) == done
    assert merge_calls(done, {"c": {**chosen["c"], "round": 1}})["c"]["status"] == CHOSEN


def test_calls_are_made_in_the_order_in_which_they_were_chosen():
    state = {"tool_calls": {"b": {"place": 0}, "a": {"place": 1}}}
    assert [key for key, _ in in_order(state)] == ["b", "a"]


def test_the_id_of_a_call_names_question_place_tool_and_arguments():
    base = call_id("t", 0, "add", {"a": 1, "b": 2})
    assert base == call_id("t", 0, "add", {"b": 2, "a": 1})
    others = [call_id("u", 0, "add", {"a": 1, "b": 2}), call_id("t", 1, "add", {"a": 1, "b": 2})]
    assert base not in [*others, call_id("t", 0, "add", {"a": 1}), call_id("t", 0, "\ud800", {})]


def test_results_approvals_and_decisions_come_back_from_json():
    citation = Citation(
        marker=1,
        passage_id="p",
        source="n.md",
        heading=("a",),
        start_line=1,
        end_line=1,
        start=0,
        end=1,
        quote="x",
    )
    result = ToolResult(text="x [1]", failed=True, left_out=3, citations=(citation,))
    call = ToolCall(id="c", tool="t", arguments={"名": [1, None]})
    approval = Approval(call=call, server="s", about="d", reason="uncertain", problem="p")
    decision = Decision(verdict="edit", arguments={"名": 2})
    assert result_from_json(result_to_json(result)) == result
    assert approval_from_json(approval_to_json(approval)) == approval
    assert decision_from_json(decision_to_json(decision)) == decision
