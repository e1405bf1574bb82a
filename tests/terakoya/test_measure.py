"""What a number that a question asks for has to be of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terakoya.text.measure import asked_date, asked_measure, asks_number


@pytest.mark.parametrize(
    ("question", "there", "elsewhere"),
    [
        ("電池は何ボルト？", "起電力は 1.1 V", "電池は3個いる"),
        ("塩は何グラム？", "塩を５ｇ入れる", "塩を2回に分ける"),
        ("合格率は何％？", "受かるのは 48% くらい", "100点満点"),
        ("受験料はいくら？", "2,850円だった", "6月に受ける"),
        ("How much did it cost?", "it was $12", "pass mark is 75"),
        ("How old was he?", "aged, 34 years", "in chapter 5"),
        ("How long is the break?", "a break of 5 min", "four rounds, 3 cups"),
        ("塔の高さは？", "およそ 333メートル", "1958年にできた"),
        ("動かすのに必要なメモリは？", "およそ 22 GB", "およそ 22 秒"),
        ("What pressure does the machine need?", "fine grind, nine bars", "25 to 30 seconds"),
        ("豆を何カロリーとった？", "一杯で 120 kcal", "一杯で 120 g"),
        ("光の速さは？", "およそ 300,000 km/s", "およそ 300,000 km"),
        ("水やりの回数は？", "朝に2回", "鉢は3つ"),
        ("水やりの頻度は？", "3日に1回", "鉢は3つ"),
        ("そうじの頻度は？", "毎週する", "鉢は3つ"),
        ("How often do I water it?", "every morning", "in 3 pots"),
        ("この本はいくらで買った？", "古本屋で 800円", "3年前の夏"),
        ("池の深さは？", "いちばん深い所で 2m", "鯉が 8匹"),
        ("どんな比率に分けた？", "8 : 1 : 1 にした", "8回に分けた"),
        ("上着のサイズは？", "上着はMではなく 104 cm", "上着は 8,000円"),
        ("What is the melting temperature?", "melts at 1,811 K", "melts in 2 hours"),
        ("What was its weight?", "it came to 64 kg", "it came to 64 cm"),
    ],
)
def test_a_number_in_its_unit_answers_and_another_number_does_not(
    question: str, there: str, elsewhere: str
) -> None:
    measure = asked_measure(question)
    assert measure is not None
    assert measure.stands_in(there)
    assert not measure.stands_in(elsewhere)


@pytest.mark.parametrize("question", ["徒歩は何年？", "何人いた？", "What is a volt?", "率直とは？", ""])
def test_a_count_or_no_number_has_no_unit(question: str) -> None:
    assert asked_measure(question) is None


@pytest.mark.parametrize(
    "question",
    [
        "社員数は？",
        "標高の高さは？",
        "How many came?",
        "What is the pass rate?",
        "電圧はいくら？",
        "動かすのに必要なメモリは？",
    ],
)
def test_a_quantity_is_asked_for(question: str) -> None:
    assert asks_number(question)


@pytest.mark.parametrize(
    "question",
    ["関数は？", "変数って？", "What is a set?", "数は何に使う？", "料理とは？", "メモリは？", "弱点は？"],
)
def test_a_noun_that_is_no_quantity_asks_for_none(question: str) -> None:
    assert not asks_number(question)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_question_and_any_text_can_be_looked_at(question: str, text: str) -> None:
    measure = asked_measure(question)
    assert measure is None or measure.stands_in(text) in (True, False)
    assert asks_number(question) in (True, False)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("論文の締め切りは？", "締め切り"),
        ("図書館の休館日は？", "休館日"),
        ("店の定休日は何曜日？", "定休日"),
        ("What is the deadline for the essay?", "what is the deadline"),
        ("締め切りを過ぎたらどうなる？", ""),
        ("本日は何を読む？", ""),
    ],
)
def test_a_noun_that_names_a_day_asks_for_it(question: str, words: str) -> None:
    assert asked_date(question) == words
