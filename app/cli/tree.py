"""The tree of a note, one block a line: where it stands, what it is, how it begins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.cli.cells import cut, filled, one_line, width
from ingest.plain import plain
from terakoya.api import NoteBlock, NoteTree
from terakoya.catalogue import text

_SHORTEST: Final = 12
"""Cells that the beginning of a block's text gets however narrow the terminal is."""
_UNWATCHED: Final = 80
"""Cells of it where no terminal limits the line."""
_AS_WRITTEN: Final = frozenset({"code", "formula", "metadata"})


@dataclass(frozen=True, slots=True)
class _Row:
    passage: str
    branch: str
    lines: str
    characters: str
    date: str
    words: str


def draw(tree: NoteTree, columns: int | None) -> Iterator[str]:
    """The lines of the drawing, the titles of its columns first; none for a note without blocks.

    It is no wider than `columns` while that leaves room for some words. None stands for no terminal.

    The first column holds the number of the passage that begins with the block, or the first and the last
    where one block was cut into several.
    """
    rows = list(_rows(tree.blocks, "", _Passages()))
    if not rows:
        return
    titles = _Row(
        passage=text("cli.column_passage"),
        branch=text("cli.column_block"),
        lines=text("cli.column_lines"),
        characters=text("cli.column_characters"),
        date=text("cli.column_date") if any(row.date for row in rows) else "",
        words=text("cli.column_text"),
    )
    table = [titles, *rows]
    sizes = [max(width(cell) for cell in column) for column in zip(*map(_cells, table), strict=True)]
    taken = sum(size + 2 for size in sizes if size)
    room = _UNWATCHED if columns is None else max(_SHORTEST, columns - taken)
    for row in table:
        cells = (
            filled(cell, size, right=number in (0, 2, 3))
            for number, (cell, size) in enumerate(zip(_cells(row), sizes, strict=True))
            if size
        )
        yield "  ".join((*cells, cut(row.words, room))).rstrip()


def _cells(row: _Row) -> tuple[str, ...]:
    return row.passage, row.branch, row.lines, row.characters, row.date


class _Passages:
    """Tells the number of a passage where it is first met."""

    def __init__(self) -> None:
        self._last = 0

    def new_in(self, block: NoteBlock) -> str:
        new = [number for number in block.passages if number > self._last]
        if not new:
            return ""
        self._last = new[-1]
        return str(new[0]) if len(new) == 1 else f"{new[0]}-{new[-1]}"


def _rows(blocks: Sequence[NoteBlock], before: str, passages: _Passages) -> Iterator[_Row]:
    for block in blocks:
        last = block is blocks[-1]
        first_line, last_line = block.start_line, block.end_line
        yield _Row(
            passage=passages.new_in(block),
            branch=f"{before}{'└─' if last else '├─'} {_kind(block)}",
            lines=str(first_line) if first_line == last_line else f"{first_line}-{last_line}",
            characters=f"{block.start}-{block.end}",
            date=block.date,
            words=_words(block),
        )
        yield from _rows(block.children, before + ("   " if last else "│  "), passages)


def _kind(block: NoteBlock) -> str:
    kind = text(f"cli.kind_{block.kind}")
    return f"{kind} {block.level}" if block.level else kind


def _words(block: NoteBlock) -> str:
    beginning = block.text.partition("\n")[0] if block.kind == "table" else block.text[:1000]
    shown = beginning if block.kind in _AS_WRITTEN else plain(beginning) or beginning
    return " ".join(one_line(shown).split())
