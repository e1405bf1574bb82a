"""Which block stands under which day, and which year a date without one gets."""

from collections.abc import Iterator, Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunks import chunk
from ingest.document import Node
from ingest.markdown import parse
from ingest.plain import plain


def flat(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from flat(node.children)


def dates(text: str, *, name: str = "", plain_text: bool = False) -> list[tuple[str, str]]:
    """(first line as plain text, date) of each block."""
    document = parse(text, name=name, plain_text=plain_text)
    return [
        (plain(text[n.start : n.end]).split("\n")[0], n.date)
        for n in flat(document.nodes)
        if n.kind not in ("metadata", "table")
    ]


def days(*headings: str, before: str = "") -> list[str]:
    text = before + "".join(f"## {heading}\n\ntext\n\n" for heading in headings)
    return [node.date for node in parse(text).nodes if node.kind == "heading" and node.level == 2]


def test_a_heading_dates_its_section() -> None:
    assert dates(
        "# Log\n\n## 2024-05-01\n\na\n\n### b\n\n- c\n  - d\n\n## 2024-05-02\n\ne\n\n# End\n\nf\n"
    ) == [
        ("Log", ""),
        ("2024-05-01", "2024-05-01"),
        ("a", "2024-05-01"),
        ("b", "2024-05-01"),
        ("c", "2024-05-01"),
        ("d", "2024-05-01"),
        ("2024-05-02", "2024-05-02"),
        ("e", "2024-05-02"),
        ("End", ""),
        ("f", ""),
    ]


def test_a_heading_of_the_same_level_without_a_date_ends_it() -> None:
    assert dates("## 2024-05-01\n\na\n\n## Appendix\n\nb\n")[-1] == ("b", "")


def test_an_item_dates_what_is_nested_in_it() -> None:
    assert dates("- 2024-05-01 a\n  - b\n\n    c\n- d\n") == [
        ("2024-05-01 a", "2024-05-01"),
        ("b", "2024-05-01"),
        ("c", "2024-05-01"),
        ("d", ""),
    ]


def test_an_item_or_line_that_is_nothing_but_a_date_holds_for_what_follows() -> None:
    assert dates("- 2024-05-01\n- a\n- 2024-05-02\n- b\n") == [
        ("2024-05-01", "2024-05-01"),
        ("a", "2024-05-01"),
        ("2024-05-02", "2024-05-02"),
        ("b", "2024-05-02"),
    ]
    assert dates("2024-05-01\n\na\n\n## b\n\nc\n\n2024-05-02\n\nd\n\n## e\n\nf\n") == [
        ("2024-05-01", "2024-05-01"),
        ("a", "2024-05-01"),
        ("b", "2024-05-01"),
        ("c", "2024-05-01"),
        ("2024-05-02", "2024-05-02"),
        ("d", "2024-05-02"),
        ("e", "2024-05-02"),
        ("f", "2024-05-02"),
    ]


def test_a_sentence_that_begins_with_a_date_dates_itself_alone() -> None:
    assert dates("1945年8月15日、戦争が終わった。\n\n次の段落。\n") == [
        ("1945年8月15日、戦争が終わった。", "1945-08-15"),
        ("次の段落。", ""),
    ]


def test_the_end_of_a_section_ends_the_line_that_dates_it() -> None:
    assert dates("# a\n\n## b\n\n2024-05-01\n\nc\n\n### d\n\n## e\n\nf\n") == [
        ("a", ""),
        ("b", ""),
        ("2024-05-01", "2024-05-01"),
        ("c", "2024-05-01"),
        ("d", "2024-05-01"),
        ("e", ""),
        ("f", ""),
    ]


def test_each_line_of_a_paragraph_that_begins_with_a_date_is_an_entry() -> None:
    text = "2024/5/1 数学\nつづき\n5/2 英語\n5/3\n休み\n"
    assert dates(text, plain_text=True) == [
        ("2024/5/1 数学", "2024-05-01"),
        ("5/2 英語", "2024-05-02"),
        ("5/3", "2024-05-03"),
    ]


def test_a_wrapped_line_that_begins_with_a_date_is_none() -> None:
    assert dates("The exam is on\n5/12 and not on\n5/13.\n") == [("The exam is on", "")]


@pytest.mark.parametrize("header", ["日付 | 内容", "Date | what", "内容 | 日付"])
def test_a_row_is_dated_by_its_first_cell_or_by_its_header(header: str) -> None:
    first, second = ("5/1", "a") if header.startswith(("日", "D")) else ("a", "5/1")
    text = f"# 2024年\n\n| {header} |\n|---|---|\n| {first} | {second} |\n| b | c |\n"
    rows = [n for n in flat(parse(text).nodes) if n.kind == "row"]
    assert [row.date for row in rows] == ["2024-05-01", ""]


def test_code_formulas_quotes_and_images_stand_under_the_day_too() -> None:
    text = "## 2024-05-01\n\n```\n2023-01-01\n```\n\n$$\nx\n$$\n\n> 2023-01-01\n\n![a](b.png)\n"
    assert {n.date for n in parse(text).nodes} == {"2024-05-01"}


@pytest.mark.parametrize(
    "text",
    [
        "- 1/2 cup\n- 3/4 spoon\n",
        "- 1/2\n- 3/4\n",
        "| a |\n|---|\n| 1/2 |\n",
        "- 3/4 英語\n",
        "1/2\n",
        "- 1.2.3\n- 24/7\n",
    ],
)
def test_shares_are_no_dates(text: str) -> None:
    assert {n.date for n in flat(parse(text).nodes)} == {""}


def test_what_may_be_a_share_is_a_date_in_the_company_of_dates() -> None:
    assert dates("- 1/2 英語\n- 1/15 数学\n") == [("1/2 英語", "--01-02"), ("1/15 数学", "--01-15")]
    assert dates("## 1/2\n\na\n") == [("1/2", "--01-02"), ("a", "--01-02")]


def test_without_any_year_the_date_has_none() -> None:
    assert days("12/1", "12/31", "1/1", "2/29") == ["--12-01", "--12-31", "--01-01", "--02-29"]


@pytest.mark.parametrize(
    "before",
    [
        "# 2024年\n\n",
        "# Study log 2024\n\n",
        "2024年\n\n",
        "---\ndate: 2024-11-03\n---\n",
        "---\ncreated: 2024/11/3 10:00\n---\n",
        "# T\n\nCreated: November 3, 2024\n\n",
    ],
)
def test_the_year_is_the_nearest_one_named_above(before: str) -> None:
    assert days("12/1", "12/2", before=before) == ["2024-12-01", "2024-12-02"]


def test_a_nearer_year_goes_before_a_farther_one() -> None:
    text = "---\ndate: 2020-01-01\n---\n\n# 2023年\n\n## 5/1\n\n# 2024年\n\n## 5/1\n"
    assert [day for _, day in dates(text) if day] == ["2023-05-01", "2024-05-01"]


def test_the_last_full_date_names_the_year() -> None:
    assert days("2023-05-01", "5/2", "2024-05-01", "5/2") == [
        "2023-05-01",
        "2023-05-02",
        "2024-05-01",
        "2024-05-02",
    ]


def test_an_ascending_log_goes_on_to_the_next_year() -> None:
    assert days("12/30", "12/31", "1/1", "1/5", "7/1", "12/1", "1/3", before="# 2024年\n\n") == [
        "2024-12-30",
        "2024-12-31",
        "2025-01-01",
        "2025-01-05",
        "2025-07-01",
        "2025-12-01",
        "2026-01-03",
    ]


def test_a_descending_log_goes_back_to_the_year_before() -> None:
    assert days("1/5", "1/1", "12/31", "12/30", "6/1", "1/3", "12/20", before="# 2024年\n\n") == [
        "2024-01-05",
        "2024-01-01",
        "2023-12-31",
        "2023-12-30",
        "2023-06-01",
        "2023-01-03",
        "2022-12-20",
    ]


def test_a_slip_in_the_order_moves_no_year() -> None:
    assert days("12/8", "12/10", "12/9", "12/11", "12/8", before="# 2024年\n\n") == [
        "2024-12-08",
        "2024-12-10",
        "2024-12-09",
        "2024-12-11",
        "2024-12-08",
    ]
    assert days("12/30", "1/3", "12/31", "1/4", before="# 2024年\n\n") == [
        "2024-12-30",
        "2025-01-03",
        "2024-12-31",
        "2025-01-04",
    ]


def test_a_gap_of_months_is_no_slip() -> None:
    assert days("9/1", "9/2", "4/1", "12/1", before="# 2024年\n\n") == [
        "2024-09-01",
        "2024-09-02",
        "2025-04-01",
        "2025-12-01",
    ]


def test_a_fiscal_year_begins_in_april() -> None:
    assert days("4/10", "12/20", "1/10", "3/1", before="# 2024年度\n\n") == [
        "2024-04-10",
        "2024-12-20",
        "2025-01-10",
        "2025-03-01",
    ]


def test_a_deadline_in_a_list_does_not_lead_the_headings_astray() -> None:
    text = "# 2024年\n\n## 12/1\n\n- 2026-03-31 deadline\n- 1/15 exam\n\n## 12/2\n\n- a\n"
    assert dates(text)[-2:] == [("12/2", "2024-12-02"), ("a", "2024-12-02")]


def test_an_entry_takes_the_year_of_the_date_around_it() -> None:
    text = "# 2024年\n\n## 12/31\n\n## 1/2\n\n- 1/3 plan\n"
    assert dates(text)[-1] == ("1/3 plan", "2025-01-03")


def test_a_log_goes_on_from_paragraphs_to_items() -> None:
    text = "2024年\n\n12/30 数学\n\n1/1(水) 休み\n\n・1/20 英語\n"
    assert [day for _, day in dates(text) if day] == ["2024-12-30", "2025-01-01", "2025-01-20"]


def test_the_29th_of_february_gets_no_year_that_lacks_it() -> None:
    assert days("2/29", before="# 2024年\n\n") == ["2024-02-29"]
    assert days("2/29", before="# 2023年\n\n") == ["--02-29"]


def test_months_and_the_days_below_them() -> None:
    text = "# 2024年\n\n## 12月\n\na\n\n### 3日(火)\n\nb\n\n## 1月\n\n- 5日: c\n- 3日で終わった\n"
    assert dates(text)[1:] == [
        ("12月", "2024-12"),
        ("a", "2024-12"),
        ("3日(火)", "2024-12-03"),
        ("b", "2024-12-03"),
        ("1月", "2025-01"),
        ("5日: c", "2025-01-05"),
        ("3日で終わった", "2025-01"),
    ]


@pytest.mark.parametrize("heading", ["2024年5月", "2024-05", "May 2024"])
def test_a_month_names_the_year_below_it(heading: str) -> None:
    assert dates(f"# {heading}\n\na\n\n## 5/3\n\nb\n") == [
        (heading, "2024-05"),
        ("a", "2024-05"),
        ("5/3", "2024-05-03"),
        ("b", "2024-05-03"),
    ]


def test_a_daily_note_stands_under_its_name() -> None:
    assert dates("a\n\n## 5/3\n\nb\n", name="2024-05-01 水") == [
        ("a", "2024-05-01"),
        ("5/3", "2024-05-03"),
        ("b", "2024-05-03"),
    ]


def test_dates_reach_the_blocks_of_chunks_however_they_are_cut() -> None:
    text = "## 2024-05-01\n\n" + "長い文である。" * 500 + "\n\n- item\n" + "  - 細目である\n" * 300
    blocks = [block for piece in chunk(parse(text)) for block in piece.blocks]
    assert {block.date for block in blocks} == {"2024-05-01"}


ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(["# ", "## ", "- ", "  - ", "", "> ", "1. ", "|"]),
        st.sampled_from(
            ["5/1", "12/31", "1/2", "2/29", "2024-05-01", "2023年", "2024年度", "5月", "3日", "May 3", "a"]
        ),
        st.sampled_from(["", " text", "\n"]),
    ).map("".join),
    max_size=15,
).map("\n".join)


@settings(max_examples=300, deadline=None)
@given(ENTRIES)
def test_a_date_is_a_day_or_a_month_of_the_calendar(text: str) -> None:
    for node in flat(parse(text).nodes):
        if node.date.startswith("--"):
            date.fromisoformat(f"2024-{node.date[2:]}")
        elif node.date:
            date.fromisoformat(node.date if len(node.date) == 10 else f"{node.date}-01")


@pytest.mark.parametrize(
    ("front", "day"),
    [
        ("date: 2024-11-03", "2024-11-03"),
        ("date: 2024-11-03T10:00:00+09:00", "2024-11-03"),
        ("日付: 2024年11月3日", "2024-11-03"),
        ("created: 2024-11-03", ""),
        ("date: 2024-11", ""),
        ("date: [2024, 11]", ""),
    ],
)
def test_a_note_without_a_date_in_it_stands_under_that_of_its_front_matter(front: str, day: str) -> None:
    text = f"---\n{front}\n---\n\n# Cells\n\nA paragraph.\n\n- an item\n  - below\n"
    assert {found for _, found in dates(text)} == {day}
