"""The row with the most or the least of what is asked for is read off a table, and nothing where none tells."""

import pytest

from terakoya.text.question import analyse_question
from workflows.amounts import amount
from workflows.extremes import extremes
from workflows.ranking import score
from workflows.scoring import read_candidates

MODELS = """# 機材

## 比べた表

| 名前 | 容量 | 航続 | 発売 | 備考 |
|---|---|---|---|---|
| ミズキ | 70億 | 32k | 2024-03-11 | 青 |
| カエデ | 1200万 | 8k | 2023/11/02 | 赤 |
| ソラネ | 700億 | 128k | 2024-07-23 | 青 |
| ヒビキ | 15億 | 4,096 | 2025-01-09 | 赤 |
"""
SERVERS = """# Serving

| Engine | Throughput | Latency p50 | Rent |
|---|---|---|---|
| Koto | 1,200 tok/s | 85 ms | $3 |
| Hayate | 2,450 tok/s | 140 ms | $2.50 |
| Tsubame | 640 tok/s | 31 ms | $12 |
"""


@pytest.mark.parametrize(
    ("question", "note", "name"),
    [
        ("容量が一番大きい機材は？", MODELS, "ソラネ"),
        ("一番小さい機材はどれ？", MODELS, "カエデ"),
        ("航続が最も短い機材は？", MODELS, "ヒビキ"),
        ("最新の機材は？", MODELS, "ヒビキ"),
        ("一番古い機材は何ですか？", MODELS, "カエデ"),
        ("容量が2番目に大きい機材は？", MODELS, "ミズキ"),
        ("備考が赤の機材で容量が一番大きいのは？", MODELS, "ヒビキ"),
        ("Which engine has the lowest latency?", SERVERS, "Tsubame"),
        ("Which engine is the fastest?", SERVERS, "Hayate"),
        ("What is the cheapest engine to rent?", SERVERS, "Hayate"),
        ("Which engine has the highest rent?", SERVERS, "Tsubame"),
        ("Which engine has the most throughput?", SERVERS, "Hayate"),
    ],
)
def test_the_row_with_the_extreme_is_quoted_alone(extract, question: str, note: str, name: str) -> None:
    draft = extract(question, note)
    assert draft.answered
    assert [name in c.quote for c in draft.citations] == [True]
    assert "\n" not in draft.citations[0].quote.strip()


@pytest.mark.parametrize(
    ("question", "note"),
    [
        ("一番大きい惑星は？", MODELS),
        ("一番安い機材は？", MODELS),
        ("Which engine is the oldest?", SERVERS),
        ("Which train is the fastest?", SERVERS),
    ],
)
def test_a_table_that_does_not_tell_it_answers_nothing(extract, question: str, note: str) -> None:
    assert not extract(question, note).answered


def test_what_the_notes_say_in_words_comes_before_what_a_table_holds(extract) -> None:
    note = MODELS + "\n## 感想\n\n- 一番大きい機材はヒビキ、箱ごと測った\n"
    assert "箱ごと" in extract("一番大きい機材は？", note).text


def test_rows_that_tie_are_all_quoted(extract) -> None:
    draft = extract("容量が一番大きい機材は？", MODELS.replace("70億", "700億"))
    assert [c.quote.split("|")[1].strip() for c in draft.citations] == ["ミズキ", "ソラネ"]


def test_a_long_table_is_read_to_its_end(extract) -> None:
    rows = "".join(
        f"| 地点{n} | {990 if n == 47 else 100 + n} m | 毎週見に行って記録を残す場所 |\n" for n in range(60)
    )
    draft = extract(
        "標高が一番高い観測点は？", f"# 観測点の標高\n\n| 観測点 | 標高 | 備考 |\n|---|---|---|\n{rows}"
    )
    assert [c.quote.split("|")[1].strip() for c in draft.citations] == ["地点47"]


@pytest.mark.parametrize(
    ("question", "note"),
    [
        ("容量が一番大きい機材は？", MODELS.replace("15億", "12 GB")),
        ("容量が一番大きい機材は？", MODELS.replace("15億", "未定")),
        ("容量が一番大きい機材は？", MODELS.replace("15億", "3日")),
        ("一番大きい機材を動かすには？", MODELS),
        ("容量が一番大事な機材は？", MODELS),
        ("一番多いのは？", MODELS),
        ("容量が大きい機材は？", MODELS),
        ("なぜ容量が一番大きい機材を選ぶ？", MODELS),
    ],
)
def test_nothing_is_compared_that_may_not_be(analyser, read, question: str, note: str) -> None:
    asked = analyse_question(question, analyser)
    assert extremes(asked, score(asked, read_candidates(read(note), analyser), analyser), analyser) == []


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        ("8k", "128k"),
        ("4,096", "8k"),
        ("9900万", "1億"),
        ("7B", "1兆2000億"),
        ("900 MB", "1.5 GB"),
        ("85 ms", "0.1 秒"),
        ("50 分", "1 時間 10 分"),
        ("2023/11/02", "2024年3月"),
        ("5月9日", "5/12"),
        ("約 900 m", "**1.2 km**"),
        ("¥3,000", "1万円"),
        ("9 %", "12.5%"),
    ],
)
def test_amounts_of_one_sort_compare(smaller: str, larger: str) -> None:
    less, more = amount(smaller), amount(larger)
    assert less
    assert more
    assert less.sort == more.sort
    assert less.value < more.value


@pytest.mark.parametrize("cell", ["", "-", "未定", "KX-70", "v2", "独自 3"])
def test_a_cell_that_begins_with_no_number_is_no_amount(cell: str) -> None:
    assert amount(cell) is None
