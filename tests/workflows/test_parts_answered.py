"""Several questions in one, and follow-ups without a pronoun: what each part is about, and what is quoted for it."""

import pytest

from terakoya.types import Turn
from workflows.extractive import ExtractiveAnswerer

CLINIC = """# 金魚の病気

- 赤玉病: 原因は寄生虫。水温を上げ、青い薬を水に溶かす
- 白膜病: うろこに膜がつく。治療は塩水浴
- えさ: 朝と夕方に2回
"""
RECORD = """# 記録

## 買い物
2019年に望遠鏡を買った。店は駅前の光学堂、値段は4万円だった。
2022年に寝袋を買った。重さは900g。

## 動物
### ハリネズミ
体長20cm。夜に動く。
### モルモット
体長は25cm。昼も動く。群れでくらす
"""


def quotes(draft) -> str:
    return "\n".join(c.quote for c in draft.citations)


def test_a_part_is_asked_of_what_the_part_before_was_about(extract) -> None:
    assert "青い薬" in quotes(extract("赤玉病の原因は？治療は？", CLINIC))


def test_what_is_a_thing_of_its_own_is_no_attribute_of_the_one_before(extract) -> None:
    assert "2回" in quotes(extract("赤玉病の原因は？えさは？", CLINIC))


def test_a_follow_up_without_a_pronoun_is_asked_of_the_same_thing(taken_in, analyser) -> None:
    passages = [hit.passage for hit in taken_in({"fish.md": CLINIC}).search("赤玉病 治療", k=6).hits]
    history = [Turn(question="赤玉病の原因は？", answer="寄生虫")]
    answer = ExtractiveAnswerer(analyser).answer
    draft = answer("治療は？", passages, history=history, emit=lambda piece: None)
    assert "青い薬" in quotes(draft)
    assert "塩水浴" in quotes(answer("治療は？", passages, emit=lambda piece: None))


def test_a_sentence_is_quoted_with_those_that_stand_with_it_in_a_short_line(extract) -> None:
    draft = extract("望遠鏡はいつ買って、いくらだった？", RECORD)
    assert [c.quote for c in draft.citations] == [
        "2019年に望遠鏡を買った。店は駅前の光学堂、値段は4万円だった。"
    ]


def test_a_sentence_of_a_long_line_is_quoted_alone(extract) -> None:
    line = "望遠鏡は2019年に買った。" + "それから毎晩のように丘に登っては星をながめている。" * 6
    draft = extract("望遠鏡はいつ買った？", f"# 記録\n\n{line}\n")
    assert [c.quote for c in draft.citations] == ["望遠鏡は2019年に買った。"]


@pytest.mark.parametrize(
    "question", ["ハリネズミとモルモットの体長は？", "ハリネズミの体長と、モルモットの体長はいくつ？"]
)
def test_each_part_looks_first_where_most_is_told_of_it(extract, question: str) -> None:
    quoted = quotes(extract(question, RECORD))
    assert "20cm" in quoted
    assert "25cm" in quoted


def test_a_part_is_not_answered_of_another_thing_than_the_one_it_points_at(extract) -> None:
    note = "# Bread\n\nThe bulk fermentation takes 5 hours at 24 °C.\n\nA banneton is a basket.\n"
    assert not extract("What is a poolish, and how long does it ferment?", note).answered
    assert extract("What is a banneton, and how long does the bulk fermentation take?", note).answered


def test_a_line_is_quoted_once_for_two_sentences_of_it(extract) -> None:
    note = "# 温泉\n\n温泉の湯は熱い。湯は42度。\n\n温泉は山にある。\n"
    quoted = [c.quote for c in extract("温泉の湯は何度？", note).citations]
    assert len(quoted) == len(set(quoted))


def test_the_second_quote_is_one_that_tells_what_the_first_does_not(extract) -> None:
    note = """# Plot

- ch. 1: Robert runs from the bear, Robert weeps
- last chapter: Robert dies, the bear vanishes on a raft of ice
- ch. 9: they meet on the glacier
"""
    assert "they meet on the glacier" in quotes(extract("Where do Robert and the bear meet?", note))
