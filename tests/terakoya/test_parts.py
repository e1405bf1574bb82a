"""What a question with several questions in it is taken apart into."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terakoya.text.parts import MOST_PARTS, parts


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is a mole, and who named it?", ("What is a mole?", "who named it?")),
        ("What is TCP? And what is it good for?", ("What is TCP?", "what is it good for?")),
        (
            "How big are the wheels of vans and trucks?",
            ("How big are the wheels of vans?", "How big are the wheels of trucks?"),
        ),
        ("What do 301 and 502 mean?", ("What do 301 mean?", "What do 502 mean?")),
        ("南北朝は何年に始まり、誰が終わらせた？", ("南北朝は何年に始まり", "南北朝は誰が終わらせた？")),
        ("月と火星はそれぞれ何年で回る？", ("月は何年で回る？", "火星は何年で回る？")),
        ("平均値と最頻値の求め方は？", ("平均値の求め方は？", "最頻値の求め方は？")),
        ("鉄の密度と銅の融点は？", ("鉄の密度は？", "銅の融点は？")),
        (
            "荷物を送ったときと、受け取ったときの仕訳は？",
            ("荷物を送ったときの仕訳は？", "荷物を受け取ったときの仕訳は？"),
        ),
        (
            "雨が降ったときと、雪が積もったときの道順は？",
            ("雨が降ったときの道順は？", "雪が積もったときの道順は？"),
        ),
        ("水やりの頻度と虫よけの回数は？", ("水やりの頻度は？", "虫よけの回数は？")),
        ("脈拍の強さと1分間の回数は？", ("脈拍の強さは？", "1分間の回数は？")),
        ("桜の見ごろと、梅の植え方は？", ("桜の見ごろは？", "梅の植え方は？")),
        ("内野と外野の広さと芝の種類は？", ("内野の広さと芝の種類は？", "外野の広さと芝の種類は？")),
        ("ポンプはNaとKをそれぞれ何個運ぶ？", ("ポンプはNaを何個運ぶ？", "ポンプはKを何個運ぶ？")),
        ("量子化のメリットとデメリットを教えて", ("量子化のメリットを教えて", "量子化のデメリットを教えて")),
        ("東京の人口と面積は？", ("東京の人口は？", "東京の面積は？")),
        ("初速と終速は？", ("初速は？", "終速は？")),
        ("XとYの既定の値はそれぞれ何？", ("Xの既定の値は何？", "Yの既定の値は何？")),
    ],
)
def test_a_question_about_several_things_becomes_a_question_for_each(
    question: str, expected: tuple[str, ...]
) -> None:
    assert parts(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "What is the difference between a set and a list?",
        "Where do Ann and Bob meet?",
        "Which one is large, old, and what?",
        "リストとタプルの違いは？",
        "友人とその家族は元気？",
        "箱の高さと長さの比は？",
        "What is the ratio of sugar and salt?",
        "What is the sum of squares and cubes?",
        "What came of the plan and why?",
        "雨のときの靴は？",
        "光の波としての性質は？",
        "木の机というものの値段は？",
        "短くしたいときの書き方は？",
        "いくつかの方法があるけど、速いのはどれ？",
        "「いつ、どこで」と言ったのは誰？",
        "増えるのは左？右？",
        "",
        "？",
    ],
)
def test_a_question_about_one_thing_stays_whole(question: str) -> None:
    assert parts(question) == (question.strip(),)


@given(st.text(alphabet="AとBのはそれぞれ何、。？? and whatis「」でも年\n", max_size=60))
def test_parts_are_few_different_and_hold_words(question: str) -> None:
    found = parts(question)
    assert 1 <= len(found) <= MOST_PARTS
    assert len(set(found)) == len(found)
    assert len(found) == 1 or all(part.strip("?？。、 \n") for part in found)
