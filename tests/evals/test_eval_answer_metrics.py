"""What answers say: SQuAD's scoring, key facts, language, length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals import Case, Observation
from evals.case import KeyFact
from evals.metrics import measure_case
from evals.metrics.answers import exact, f1
from evals.metrics.tokens import claims, squad_tokens
from evals.testing import cite


def measured(case: Case, answer: str, *quotes: str, answered: bool = True) -> dict[str, float]:
    citations = tuple(cite("a.md", n, n, quote) for n, quote in enumerate(quotes, 1))
    return measure_case(
        Observation(case=case, notes={}, answer=answer, answered=answered, citations=citations)
    )


# Questions of SQuAD's development set with their answers; the scores are worked out by its formulas.
BRONCOS = ("Denver Broncos", "Denver Broncos", "Denver Broncos")
STADIUM = (
    "Santa Clara, California",
    "Levi's Stadium",
    "Levi's Stadium in the San Francisco Bay Area at Santa Clara, California.",
)


@pytest.mark.parametrize(
    ("answers", "said", "match", "score"),
    [
        (BRONCOS, "Denver Broncos", 1.0, 1.0),
        (BRONCOS, "the Denver Broncos.", 1.0, 1.0),
        (BRONCOS, "Broncos", 0.0, 2 / 3),
        (BRONCOS, "Carolina Panthers", 0.0, 0.0),
        (STADIUM, "Levis Stadium", 1.0, 1.0),
        (STADIUM, "Levi's Stadium in Santa Clara", 0.0, 10 / 16),
        (STADIUM, "Stadium", 0.0, 2 / 3),
        (("$1.2 billion", "$1.2 billion"), "1.2 Billion", 1.0, 1.0),
        (("a", "an apple"), "the apple apple", 0.0, 2 / 3),
    ],
)
def test_exact_match_and_f1_are_those_of_squad(
    answers: tuple[str, ...], said: str, match: float, score: float
) -> None:
    values = measured(Case(id="c", question="q", answers=answers), said)
    assert values["exact_match"] == match
    assert values["token_f1"] == pytest.approx(score)


WORDS = ("a", "an", "the", "The", "cat", "Cat's", "cats", "U.S.", "24–10", "café", "and/or")
words = st.lists(st.sampled_from(WORDS), max_size=6)


@given(said=words.map(" ".join), right=words.map(" ".join))
def test_f1_is_the_harmonic_mean_of_precision_and_recall_of_shared_tokens(said: str, right: str) -> None:
    ours, theirs = squad_tokens(said, japanese=False), squad_tokens(right, japanese=False)
    shared, left = 0, list(theirs)
    for token in ours:
        if token in left:
            left.remove(token)
            shared += 1
    if not shared:
        assert f1(said, right) == float(not ours and not theirs)
        return
    precision, recall = shared / len(ours), shared / len(theirs)
    assert f1(said, right) == pytest.approx(2 * precision * recall / (precision + recall))


def test_english_tokens_lose_case_punctuation_and_articles_in_the_order_of_squad() -> None:
    said = "The U.S. state-of-the-art, a “test” of an A-list"
    assert squad_tokens(said, japanese=False) == ["us", "stateoftheart", "“test”", "of", "alist"]


def test_japanese_is_compared_by_characters_and_latin_words_in_it_whole() -> None:
    assert squad_tokens("ＴＣＰは、順序を 守る。", japanese=True) == ["tcp", *"は順序を守る"]
    assert exact("保存した問い合わせ。", "「保存した 問い合わせ」")
    # shared: 江 戸; 2 * 2 / (4 + 3)
    assert f1("江戸時代", "江戸城") == pytest.approx(4 / 7)
    assert f1("TCP通信", "UDP通信") == pytest.approx(2 * 2 / (3 + 3))


def test_marks_of_citations_are_no_words() -> None:
    values = measured(Case(id="c", question="q", answers=("the order",)), "The order [1].")
    assert values["exact_match"] == 1.0


def test_a_declined_question_matches_no_short_answer() -> None:
    values = measured(Case(id="c", question="q", answers=("order",)), "order", answered=False)
    assert {values[n] for n in ("exact_match", "token_f1", "short_answer", "correct")} == {0.0}


def test_one_of_the_short_answers_in_text_or_quote_is_right() -> None:
    case = Case(id="c", question="q", answers=("1635 年", "寛永 12 年"))
    assert measured(case, "制度化は次のとおり", "1635年、家光の武家諸法度")["correct"] == 1.0
    assert measured(case, "1853 年")["correct"] == 0.0


FACTS = (
    KeyFact(any_of=("adds more data", "more training data")),
    KeyFact(any_of=("dropout",)),
    KeyFact(any_of=("stops the training early at 20 epochs",)),
    KeyFact(any_of=("invented by Hinton",), vital=False),
)


def test_key_facts_count_vital_facts_that_are_said_in_any_of_their_ways() -> None:
    case = Case(id="c", question="q", key_facts=FACTS)
    values = measured(case, "Use MORE training  data.", "Dropout was invented by Hinton.")
    assert values["key_facts"] == pytest.approx(2 / 3)
    assert values["correct"] == 0.0


def test_partial_credit_is_half_for_half_of_the_words_and_for_facts_that_are_not_vital() -> None:
    case = Case(id="c", question="q", key_facts=FACTS)
    # said, said, partly (training, early; 20 is there), not vital: weights 1 1 1 0.5, degrees 1 1 0.5 1
    answer = "More training data, dropout. Training ends early, after 20 rounds. It was invented by Hinton."
    assert measured(case, answer)["key_facts_partial"] == pytest.approx((1 + 1 + 0.5 + 0.5) / 3.5)


def test_a_fact_whose_number_is_another_is_not_even_partly_said() -> None:
    case = Case(id="c", question="q", key_facts=(KeyFact(any_of=("stops the training early at 20 epochs",)),))
    assert measured(case, "Stop the training early, at 30 epochs.")["key_facts_partial"] == 0.0


def test_expected_texts_are_key_facts_where_a_case_has_none() -> None:
    case = Case(id="c", question="q", expected=("index", "view"))
    assert measured(case, "An index.")["key_facts"] == 0.5
    assert measured(case, "An index.")["contains_expected"] == 0.0
    assert measured(case, "An index and a view.", answered=False)["key_facts"] == 0.0


@pytest.mark.parametrize(
    ("question", "language", "answer", "match"),
    [
        ("ビューとは", "", "保存した問い合わせ [1]", 1.0),
        ("ビューとは", "", "a stored query", 0.0),
        ("What is ビュー?", "en", "It is a stored query", 1.0),
        ("What is a view?", "", "Notes say: TCP", 1.0),
    ],
)
def test_an_answer_is_to_be_in_the_language_of_its_question(
    question: str, language: str, answer: str, match: float
) -> None:
    case = Case(id="c", question=question, language=language, expected=("x",))
    assert measured(case, answer)["language_match"] == match


def test_claims_are_sentences_and_lines_and_what_introduces_them_is_none() -> None:
    answer = "From your notes:\n\n- An index helps. It costs space. [1]\n| a | b |\nノートから：\n遅い。でも安い [2]"
    assert claims(answer) == ["- An index helps.", "It costs space.", "| a | b |", "遅い。", "でも安い"]
