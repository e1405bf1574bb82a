"""Tuning: halves that share no note, and a search that changes only what gains."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals import Case, ExpectedPassage
from evals.tuning import explore, split

SPACE = {"a": ["1", "2", "3"], "b": ["1", "2", "3"], "idle": ["1", "2"]}


def case(number: int, note: str) -> Case:
    passages = (ExpectedPassage(source=note, text="", lines=(1,)),) if note else ()
    return Case(id=f"case-{number}", question="?", passages=passages, answerable=bool(note))


@given(notes=st.lists(st.sampled_from(["", *(f"{letter}.md" for letter in "abcdefgh")]), max_size=60))
def test_the_halves_share_no_note_and_miss_none(notes: list[str]) -> None:
    cases = [case(number, note) for number, note in enumerate(notes)]
    here, there = split(cases)
    assert not here & there
    assert here | there == {each.cluster for each in cases}
    assert (here, there) == split(cases[::-1])


def test_both_halves_have_about_as_many_cases_of_either_kind() -> None:
    cases = [case(n, f"{n % 10}.md") for n in range(100)] + [case(n, "") for n in range(100, 120)]
    here, _ = split(cases)
    known = [each for each in cases if each.cluster in here]
    assert sum(each.answerable for each in known) == 50
    assert sum(not each.answerable for each in known) == 10


def test_repeats_of_a_case_stay_together() -> None:
    once = [case(n, "") for n in range(6)]
    here, there = split([each.again(turn) for each in once for turn in (1, 2, 3)])
    assert len(here) + len(there) == 6


def peak(values: Mapping[str, str]) -> float:
    return -abs(int(values.get("a", "0")) - 2) - abs(int(values.get("b", "0")) - 3)


def test_the_best_settings_are_found_and_what_is_idle_is_left_alone() -> None:
    for seed in range(5):
        best, tried = explore(SPACE, peak, trials=30, seed=seed)
        assert (best.values, best.score) == ({"a": "2", "b": "3"}, 0)
        assert tried[0].values == {}
        assert len({tuple(sorted(t.values.items())) for t in tried}) == len(tried)


def test_where_nothing_gains_nothing_is_changed() -> None:
    best, tried = explore(SPACE, lambda values: 1.0, trials=20)
    assert best.values == {}
    assert len(tried) <= 20


@pytest.mark.parametrize("trials", [1, 2, 7])
def test_no_more_is_tried_than_was_asked_for_but_to_change_back(trials: int) -> None:
    asked = []
    explore(SPACE, lambda values: asked.append(values) or peak(values), trials=trials)
    assert len(asked) <= trials + len(SPACE)


def test_the_same_seed_tries_the_same() -> None:
    assert explore(SPACE, peak, trials=12, seed=3) == explore(SPACE, peak, trials=12, seed=3)


def test_settings_without_a_score_never_win() -> None:
    best, _ = explore(SPACE, lambda values: float("-inf") if values else 0.0, trials=20)
    assert best.values == {}
