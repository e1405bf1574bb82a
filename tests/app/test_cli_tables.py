"""Tables and trees on a terminal's grid: they fit, they align, and names steer nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from app.cli.cells import cut, cut_middle, filled, one_line
from app.cli.listing import table
from app.cli.tree import draw
from terakoya.api import NoteBlock, NoteProblem, NoteSummary, NoteTree

TEXTS = st.lists(
    st.sampled_from([*"ab /.細胞ｶﾞéが①…", "👨\u200d👩\u200d👧", "🇯🇵", "e\u0301"]), max_size=40
).map("".join)
NASTY = "evil\x1b[31m\x9b2J\r\nline\tname\u2028.md"


def note(source: str, **given) -> NoteSummary:
    settled = {
        "title": "細胞",
        "language": "ja",
        "encoding": "utf-8",
        "repair": None,
        "chunks": 3,
        "characters": 99,
    }
    return NoteSummary(source=source, **{**settled, **given})


NOTES = [
    note("生物/細胞.md", title="細胞のはたらきと構造についてのとても長い題名"),
    note("a/very/long/path/that/goes/on/and/on/until/its/end/network.md", title="Networking", chunks=1234),
    note(NASTY, title="\x1b]0;owned\x07", problems=[NoteProblem(code="doubtful", message="…")]),
    note("👨\u200d👩\u200d👧 family 🇯🇵.md", repair="cp932 as latin-1"),
]


@given(TEXTS, st.integers(1, 60))
def test_what_is_cut_fits_and_what_fits_is_not_cut(line: str, cells: int) -> None:
    for made in (cut(line, cells), cut_middle(line, cells)):
        assert cell_len(made) <= cells
        assert made == line or cell_len(line) > cells
    assert cell_len(filled(cut(line, cells), cells)) == cells


@given(st.text(max_size=30))
def test_one_line_holds_no_break_and_no_control_character(content: str) -> None:
    line = one_line(content)
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" for c in line)


def test_a_path_that_is_cut_keeps_its_name() -> None:
    assert cut_middle("a/very/long/path/to/細胞.md", 16).endswith("to/細胞.md")


@pytest.mark.parametrize("columns", [72, 80, 100, 200])
def test_the_table_fits_the_terminal(columns: int) -> None:
    lines = list(table(NOTES, columns))
    assert len(lines) == 1 + len(NOTES)
    assert max(map(cell_len, lines)) <= columns


def test_a_narrow_terminal_gets_no_titles() -> None:
    assert "細胞のはたらき" not in "".join(table(NOTES, 56))
    assert "TITLE" not in next(iter(table(NOTES, 56)))


def test_where_no_person_watches_nothing_is_cut() -> None:
    lines = list(table(NOTES, None))
    assert lines[1].startswith(NOTES[0].source)
    assert NOTES[0].title in lines[1]
    assert NOTES[1].source in lines[2]


def test_columns_stand_one_below_the_other_whatever_the_names(monkeypatch) -> None:
    monkeypatch.setenv("TERAKOYA_LANGUAGE", "ja")
    lines = list(table(NOTES[:3], None))
    places = {cell_len(line[: line.index("utf-8")]) for line in lines[1:]}
    assert len(places) == 1


def test_repair_and_problems_have_a_column_only_where_there_are_some() -> None:
    assert "REPAIR" not in next(iter(table(NOTES[:2], None)))
    assert "PROBLEMS" not in next(iter(table(NOTES[:2], None)))
    assert next(iter(table(NOTES, None))).split()[-1] == "PROBLEMS"


def block(kind, first: int, last: int, content: str, *children: NoteBlock, **given) -> NoteBlock:
    return NoteBlock(
        kind=kind,
        start_line=first,
        end_line=last,
        start=0,
        end=9,
        text=content,
        children=list(children),
        **given,
    )


TREE = NoteTree(
    source="a.md",
    title="",
    passages=4,
    blocks=[
        block(
            "heading",
            1,
            9,
            "# 学習ログ",
            block(
                "item", 3, 5, "- **分散** 分析", block("item", 4, 4, "  - F 値", passages=[1]), passages=[1]
            ),
            block("paragraph", 7, 9, "長い段落。" * 40, passages=[2, 3], date="2026-01-03"),
            level=1,
            passages=[1],
        ),
        block("code", 11, 12, "```\n**stays**\x1b[2J", passages=[4]),
    ],
)


def test_the_tree_shows_kinds_lines_passages_days_and_words() -> None:
    assert [line.split() for line in draw(TREE, 80)] == [
        ["PASSAGE", "BLOCK", "LINES", "CHARACTERS", "DATE", "TEXT"],
        ["1", "├─", "heading", "1", "1-9", "0-9", "学習ログ"],
        ["│", "├─", "item", "3-5", "0-9", "分散", "分析"],
        ["│", "│", "└─", "item", "4", "0-9", "F", "値"],
        ["2-3", "│", "└─", "paragraph", "7-9", "0-9", "2026-01-03", "長い段落。長い段落。長…"],
        ["4", "└─", "code", "11-12", "0-9", "```", "**stays**[2J"],
    ]


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_tree_fits_and_aligns_in_both_languages(monkeypatch, language: str) -> None:
    monkeypatch.setenv("TERAKOYA_LANGUAGE", language)
    lines = list(draw(TREE, 70))
    assert max(map(cell_len, lines)) <= 70
    assert len({cell_len(line[: line.index("0-9")]) for line in lines[1:]}) == 1


def test_a_note_without_blocks_draws_nothing() -> None:
    assert list(draw(NoteTree(source="a.md", title="", passages=0, blocks=[]), 80)) == []
