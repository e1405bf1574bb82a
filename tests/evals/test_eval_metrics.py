import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals import METRICS, Case, CaseResult, ExpectedPassage, Observation
from evals.metrics import measure_case
from evals.note import Note
from evals.targets.lines import passage_at
from evals.testing import cite
from terakoya.types import Citation, Hit

NOTE = Note.of(
    "a.md",
    "\n".join(
        [
            "An index makes <b>search</b> faster<br>",
            "- `<div>` is a block element",
            "```html",
            "<p>markup</p>",
            "```",
            "before <!-- one",
            "two --> after",
            "see <https://example.org> and <EOS>",
        ]
    ),
)
NOTES = {"a.md": NOTE, "scan.pdf": Note(source="scan.pdf", lines=())}


def hits(*places: tuple[str, int, int]) -> tuple[Hit, ...]:
    return tuple(Hit(passage=passage_at(*place, ""), score=1.0) for place in places)


def expecting(*places: tuple[str, int], texts: tuple[str, ...] = ()) -> Case:
    passages = tuple(ExpectedPassage(source=s, text="x", lines=(line,)) for s, line in places)
    return Case(id="c", question="q", passages=passages, expected=texts)


def measured(case: Case, **seen: object) -> dict[str, float]:
    return measure_case(Observation(case=case, notes=NOTES, **seen))  # type: ignore[arg-type]


def result(answerable: bool, answered: bool | None, latency: float | None = None) -> CaseResult:
    error = "gone" if answered is None else ""
    return CaseResult(
        id="c",
        question="q",
        answerable=answerable,
        answered=answered,
        cluster="c",
        latency_ms=latency,
        error=error,
    )


def suite_value(name: str, results: list[CaseResult]) -> float | None:
    return METRICS[name].measure(results)


def test_recall_is_the_share_of_expected_passages_among_the_first_hits() -> None:
    case = expecting(("a.md", 4), ("b.md", 9))
    ranking = hits(
        ("a.md", 1, 3), ("a.md", 4, 6), ("x.md", 9, 9), ("y.md", 1, 2), ("z.md", 1, 2), ("b.md", 9, 9)
    )
    values = measured(case, hits=ranking, answered=True)
    assert (values["recall@1"], values["recall@5"], values["recall@10"]) == (0.0, 0.5, 1.0)
    assert values["mrr@10"] == 0.5


def test_several_hits_on_one_passage_count_once() -> None:
    ranking = hits(("a.md", 1, 5), ("a.md", 4, 4), ("a.md", 2, 9))
    assert measured(expecting(("a.md", 4), ("b.md", 1)), hits=ranking, answered=True)["recall@5"] == 0.5


def test_nothing_found_has_recall_and_reciprocal_rank_zero() -> None:
    values = measured(expecting(("a.md", 4)), hits=(), answered=True)
    assert (values["recall@10"], values["mrr@10"]) == (0.0, 0.0)


def test_retrieval_metrics_do_not_apply_without_expected_passages() -> None:
    assert not {"recall@1", "recall@5", "recall@10", "mrr@10"} & measured(expecting(texts=("x",))).keys()


@pytest.mark.parametrize(
    ("citation", "valid"),
    [
        (cite("a.md", 1, 1, "An index makes search faster"), True),
        (cite("a.md", 1, 2, "faster\n- `<div>` is"), True),
        (cite("a.md", 4, 4, "<p>markup</p>"), True),
        (cite("a.md", 6, 7, "before \n after"), True),
        (cite("a.md", 8, 8, "see <https://example.org> and <EOS>"), True),
        (cite("a.md", 1, 1, "An index makes <b>search</b> faster"), False),
        (cite("a.md", 1, 1, "an index makes search faster"), False),
        (cite("a.md", 2, 2, "An index makes search faster"), False),
        (cite("a.md", 1, 1, ""), False),
        (cite("a.md", 0, 1, "An index"), False),
        (cite("a.md", 2, 1, "An index"), False),
        (cite("a.md", 1, 99, "An index"), False),
        (cite("b.md", 1, 1, "An index"), False),
    ],
)
def test_a_citation_is_valid_where_its_quote_stands_letter_for_letter(
    citation: Citation, valid: bool
) -> None:
    values = measured(expecting(("a.md", 1)), answered=True, citations=(citation,))
    assert values["citation_validity"] == float(valid)


def test_citation_validity_is_a_share_and_leaves_out_what_cannot_be_judged() -> None:
    citations = (cite("a.md", 1, 1, "index"), cite("a.md", 1, 1, "invented"), cite("scan.pdf", 1, 1, "page"))
    assert measured(expecting(("a.md", 1)), answered=True, citations=citations)["citation_validity"] == 0.5
    assert "citation_validity" not in measured(expecting(("a.md", 1)), answered=True, citations=citations[2:])


