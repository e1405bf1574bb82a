"""Ranking metrics against reference implementations: ir-measures (trec_eval's code behind it), and by hand."""

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR, P, R, nDCG

from evals import Case, ExpectedPassage, Observation
from evals.metrics import measure_case
from evals.targets.lines import passage_at
from terakoya.types import Hit

MEASURES = {
    "recall@1": R @ 1,
    "recall@5": R @ 5,
    "recall@10": R @ 10,
    "precision@5": P @ 5,
    "mrr@10": RR @ 10,
    "ndcg@10": nDCG @ 10,
}


def measured(grades: dict[str, int], ranking: list[str]) -> dict[str, float]:
    """Documents as notes of one line each."""
    passages = tuple(ExpectedPassage(source=d, text="x", lines=(1,), grade=g) for d, g in grades.items())
    hits = tuple(Hit(passage=passage_at(d, 1, 1, ""), score=1.0) for d in ranking)
    case = Case(id="c", question="q", passages=passages)
    return measure_case(Observation(case=case, notes={}, hits=hits, answered=True))


def reference(grades: dict[str, int], ranking: list[str]) -> dict[str, float]:
    run = {d: 100.0 - rank for rank, d in enumerate(ranking)} or {"none": 1.0}
    theirs = ir_measures.calc_aggregate(list(MEASURES.values()), {"q": grades}, {"q": run})
    return {name: theirs[measure] for name, measure in MEASURES.items()}


documents = st.integers(1, 25).map("d{}".format)
judgements = st.dictionaries(documents, st.integers(1, 3), min_size=1, max_size=15)
rankings = st.lists(documents, unique=True, max_size=10)


@given(grades=judgements, ranking=rankings)
def test_ranking_metrics_agree_with_ir_measures(grades: dict[str, int], ranking: list[str]) -> None:
    ours = measured(grades, ranking)
    assert {name: ours[name] for name in MEASURES} == pytest.approx(reference(grades, ranking))


def test_ndcg_of_the_example_of_its_paper_s_formula_by_hand() -> None:
    # grades 3, 2, 1; found: 2 at rank 1, nothing, 3 at rank 3
    value = measured({"a": 3, "b": 2, "c": 1}, ["b", "x", "a"])["ndcg@10"]
    gained = 2 / 1 + 3 / 2
    ideal = 3 / 1 + 2 / 1.5849625007 + 1 / 2
    assert value == pytest.approx(gained / ideal)


def seen(passages: list[tuple[str, int]], hits: list[tuple[str, int, int]]) -> dict[str, float]:
    case = Case(
        id="c",
        question="q",
        passages=tuple(ExpectedPassage(source=s, text="x", lines=(n,)) for s, n in passages),
    )
    found = tuple(Hit(passage=passage_at(*place, ""), score=1.0) for place in hits)
    return measure_case(Observation(case=case, notes={}, hits=found, answered=True))


def test_one_hit_on_all_passages_is_the_best_ranking() -> None:
    assert seen([("a", 1), ("a", 2), ("a", 3)], [("a", 1, 9)])["ndcg@10"] == 1.0


def test_a_second_hit_on_a_passage_gains_nothing() -> None:
    again = seen([("a", 1), ("b", 1)], [("a", 1, 3), ("a", 1, 1), ("b", 1, 1)])
    assert again["ndcg@10"] == pytest.approx((1 + 1 / 2) / (1 + 1 / 1.5849625007))


@given(
    passages=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(1, 9)), min_size=1, max_size=12, unique=True
    ),
    hits=st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 9), st.integers(0, 4)), max_size=12),
)
def test_every_ranking_metric_stays_between_nothing_and_all(
    passages: list[tuple[str, int]], hits: list[tuple[str, int, int]]
) -> None:
    values = seen(passages, [(source, start, start + more) for source, start, more in hits])
    names = (*MEASURES, "context_precision", "context_recall")
    assert all(0.0 <= values[name] <= 1.0 + 1e-12 for name in names)


def test_a_target_that_cannot_search_has_no_ranking_metric() -> None:
    case = Case(id="c", question="q", passages=(ExpectedPassage(source="a", text="x", lines=(1,)),))
    values = measure_case(Observation(case=case, notes={}, offers=frozenset({"ask"}), answered=True))
    assert not values.keys() & {*MEASURES, "context_precision", "context_recall"}


def test_a_question_that_rests_on_earlier_ones_has_no_ranking_metric() -> None:
    case = Case(
        id="c",
        question="And when?",
        earlier=("Who?",),
        passages=(ExpectedPassage(source="a", text="x", lines=(1,)),),
    )
    assert not measure_case(Observation(case=case, notes={}, answered=True)).keys() & {*MEASURES}
