"""A table being read: cells that go over several columns or rows get their place."""

from typing import Final

_WIDEST: Final = 60
_LOWEST: Final = 1000
_REPEATED: Final = 200
"""Characters of a cell that is written again in each row that it reaches into; a longer one is not."""
_MOST_REPEATED: Final = 100_000


class Grid:
    """Rows of cells. A cell over several rows stands in each of them, so that every row can be read alone."""

    def __init__(self) -> None:
        self.is_open = False
        self._last = 0  # column of the open cell
        self._rows: list[list[str]] = []
        self._reaching: dict[int, tuple[int, int, int]] = {}  # column: row and column of the cell, last row
        self._repeated = 0

    def row(self) -> None:
        """A row begins."""
        self._fill()
        self._rows.append([])
        self.is_open = False

    def cell(self, across: int = 1, down: int = 1) -> None:
        """A cell begins in the first free column of the row."""
        if not self._rows:
            self.row()
        self._fill()
        row, number = self._rows[-1], len(self._rows) - 1
        column = len(row)
        across = max(1, min(across, _WIDEST))
        if down > 1:
            for place in range(column, column + across):
                self._reaching[place] = number, column, number + min(down, _LOWEST) - 1
        row += [""] * across
        self._last = column
        self.is_open = True

    def add(self, text: str) -> None:
        """More text in the open cell."""
        row = self._rows[-1]
        row[self._last] = f"{row[self._last]} {text}".strip()

    def put(self, text: str, across: int = 1, down: int = 1) -> None:
        """A cell with its text."""
        self.cell(across, down)
        self.add(text)

    def repeat(self, across: int = 1) -> None:
        """A cell that goes on with the one above it, as formats write it that know no `down`."""
        above = self._rows[-2] if len(self._rows) > 1 else []
        column = len(self._rows[-1])
        text = above[column] if column < len(above) else ""
        self.put(self._bounded(text), across)

    def rows(self) -> list[list[str]]:
        """The table as it stands."""
        self._fill()
        return self._rows

    def _fill(self) -> None:
        """Writes what reaches from above into the columns that come next."""
        if not self._rows or not self._reaching:
            return
        row, number = self._rows[-1], len(self._rows) - 1
        while reached := self._reaching.get(place := len(row)):
            at, column, last = reached
            if at == number:
                return
            if last <= number:
                del self._reaching[place]
            if last < number:  # the rows between were too short
                return
            text = self._rows[at][column] if place == column else ""
            row.append(self._bounded(text))

    def _bounded(self, text: str) -> str:
        """`text` where it may be written again, else nothing."""
        self._repeated += len(text)
        return text if len(text) <= _REPEATED and self._repeated <= _MOST_REPEATED else ""
