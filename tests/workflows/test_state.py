"""The state: reducers that do not care in which order updates come, and JSON all through."""

import json

from hypothesis import given
from hypothesis import strategies as st

from terakoya.types import Citation, Draft
from workflows.state import (
    add_up,
    append_turns,
    citation_from_json,
    citation_to_json,
    draft_from_json,
    draft_to_json,
    history_of,
    merge_names,
    merge_scores,
    ranked,
)

SCORES = st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1), max_size=6)
TURNS = st.lists(
    st.fixed_dictionaries({"question": st.text(max_size=3), "answer": st.text(max_size=3)}), max_size=3
)
CITATIONS = st.builds(
    Citation,
    marker=st.integers(1, 9),
    passage_id=st.text(max_size=4),
    source=st.text(max_size=4),
    heading=st.lists(st.text(max_size=4), max_size=3).map(tuple),
    start_line=st.integers(1, 99),
    end_line=st.integers(1, 99),
    start=st.integers(0, 999),
    end=st.integers(0, 999),
    quote=st.text(max_size=9),
)
DRAFTS = st.builds(
    Draft,
    text=st.text(max_size=9),
    answered=st.booleans(),
    citations=st.lists(CITATIONS, max_size=3).map(tuple),
    model=st.text(max_size=4),
    confidence=st.floats(0, 1),
    usage=st.dictionaries(st.sampled_from(["input", "output"]), st.integers(0, 99)),
)


def union(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    return {key: max(d[key] for d in (one, other) if key in d) for key in {**one, **other}}


@given(SCORES, SCORES, SCORES)
def test_scores_merged_one_after_the_other_equal_scores_merged_at_once(
    s: dict[str, float], xs: dict[str, float], ys: dict[str, float]
) -> None:
    assert merge_scores(merge_scores(s, xs), ys) == merge_scores(s, union(xs, ys))


@given(SCORES, SCORES, SCORES)
def test_the_order_in_which_scores_come_does_not_count(
    s: dict[str, float], xs: dict[str, float], ys: dict[str, float]
) -> None:
    assert merge_scores(merge_scores(s, xs), ys) == merge_scores(merge_scores(s, ys), xs)


@given(SCORES, SCORES)
def test_merging_the_same_scores_again_changes_nothing(s: dict[str, float], xs: dict[str, float]) -> None:
    once = merge_scores(s, xs)
    assert merge_scores(once, xs) == once
    assert merge_scores(once, {}) == once


@given(SCORES)
def test_none_empties_the_passages(s: dict[str, float]) -> None:
    assert merge_scores(s, None) == {}
    assert merge_scores(None, s) == s


@given(SCORES, SCORES)
def test_reducers_leave_what_they_are_given_as_it_is(s: dict[str, float], xs: dict[str, float]) -> None:
    before = dict(s), dict(xs)
    merge_scores(s, xs)
    assert (s, xs) == before


@given(TURNS, TURNS, TURNS)
def test_turns_appended_one_after_the_other_equal_turns_appended_at_once(s, xs, ys) -> None:
    assert append_turns(append_turns(s, xs), ys) == append_turns(s, xs + ys)


NAMES = st.lists(st.text(max_size=2), max_size=4)
SPENT = st.dictionaries(st.sampled_from(["rounds", "calls"]), st.integers(0, 9))


@given(NAMES, NAMES, NAMES)
def test_names_may_come_at_once_one_after_the_other_in_any_order_and_again(s, xs, ys) -> None:
    assert merge_names(merge_names(s, xs), ys) == merge_names(s, xs + ys)
    assert merge_names(merge_names(s, xs), ys) == merge_names(merge_names(s, ys), xs)
    assert merge_names(merge_names(s, xs), xs) == merge_names(s, xs)
    assert merge_names(s, None) == []


@given(SPENT, SPENT, SPENT)
def test_what_was_spent_adds_up_in_any_order(s, xs, ys) -> None:
    assert add_up(add_up(s, xs), ys) == add_up(s, add_up(xs, ys)) == add_up(add_up(s, ys), xs)
    assert add_up(s, {}) == s
    assert add_up(s, None) == {}


@given(SCORES)
def test_passages_are_ranked_by_score_and_ties_by_id(scores: dict[str, float]) -> None:
    order = ranked({"passages": scores})
    assert sorted(order) == sorted(scores)
    assert [(-scores[p], p) for p in order] == sorted((-scores[p], p) for p in order)


@given(DRAFTS)
def test_a_draft_survives_json(draft: Draft) -> None:
    assert draft_from_json(json.loads(json.dumps(draft_to_json(draft)))) == draft


@given(CITATIONS)
def test_a_citation_survives_json(citation: Citation) -> None:
    assert citation_from_json(json.loads(json.dumps(citation_to_json(citation)))) == citation


def test_the_history_is_what_was_asked_and_answered() -> None:
    turns = [{"question": "q", "answer": "a", "standalone": "s"}, {"question": "q2", "answer": "a2"}]
    assert [(t.question, t.answer, t.standalone) for t in history_of({"turns": turns})] == [
        ("q", "a", "s"),
        ("q2", "a2", ""),
    ]
    assert history_of({}) == ()
