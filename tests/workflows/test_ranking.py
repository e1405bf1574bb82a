"""Which unit of a note answers which kind of question."""

from dataclasses import fields

import pytest

from terakoya.text.analyser import Analyser
from terakoya.text.question import analyse_question
from workflows.extractive import ExtractiveAnswerer
from workflows.ranking import Traits, learned, read_traits, score
from workflows.scoring import read_candidates

MODELS = """# 言語モデル

## 量子化

- 量子化は重みを少ないビット数で持つこと。精度は少し落ちる
- メモリが4分の1になる
- 効果が出るまでの手順
  1. 校正データを集める
  2. 重みを丸める
  3. 評価しなおす

## 学習率

更新の幅を決める値。ウォームアップのあと下げていく。

更新の式:

$$
w \\leftarrow w - \\eta \\nabla L
$$

| 名前 | 公開 | 層の数 |
| --- | --- | --- |
| 小 | 2021年 | 12 |
| 大 | 2023年 | 48 |

## 記録

- 2024/05/02 学習が発散した。原因は学習率が高すぎたから
- 2024/05/09 損失が下がらない
- 2024/05/20 損失が下がった
"""
TALES = """# The voyage

- Anna sails from Bergen in three ships
- Anna's crew winters in the ice
- they meet the trader at Cape Sund
- mother (Ingrid) dies of a fever
- the last chapter has 41 pages

## Crew

| Part | duty | men |
| --- | --- | --- |
| 4 | deck | 17 |
| 5 | engine | 9 |
"""


@pytest.fixture
def best(analyser: Analyser, read):
    """What is quoted first of a note for a question, whether or not it is thought likely to answer."""

    def of(question: str, note: str) -> str:
        answerer = ExtractiveAnswerer(analyser)
        found = answerer.find(analyse_question(question, analyser), read_candidates(read(note), analyser))
        return found.chosen[0].unit.text

    return of


@pytest.mark.parametrize(
    ("question", "note", "text"),
    [
        ("量子化とは何ですか？", MODELS, "少ないビット数で持つこと"),
        ("効果が出るまでの3つの手順は？", MODELS, "校正データを集める"),
        ("学習率の更新の式は？", MODELS, "\\nabla L"),
        ("大は何層ですか？", MODELS, "48"),
        ("小はいつ公開された？", MODELS, "2021年"),
        ("学習が発散したのはなぜ？", MODELS, "高すぎたから"),
        ("損失が下がったのはいつ？", MODELS, "2024/05/20"),
        ("損失が下がらなかったのはいつ？", MODELS, "2024/05/09"),
        ("How many ships does Anna have?", TALES, "three ships"),
        ("How many pages does the last chapter have?", TALES, "41 pages"),
        ("What did Anna's mother die of?", TALES, "fever"),
        ("How many men are in part 5?", TALES, "| 9 |"),
        ("Where do Anna and the trader meet?", TALES, "Cape Sund"),
    ],
)
def test_the_unit_of_the_kind_that_is_asked_for_comes_first(
    best, question: str, note: str, text: str
) -> None:
    assert text in best(question, note)


def test_a_sentence_of_a_short_item_is_quoted_with_the_whole_of_it(best) -> None:
    assert (
        best("量子化の精度は落ちる？", MODELS) == "- 量子化は重みを少ないビット数で持つこと。精度は少し落ちる"
    )


def test_a_formula_is_quoted_with_the_nested_item_that_names_it(best) -> None:
    note = "# 行列\n\n- 第1回\n  - 階数\n  - 逆行列の公式:\n\n$$\nA^{-1} = 1/d\n$$\n"
    quoted = best("逆行列の公式は？", note)
    assert "逆行列の公式" in quoted
    assert "A^{-1}" in quoted


def test_a_term_that_few_lines_hold_weighs_more_than_one_in_all_of_them(analyser: Analyser, read) -> None:
    note = "# 犬\n\n- 犬の餌は朝だけ\n- 犬の散歩は夕方\n- 犬の名前はクロ\n- 夕方の餌は猫だけ\n"
    asked = analyse_question("犬の散歩は？", analyser)
    first = score(asked, read_candidates(read(note), analyser), analyser)[0]
    assert "散歩" in first.unit.text
    known = {
        scored.unit.text: traits
        for scored, traits in read_traits(asked, read_candidates(read(note), analyser), analyser)
    }
    assert known["- 犬の散歩は夕方"].rare > known["- 犬の餌は朝だけ"].rare


def test_what_was_learned_weighs_every_trait() -> None:
    assert set(learned().weights) == {"alone", *(field.name for field in fields(Traits))}
    assert learned().doubt > 0


def test_two_units_are_quoted_where_it_is_in_doubt_which_one_answers(extract) -> None:
    note = "# 予定\n\n- 研究会の発表は木曜\n- 研究会の懇親会は金曜\n- 掃除当番は月曜\n"
    draft = extract("研究会はいつ？", note)
    assert [c.quote for c in draft.citations] == ["- 研究会の発表は木曜", "- 研究会の懇親会は金曜"]


def test_one_unit_is_quoted_where_it_is_not(extract) -> None:
    note = "# 予定\n\n- 研究会の発表は木曜\n- 研究会の懇親会は金曜\n- 掃除当番は月曜\n"
    assert [c.quote for c in extract("掃除当番はいつ？", note).citations] == ["- 掃除当番は月曜"]
