"""Other words for a question that was found little for."""

import pytest

from terakoya.text.analyser import Analyser
from terakoya.text.question import analyse_question
from workflows.rewriting import in_other_language, rewritten


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How many judges sit on the Supreme Court?", {"裁判官", "最高裁判所"}),
        ("標準偏差の公式は？", {"standard", "deviation"}),
        ("光合成で出る気体は？", {"photosynthesis", "gas"}),
        ("Which book has the longest context?", {"文脈", "コンテキスト"}),
    ],
)
def test_key_terms_are_put_into_the_other_language(
    analyser: Analyser, question: str, words: set[str]
) -> None:
    assert words <= set(in_other_language(analyse_question(question, analyser)).split())


def test_a_name_stays_as_it_is_written(analyser: Analyser) -> None:
    translated = in_other_language(analyse_question("PostgreSQLの分離レベルは？", analyser))
    assert translated.split() == ["PostgreSQL", "isolation", "level"]


@pytest.mark.parametrize("question", ["ジョンとは？", "Who is Yvonne?", "？"])
def test_what_the_glossary_does_not_know_is_not_translated(analyser: Analyser, question: str) -> None:
    assert in_other_language(analyse_question(question, analyser)) == ""


def test_spellings_come_before_translations_and_what_was_tried_does_not_come_again(
    analyser: Analyser,
) -> None:
    asked = analyse_question("標準偏差の公式は？", analyser)
    first = rewritten([asked], ["標準偏差の求め方"], [])
    assert first[0] == "標準偏差の求め方"
    assert "standard deviation" in first
    assert "standard deviation" not in rewritten([asked], [], ["Standard  Deviation"])
