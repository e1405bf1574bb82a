"""How much is quoted: the formula and no more, one line where one answers, each side its own row."""

import pytest

from workflows.ranking import read_traits
from workflows.scoring import read_candidates
from workflows.units import units_of

ENTRY = """# 作業の記録

## 2025-02-01

温度センサーを校正した。手順書どおり。

```python
offset = read() - reference
for n in range(4):
    save(n, offset)
print("done", offset)
```

補正の式は

$$
T = T_0 + k V
$$

- $k$ は 0.52 にした
- 窓は閉めておく
"""
TABLE = """# 部品

| 型番 | 質量 | 値段 |
|---|---|---|
| KX10 | 4g | 20円 |
| KX20 | 7g | 35円 |
| KX30 | 9g | 50円 |
"""
SOILS = "\n# 種類\n\n- 鹿沼土: 酸性、軽い\n- 赤玉土: 弱酸性、重い\n"
SHIFTED = """# 発酵

- 温度が上がると酵母の増え方は変わらない
- 酵母の増え方が変わるのは糖が減ったとき
"""


@pytest.fixture
def of(read):
    return lambda note: [unit for passage in read(note) for unit in units_of(passage)]


def quotes(draft) -> list[str]:
    return [c.quote for c in draft.citations]


def test_of_a_day_s_entry_only_the_formula_asked_for_is_quoted(extract) -> None:
    (quote,) = quotes(extract("温度センサーの補正の式は？", ENTRY))
    assert "T = T_0 + k V" in quote
    assert "offset" not in quote
    assert "窓" not in quote


def test_of_a_day_s_entry_only_the_code_asked_for_is_quoted(extract) -> None:
    (quote,) = quotes(extract("温度センサーの校正のコードは？", ENTRY))
    assert quote.startswith("```python")
    assert quote.endswith("```")


def test_what_a_day_s_entry_begins_with_stands_above_all_of_it(extract) -> None:
    draft = extract("温度センサーで窓はどうした？", ENTRY)
    assert quotes(draft) == ["- 窓は閉めておく"]
    assert "温度センサーを校正した" in draft.text


def test_only_the_entry_of_a_day_has_a_topic(of) -> None:
    units = of("# 温度センサー\n\n校正した。手順書どおり。\n\n- 窓は閉めておく\n")
    assert all(not u.ancestors for u in units)


def test_what_leads_in_to_a_formula_is_not_above_the_next_one(of) -> None:
    units = of("# 式\n\n面積：\n\n$$\nS = ab\n$$\n\n体積：\n\n$$\nV = abc\n$$\n")
    volume = [u for u in units if "V = abc" in u.text and u.text.count("$$") == 2]
    assert volume
    assert all("面積：" not in u.ancestors for u in volume)


@pytest.mark.parametrize("question", ["KX10とKX30の値段の違いは？", "KX10 vs KX30"])
def test_two_rows_are_compared_by_themselves(extract, question: str) -> None:
    assert quotes(extract(question, TABLE)) == ["| KX10 | 4g | 20円 |", "| KX30 | 9g | 50円 |"]


def test_an_item_that_goes_by_the_name_that_is_asked_stands_alone(extract) -> None:
    note = "# 形式\n\n- QVF: 量子化した重みを一つにまとめた形式\n\n# 記録\n\n- QVF の Q4 と Q8 を比べた\n"
    assert quotes(extract("QVF とは？", note)) == ["- QVF: 量子化した重みを一つにまとめた形式"]


def test_a_line_of_links_is_no_answer(extract) -> None:
    note = "# 設計\n\nup:: [[酵母]]\n\n- 酵母は糖からアルコールをつくる\n"
    assert quotes(extract("酵母とは？", note)) == ["- 酵母は糖からアルコールをつくる"]


def test_a_line_with_a_link_in_it_is_one(of) -> None:
    units = of("# 設計\n\n[[酵母]] は糖が好き\n\n関連: [[糖]] / [[酵母|菌]]\n")
    assert [u.is_pointer for u in units if u.kind == "sentence"] == [False, True]


def test_a_denial_answers_whether_something_is_so(extract) -> None:
    draft = extract("温度が上がると酵母の増え方は変わる？", SHIFTED)
    assert "変わらない" in draft.citations[0].quote


def test_a_denial_counts_against_a_line_only_where_the_question_takes_it_to_be_so(analyser, read) -> None:
    from terakoya.text.question import analyse_question

    candidates = read_candidates(read(SHIFTED), analyser)

    def denied(question: str) -> bool:
        return any(
            t.denied for _, t in read_traits(analyse_question(question, analyser), candidates, analyser)
        )

    assert denied("酵母の増え方が変わるのはいつ？")
    assert not denied("酵母の増え方は変わる？")


def test_each_side_s_own_line_is_quoted_rather_than_one_that_mentions_both_in_passing(extract) -> None:
    note = "# 土\n\n- 困ったら赤玉土（鹿沼土は崩れやすい）\n" + SOILS
    assert quotes(extract("赤玉土と鹿沼土の違いは？", note)) == [
        "- 鹿沼土: 酸性、軽い",
        "- 赤玉土: 弱酸性、重い",
    ]


def test_a_line_that_tells_the_difference_is_quoted_rather_than_each_side_s_own(extract) -> None:
    note = "# 土\n\n- 赤玉土は鹿沼土より重い\n" + SOILS
    assert "- 赤玉土は鹿沼土より重い" in quotes(extract("赤玉土と鹿沼土の違いは？", note))


APART = """# 仕組み

定型処理は決められた順に仕事を進める。分岐も前もって書く。

- 代理人＝自分で道具を選び、くり返す仕組み
- 違い: 定型処理は道筋が固定、代理人は道筋を自分で決める
"""


def test_a_line_that_sets_both_sides_against_each_other_is_quoted_where_each_has_a_longer_one(
    extract,
) -> None:
    assert any("道筋が固定" in quote for quote in quotes(extract("定型処理と代理人の違いは？", APART)))


def test_all_that_is_to_be_done_is_quoted_where_what_to_do_is_asked(extract) -> None:
    note = "# 漏水が起きたとき\n\n1. 元栓をしめる\n2. 管理人に電話する\n3. 床を拭く\n"
    (quote,) = quotes(extract("漏水が起きたらどうする？", note))
    assert quote.count("\n") == 2


def test_a_numbered_step_does_not_name_the_code_a_blank_line_below_it(of) -> None:
    units = of("# 復旧\n\n1. 止める\n2. 直す\n\n```\nstart --again\n```\n")
    assert not [u for u in units if u.text.startswith("2. 直す") and "start" in u.text]