def test_citation_support_asks_for_one_cited_line_of_an_expected_passage() -> None:
    case = expecting(("a.md", 4), ("b.md", 2))
    for cited, support in ((("b.md", 1, 2), 1.0), (("a.md", 5, 9), 0.0), (("b.md", 4, 4), 0.0)):
        assert measured(case, answered=True, citations=(cite(*cited, "q"),))["citation_support"] == support
    assert "citation_support" not in measured(case, answered=False, citations=(cite("a.md", 4, 4, "q"),))


def test_expected_texts_may_stand_in_answer_or_quotes_whatever_their_width_case_and_spaces() -> None:
    case = expecting(texts=("Ｔｃｐ  Keeps", "半角ｶﾅ"))
    quote = (cite("a.md", 1, 1, "半角カナです"),)
    assert measured(case, answered=True, answer="tcp\nkeeps", citations=quote)["contains_expected"] == 1.0
    assert measured(case, answered=True, answer="tcp\nkeeps")["contains_expected"] == 0.0
    assert measured(case, answered=False, answer="tcp\nkeeps", citations=quote)["contains_expected"] == 0.0


def test_abstention_precision_and_recall_by_hand() -> None:
    # 2 of the 3 unanswerable declined; 5 declined in all
    results = (
        [result(False, False)] * 2 + [result(False, True)] + [result(True, False)] * 3 + [result(True, True)]
    )
    assert suite_value("abstention_precision", results) == pytest.approx(2 / 5)
    assert suite_value("abstention_recall", results) == pytest.approx(2 / 3)


def test_abstention_is_undefined_where_there_is_nothing_to_divide_by() -> None:
    assert suite_value("abstention_precision", [result(True, True), result(False, True)]) is None
    assert suite_value("abstention_recall", [result(True, True), result(True, False)]) is None


def test_a_failed_case_is_neither_an_answer_nor_an_abstention() -> None:
    assert suite_value("abstention_recall", [result(False, None), result(False, False)]) == 0.5
    assert suite_value("abstention_precision", [result(False, None), result(False, False)]) == 1.0
    unanswerable = measured(Case(id="c", question="q", answerable=False), answered=None)
    assert (unanswerable["correct"], unanswerable["failures"]) == (0.0, 1.0)
    answerable = measured(expecting(("a.md", 1), texts=("x",)), answered=None)
    assert {answerable[n] for n in ("correct", "answered_rate", "contains_expected", "recall@10")} == {0.0}


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([True, False, None])), max_size=30).map(
        lambda pairs: [result(*pair) for pair in pairs]
    )
)
def test_abstention_stays_between_nothing_and_all(results: list[CaseResult]) -> None:
    for name in ("abstention_precision", "abstention_recall"):
        value = suite_value(name, results)
        assert value is None or 0 <= value <= 1


def test_latency_percentiles_are_those_of_numpy_over_the_cases_that_did_not_fail() -> None:
    values = [12.0, 3.0, 44.0, 5.0, 18.0]
    results = [result(True, True, v) for v in values] + [result(True, None)]
    assert suite_value("latency_p50", results) == 12.0
    assert suite_value("latency_p95", results) == pytest.approx(float(np.percentile(values, 95)))
    assert suite_value("latency_p95", [result(True, None)]) is None


def test_length_and_quotes_count_answers_only() -> None:
    values = measured(
        expecting(("a.md", 1)), answered=True, answer="答え。", citations=(cite("a.md", 1, 1, "index"),)
    )
    assert (values["answer_characters"], values["quotes"]) == (3.0, 1.0)
    assert not {"answer_characters", "quotes"} & measured(expecting(("a.md", 1)), answered=False).keys()


def test_a_case_is_correct_only_where_text_and_place_are_right() -> None:
    case = expecting(("a.md", 1), texts=("index",))
    right, elsewhere = (cite("a.md", 1, 1, "An index"),), (cite("a.md", 2, 2, "An index"),)
    assert measured(case, answered=True, citations=right)["correct"] == 1.0
    assert measured(case, answered=True, citations=elsewhere)["correct"] == 0.0
    assert measured(case, answered=True, citations=(cite("a.md", 1, 1, "search"),))["correct"] == 0.0
    assert measured(case, answered=False, citations=right)["correct"] == 0.0


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_every_metric_says_what_it_is(metric: object) -> None:
    entry = METRICS[metric.name]  # type: ignore[attr-defined]
    function = entry.of_case or entry.of_suite
    assert entry.description.endswith(".")
    assert function is not None
    assert function.__doc__
