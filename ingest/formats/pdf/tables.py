"""Tables of a PDF: rows whose cells stand in common columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from re import Pattern
from typing import Final

from ingest.formats.pdf.lines import Cell, Line

_CLEAR: Final = 1.2
"""In ems: gaps from here on need no third row to be columns."""
_FEWEST: Final = 3
_ALIGNED: Final = 0.8
_LEADING: Final = 3.0
_GOES_ON: Final = 1.6
_SPARSE: Final = 12
_LONGEST: Final = 2000


@dataclass(slots=True, eq=False)
class _Column:
    left: float
    right: float

    def meets(self, cell: Cell) -> bool:
        return self.left < cell.right and cell.left < self.right


class _Table:
    def __init__(self) -> None:
        self.columns: list[_Column] = []  # from left to right
        self._rows: list[list[tuple[_Column, str]]] = []

    def add(self, cells: Sequence[Cell]) -> bool:
        """Takes a row, unless its cells stand across columns."""
        is_sure = len(self._rows) > 1
        places: list[_Column] = []
        for cell in cells:
            met = [column for column in self.columns if column.meets(cell)]
            if len(met) > 1 and not is_sure:
                return False
            place = (
                met[0] if met else _Column(cell.left, cell.right)
            )  # a merged cell stands in its first column
            if place in places:
                return False
            places.append(place)
        widened = sorted(
            {id(column): column for column in (*self.columns, *places)}.values(), key=lambda c: c.left
        )
        bounds = {id(column): (column.left, column.right) for column in widened}
        for place, cell in zip(places, cells, strict=True):
            if sum(column.meets(cell) for column in self.columns) < 2:
                left, right = bounds[id(place)]
                bounds[id(place)] = min(left, cell.left), max(right, cell.right)
        if any(bounds[id(a)][1] > bounds[id(b)][0] for a, b in pairwise(widened)):
            return False
        for column in widened:
            column.left, column.right = bounds[id(column)]
        self.columns = widened
        self._rows.append([(place, cell.text) for place, cell in zip(places, cells, strict=True)])
        return True

    def go_on(self, cell: Cell, em: float) -> bool:
        """Takes a line that goes on in a cell of the last row, or holds one of it alone."""
        met = [column for column in self.columns if column.meets(cell)]
        if len(met) != 1 or not self._rows:
            return False
        column = met[0]
        if column is self.columns[0] and (
            cell.right > column.right + em or abs(cell.left - column.left) > _ALIGNED * em
        ):
            return False  # text that begins where the table did
        column.left, column.right = min(column.left, cell.left), max(column.right, cell.right)
        self._rows[-1].append((column, cell.text))
        return True

    def filled(self) -> list[list[str]]:
        return [
            [" ".join(text for place, text in row if place is column) for column in self.columns]
            for row in self._rows
        ]


def table_at(lines: Sequence[Line], at: int, marker: Pattern[str]) -> tuple[list[list[str]], int]:
    """The table that begins with line `at`, and the line behind it; no rows where none begins.

    Args:
        lines: Of one page, in reading order.
        at: Where to look.
        marker: What begins an item of a list, whose text is no second cell.
    """
    table = _Table()
    clear = whole = 0
    behind = at
    while behind < len(lines):
        line = lines[behind]
        if behind > at and abs(lines[behind - 1].y - line.y) > _LEADING * max(
            line.size, lines[behind - 1].size
        ):
            break
        if len(line.cells) > 1:
            if marker.match(line.cells[0].text + " ") or not table.add(line.cells):
                break
            whole += 1
            gaps = [b.left - a.right for a, b in pairwise(line.cells)]
            clear += min(gaps) > _CLEAR * line.size
        else:
            is_near = behind > at and abs(lines[behind - 1].y - line.y) <= _GOES_ON * line.size
            if not is_near or len(table.columns) < 2 or not table.go_on(line.cells[0], line.size):
                break
        behind += 1
        if behind - at >= _LONGEST or (behind - at > _SPARSE and 4 * whole < behind - at):
            break
    enough = whole >= _FEWEST or (whole == _FEWEST - 1 and clear == whole)
    if not enough or len(table.columns) < 2 or 3 * whole < behind - at:
        return [], at
    return table.filled(), behind
