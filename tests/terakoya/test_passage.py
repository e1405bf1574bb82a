"""Positions: what a passage tells of where its text stands in the file."""

import pytest

from terakoya.types import Passage

SOURCE = "# A\n\n<b>bold</b> and <i>plain</i>\nsecond line\n"
TEXT = "bold and plain\nsecond line"


@pytest.fixture
def passage() -> Passage:
    return Passage(
        id="p",
        source="a.md",
        heading=("A",),
        ancestors=(),
        start_line=3,
        end_line=4,
        start=SOURCE.index("bold"),
        end=SOURCE.index("line") + 4,
        text=TEXT,
        cuts=((4, 4), (9, 3), (14, 4)),
    )


def test_each_character_is_the_same_one_in_the_source(passage: Passage) -> None:
    assert "".join(SOURCE[passage.source_offset(i)] for i in range(len(TEXT))) == TEXT


@pytest.mark.parametrize(
    ("piece", "lines"),
    [("bold", (3, 3)), ("second line", (4, 4)), ("plain\nsecond", (3, 4)), ("plain\n", (3, 3)), ("", (3, 3))],
)
def test_lines_count_from_the_first_line_of_the_passage(
    passage: Passage, piece: str, lines: tuple[int, int]
) -> None:
    start = TEXT.index(piece)
    assert passage.lines(start, start + len(piece)) == lines
