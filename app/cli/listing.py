"""The notes of the store as a table that fits the terminal."""

from collections.abc import Iterator, Sequence
from typing import Final

from app.cli.cells import cut, cut_middle, filled, one_line, width
from terakoya.api import NoteSummary
from terakoya.catalogue import text

_SOURCE, _TITLE, _REPAIR, _PASSAGES, _PROBLEMS = 0, 1, 4, 5, 6
_GAP: Final = 2
_SHORT_TITLE: Final = 12
_SHORT_SOURCE: Final = 16


def table(notes: Sequence[NoteSummary], columns: int | None) -> Iterator[str]:
    """The lines of the table, the titles first.

    Args:
        notes: At least one.
        columns: Cells of the terminal: longer sources and titles are cut, and where that does not do, the
            titles are left out. None where no person watches: then all stands there in full.
    """
    titles = (
        text("cli.column_source"),
        text("cli.column_title"),
        text("cli.column_language"),
        text("cli.column_encoding"),
        text("cli.column_repair"),
        text("cli.column_passages"),
        text("cli.column_problems"),
    )
    rows = [titles, *map(_cells, notes)]
    sizes = [max(map(width, column)) for column in zip(*rows, strict=True)]
    for optional in (_REPAIR, _PROBLEMS):
        if not any(row[optional] for row in rows[1:]):
            sizes[optional] = 0
    if columns is not None:
        _fit(sizes, columns)
    for row in rows:
        yield (" " * _GAP).join(_filled(row, sizes)).rstrip()


def _cells(note: NoteSummary) -> tuple[str, ...]:
    return (
        one_line(note.source),
        one_line(note.title),
        one_line(note.language),
        one_line(note.encoding),
        one_line(note.repair or ""),
        str(note.chunks),
        str(len(note.problems) or ""),
    )


def _filled(row: Sequence[str], sizes: Sequence[int]) -> Iterator[str]:
    for number, (cell, size) in enumerate(zip(row, sizes, strict=True)):
        if size:
            fits = cut_middle(cell, size) if number == _SOURCE else cut(cell, size)
            yield filled(fits, size, right=number in (_PASSAGES, _PROBLEMS))


def _fit(sizes: list[int], columns: int) -> None:
    """Takes from source and title what is over `columns`."""

    def over() -> int:
        return sum(size + _GAP for size in sizes if size) - _GAP - columns

    for column, least in ((_TITLE, _SHORT_TITLE * 2), (_SOURCE, _SHORT_SOURCE * 2), (_TITLE, _SHORT_TITLE)):
        if over() > 0:
            sizes[column] = max(min(sizes[column], least), sizes[column] - over())
    if over() > 0 and sizes[_SOURCE] - over() < _SHORT_SOURCE:
        sizes[_TITLE] = 0
    if over() > 0:
        sizes[_SOURCE] = max(_SHORT_SOURCE, sizes[_SOURCE] - over())
