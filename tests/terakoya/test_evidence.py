"""Evidence: how much of a term stands in a text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terakoya.text.analyser import Analyser
from terakoya.text.evidence import Reading
from terakoya.text.question import QuestionTerm, analyse_question


def term(question: str, analyser: Analyser) -> QuestionTerm:
    return analyse_question(question, analyser).terms[0]


QUESTIONS = [
    "光合成とは？",
    "機械学習モデルとは？",
    "What is gradient descent?",
    "第4正規形とは？",
    "HTTP/2とは？",
]
PIECES = st.lists(
    st.sampled_from(
        [
            "光合成",
            "機械",
            "学習",
            "モデル",
            "gradient",
            "descent",
            "正規形",
            "第4",
            "HTTP/2",
            "。",
            "猫",
            "\n",
        ]
    ),
    max_size=8,
)


@settings(max_examples=120, deadline=None)
@given(question=st.sampled_from(QUESTIONS), text=PIECES, more=PIECES)
def test_more_sentences_never_hold_less_evidence(
    analyser: Analyser, question: str, text: list[str], more: list[str]
) -> None:
    asked = term(question, analyser)
    some, longer = "".join(text), "".join(text) + "\n\n" + "".join(more)
    less, most = (Reading.of(t, analyser).evidence(asked) for t in (some, longer))
    assert 0.0 <= less <= most <= 1.0


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_term_that_stands_as_written_is_full_evidence(analyser: Analyser, question: str) -> None:
    asked = term(question, analyser)
    assert Reading.of(f"ここに {asked.surface} がある。", analyser).evidence(asked) == 1.0


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_unrelated_text_is_no_evidence(analyser: Analyser, question: str) -> None:
    assert Reading.of("猫は毎日よく眠る。", analyser).evidence(term(question, analyser)) == 0.0


def test_half_of_a_compound_is_less_than_half_evidence(analyser: Analyser) -> None:
    asked = term("機械学習とは？", analyser)
    half = Reading.of("新しい機械を買った。", analyser).evidence(asked)
    assert 0.0 < half < 0.5


def test_another_number_in_a_name_is_no_evidence(analyser: Analyser) -> None:
    asked = term("第4正規形とは？", analyser)
    assert Reading.of("第3正規形は推移的関数従属を除いた形。", analyser).evidence(asked) == 0.0


def test_spelling_variants_are_evidence(analyser: Analyser) -> None:
    asked = term("サーバーとは？", analyser)
    assert Reading.of("サーバは要求に応える。", analyser).evidence(asked) == 1.0


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What did Schrodinger propose?", "Schrödinger: a wave equation"),
        ("Who was Gödel?", "Godel, logician"),
    ],
)
def test_a_name_is_evidence_with_accents_or_without(analyser: Analyser, question: str, text: str) -> None:
    assert Reading.of(text, analyser).evidence(term(question, analyser)) == 1.0


@pytest.mark.parametrize(
    ("question", "text"),
    [("第三正規形とは？", "第3正規形は従属を除いた形。"), ("金一両は何朱？", "金1両 = 4分")],
)
def test_a_numeral_is_evidence_in_either_script(analyser: Analyser, question: str, text: str) -> None:
    assert Reading.of(text, analyser).evidence(term(question, analyser)) >= 0.5


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("値段は？", "価格は500円。"),
        ("短所は？", "欠点が多い。"),
        ("database?", "データベースは表を持つ。"),
    ],
)
def test_a_word_of_the_same_meaning_is_evidence_but_less_than_the_word(
    analyser: Analyser, question: str, text: str
) -> None:
    assert 0.5 < Reading.of(text, analyser).evidence(term(question, analyser)) < 1.0


def test_an_abbreviation_of_many_things_has_no_synonyms(analyser: Analyser) -> None:
    assert not analyser.synonyms("AI")


def test_a_word_inside_a_hyphenated_name_is_less_than_the_word(analyser: Analyser) -> None:
    asked = term("What is the rank?", analyser)
    inside = Reading.of("Low-Rank Adaptation", analyser).evidence(asked)
    assert 0 < inside < Reading.of("the rank is 8", analyser).evidence(asked)
    assert Reading.of("Low-Rank Adaptation, rank 8", analyser).evidence(asked) == 1.0


def test_a_drawback_is_no_benefit(analyser: Analyser) -> None:
    asked = term("メリットは？", analyser)
    assert Reading.of("デメリット：重い", analyser).evidence(asked) < 1.0
    assert Reading.of("デメリット、メリット", analyser).evidence(asked) == 1.0


def test_a_greek_letter_is_found_by_the_name_that_formulas_write(analyser: Analyser) -> None:
    asked = term("βは何？", analyser)
    assert Reading.of(r"$\beta$ は 0.3 にした", analyser).evidence(asked) == 1.0
    assert Reading.of(r"$\theta$ は 0.3 にした", analyser).evidence(asked) == 0.0
