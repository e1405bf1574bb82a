from datetime import date

import pytest

from terakoya.errors import BadInput
from workflows.tools.testing import ScriptedTool
from workflows.tools.wanting import CALCULATOR, CALENDAR, Wish, wants_tool

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("question", "expression"),
    [
        ("12×34は？", "12×34"),
        ("１２３＋４５６はいくつですか", "123+456"),
        ("2の10乗を計算して", "2の10乗"),
        ("3000円の8%はいくら？", "3000円の8%"),
        ("What is 2^10?", "2^10"),
        ("Calculate 3 * (4 + 5) please", "3 * (4 + 5)"),
        ("5/14を計算して", "5/14"),
        ("1/2 + 1/3 = ?", "1/2 + 1/3"),
        ("2+2", "2+2"),
    ],
)
def test_a_calculation_goes_to_the_calculator(question, expression):
    assert wants_tool(question, today=TODAY) == Wish(tool=CALCULATOR, arguments={"expression": expression})


@pytest.mark.parametrize(
    ("question", "when"),
    [
        ("先週何を勉強した？", "先週"),
        ("５月の第２週に何を勉強しましたか？", "5月の第2週"),
        ("先週やったことを教えて", "先週"),
        ("12月1日のログを見せて", "12月1日"),
        ("what did I study in the week of July 7?", "week of july 7"),
        ("What did I learn last week?", "last week"),
        ("list what I studied between July 7 and July 14", "july 7 and july 14"),
    ],
)
def test_a_question_for_days_of_the_log_goes_to_the_calendar(question, when):
    assert wants_tool(question, today=TODAY) == Wish(tool=CALENDAR, arguments={"when": when})


@pytest.mark.parametrize(
    "question",
    [
        "What is BM25?",
        "2の補数とは？",
        "TCP/IPとは？",
        "C++とは",
        "5/14は？",
        "What is 2NF?",
        "8ビットの2の補数で表せる範囲は？",
        "先週の講義で習ったベイズの定理とは何ですか",
        "When did I study SQL last week?",
        "1889年に何があった?",
        "今日は何の日？",
        "消費税10%で3000円の品物の税込価格は？",
        "",
        "@nobody.write {}",
    ],
)
def test_a_question_for_the_notes_wants_no_tool(question):
    assert wants_tool(question, today=TODAY, servers=["memory"] if "@" in question else ()) is None


@pytest.mark.parametrize(
    "question",
    [
        "memory サーバーに何がある？",
        "Please use the memory server",
        "read graph の結果は?",
        "「統計は金曜」と覚えて",
        "Add a task: buy a notebook",
        "Create an entity for Mendel",
    ],
)
def test_with_servers_a_request_is_a_matter_for_the_model(question):
    tools = [ScriptedTool(name="memory__read_graph", server="memory")]
    assert wants_tool(question, today=TODAY, servers=["memory"], tools=tools) == Wish(arguments={})
    assert wants_tool(question, today=TODAY) is None


def test_a_call_in_writing_names_tool_and_arguments():
    asked = '@memory.create {"name": "メンデル"}'
    assert wants_tool(asked, today=TODAY, servers=["memory"]) == Wish(
        tool="memory__create", arguments={"name": "メンデル"}
    )
    assert wants_tool("@calculator {}", today=TODAY) == Wish(tool="calculator", arguments={})


@pytest.mark.parametrize("arguments", ["{1}", '{"a": }', "{" * 5000 + "}"])
def test_a_call_in_writing_that_is_no_json_is_refused_in_words(arguments):
    with pytest.raises(BadInput) as refused:
        wants_tool(f"@memory.create {arguments}", today=TODAY, servers=["memory"])
    assert refused.value.key == "tool_written"
    assert refused.value.message("ja")
