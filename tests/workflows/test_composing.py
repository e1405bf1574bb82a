"""Composing: from chosen units to an answer that reads well."""

import pytest

from terakoya.text.analyser import Analyser
from terakoya.text.question import analyse_question
from workflows.composing import OUTLINE_LINES, cite, compose
from workflows.testing import passage
from workflows.units import Unit, units_of


def unit_with(passage, quote: str) -> Unit:
    return min((u for u in units_of(passage) if quote in u.text), key=lambda u: len(u.text))


def test_a_citation_counts_lines_and_characters_of_the_source() -> None:
    of = passage("first\nsecond line", source="a.md", heading=["H"], start_line=10, start=100)
    made = cite(of, 6, 12, 3)
    assert (made.marker, made.source, made.heading, made.quote) == (3, "a.md", ("H",), "second")
    assert (made.start_line, made.end_line, made.start, made.end) == (11, 11, 106, 112)


def test_characters_that_the_view_leaves_out_are_counted(read) -> None:
    source = "# H\n\nThe <b>bold</b> word<br>ends."
    (of,) = read(source)
    at = of.text.index("bold word")
    made = cite(of, at, at + len("bold word"), 1)
    assert source[made.start : made.end] == "bold</b> word"


def test_units_are_told_in_reading_order_under_their_heading(analyser: Analyser, read) -> None:
    passages = read("# 生物\n\n- 光合成は葉緑体で行う。\n- 呼吸はミトコンドリアで行う。\n")
    units = [unit_with(passages[0], "呼吸"), unit_with(passages[0], "光合成")]
    text, citations = compose(analyse_question("光合成と呼吸とは？", analyser), units)
    assert [c.quote for c in citations] == ["- 光合成は葉緑体で行う。", "- 呼吸はミトコンドリアで行う。"]
    assert [c.marker for c in citations] == [1, 2]
    assert text.index("光合成は") < text.index("[1]") < text.index("呼吸は") < text.index("[2]")
    assert text.count("生物") == 1


def test_a_row_is_shown_below_its_header_and_quoted_alone(analyser: Analyser, read) -> None:
    (of,) = read("| 用語 | 意味 |\n|---|---|\n| TCP | 順序を守る |\n| UDP | 速い |\n")
    row = next(u for u in units_of(of) if u.kind == "row" and "TCP" in u.text)
    text, (citation,) = compose(analyse_question("TCPとは？", analyser), [row])
    assert "| 用語 | 意味 |\n|---|---|\n| TCP | 順序を守る |\n\n[1]" in text
    assert citation.quote == "| TCP | 順序を守る |"


def test_a_mark_never_stands_inside_code(analyser: Analyser, read) -> None:
    (of,) = read("# 表示\n\n```python\nprint(1)\n```\n")
    code = next(u for u in units_of(of) if u.kind == "code")
    text, _ = compose(analyse_question("表示のコードは？", analyser), [code])
    assert text.endswith("```python\nprint(1)\n```\n\n[1]")


def test_a_long_list_is_shown_by_its_first_levels_and_quoted_whole(analyser: Analyser, read) -> None:
    lines = ["- 大項目"]
    for n in range(6):
        lines += [f"  - 中項目{n}", f"    - 小項目{n}a", f"    - 小項目{n}b"]
    (of,) = read("\n".join(lines) + "\n")
    whole = next(u for u in units_of(of) if u.kind == "item" and u.text.startswith("- 大項目"))
    text, (citation,) = compose(analyse_question("大項目とは？", analyser), [whole])
    assert len(lines) > OUTLINE_LINES
    assert "中項目5" in text
    assert "小項目" not in text
    assert citation.quote == "\n".join(lines)


@pytest.mark.parametrize("heading", ["{x}", "100%", "“q”"])
def test_any_heading_can_be_named(analyser: Analyser, heading: str) -> None:
    of = passage("光合成は葉緑体で行う。", heading=[heading])
    text, _ = compose(analyse_question("光合成とは？", analyser), units_of(of))
    assert heading in text
