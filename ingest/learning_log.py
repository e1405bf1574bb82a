"""Which block of a note stands under which day, where the note is a log.

A date counts at the head of a heading, a list item, a paragraph, or a table's row (its first cell, or one below a
header such as 日付 or Date). A heading's date holds for its section: up to the next heading of the same or a higher
level. A paragraph or an item that is nothing but a date, with nothing nested in it, holds for what follows it in the
same section, up to the next such date or a dated heading. Any other date holds for its own block and what is nested
in it. Where dates are nested the nearest one holds; a note whose name is a date stands under that day as a
whole, and so does one without any date in it whose front matter gives it a `date`.
`1/2`, which may be a half, is a date only as a heading, or in a note with other dates.

Dates without a year get one by this rule:

1. The year is the nearest one named above: by a heading (`2024年`, `Study log 2024`; of a fiscal year, 年度, January
   to March lie in the next one), by the last full date, by the date around it, or by the note's `date` or `created`.
   For a heading, a year that a list names counts only where there is no other.
2. Along a series (headings of one level; items and paragraphs of one depth; rows) the year goes on by one where the
   series is ascending and passes from December to January, and back by one where it is descending and passes from
   January to December. A step of up to 60 days against the direction is taken for a slip in the order, any longer
   one for a new year. The direction is that of most steps of up to 60 days, the shorter way around the year; without
   any, of most steps. In a fiscal year nothing moves on.
3. Where no year is known the date is `--MM-DD`, and a month alone is none.
"""

import re
from calendar import isleap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

from ingest.dates import Day, Year, day_at_head, year_named
from ingest.document import Node
from ingest.plain import cells, plain

_YEAR: Final = 366
_SLIP: Final = 60
"""Days that an entry may stand out of order."""
_MAY_BE_DATE: Final = re.compile(
    r"[\d０-９]|[Jj]an|Feb|Ma[ry]|Apr|Ju[nl]|Aug|Sep|Oct|Nov|Dec|J[AU]|FEB|MA|APR|AUG|SEP|OCT|NOV|DEC"
)
_DATE_COLUMN: Final = re.compile(
    r"\s*(?:日付|日時|年月日|実施日|学習日|勉強日|日|date|day|when)\s*", re.IGNORECASE
)
_HEADING, _LINE, _BLOCK = 1, 2, 3  # ranks: what a date of a lower number says holds for the higher ones
_ENTRY: Final = re.compile(r"\D*[\d０-９]{1,2}日\s*[:：(（]")
_LOOKED_AT: Final = 200

Series = tuple[str, int, int]


def date_blocks(
    nodes: Sequence[Node], text: str, *, year: Year | None = None, whole: Day | None = None
) -> None:
    """Sets `date` of `nodes` and of what is nested in them; see the module for the rules.

    Args:
        nodes: Top-level blocks in reading order.
        text: The view that they point into.
        year: That the note's properties or its name give.
        whole: The day that the note as a whole stands under.
    """
    heads = _heads(nodes, text)
    if not heads and not whole:
        return
    _Walk(heads, year, whole).through(nodes)


def splits_by_day(lines: Sequence[str], company: Callable[[], bool]) -> list[int]:
    """The indexes of the lines of a paragraph that begin a new entry; none where it is no log.

    Args:
        lines: Of the paragraph.
        company: Whether there are dates elsewhere in the note that can be nothing else.
    """
    if not _day(lines[0]):
        return []
    days = {i: day for i, line in enumerate(lines) if (day := _day(line)) and day.day}
    if len(days) < 2 or not (any(day.sure for day in days.values()) or company()):
        return []
    return [i for i in days if i]


def has_dates(nodes: Sequence[Node], text: str) -> bool:
    """Whether a date that can be nothing else stands at the head of a block."""
    heads = (_head(node, text) for node in _flat(nodes))
    return any(head and head.day and head.day.day and head.day.sure for head in heads)


@dataclass(frozen=True, slots=True)
class _Head:
    day: Day | None
    named: Year | None = None


def _heads(nodes: Sequence[Node], text: str) -> dict[int, _Head]:
    """What stands at the heads of blocks, by the blocks' start and kind; shares that look like dates left out."""
    heads: dict[int, _Head] = {}
    doubtful: list[int] = []
    company = False
    for node in _flat(nodes):
        head = _head(node, text)
        if not head:
            continue
        heads[id(node)] = head
        if head.day and (head.day.sure or node.kind == "heading"):
            company = company or head.day.day is not None
        elif head.day:
            doubtful.append(id(node))
    for key in () if company else doubtful:
        del heads[key]
    return heads


def _flat(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _flat(node.children)


def _head(node: Node, text: str) -> _Head | None:
    if node.kind == "row":
        day = _row_day(node, text[node.start : node.end])
        return _Head(day) if day else None
    if node.kind not in ("heading", "item", "paragraph"):
        return None
    stop = min(node.end, node.start + _LOOKED_AT)
    line = text[node.start : stop].lstrip().split("\n", 1)[0]
    if not _MAY_BE_DATE.search(line):
        return None
    shown = plain(line)
    day = day_at_head(shown)
    if (
        day
        and node.kind != "heading"
        and not day.alone
        and (not day.day or not (day.month or _ENTRY.match(shown)))
    ):
        day = None  # 5月の and 3日 begin sentences
    named = year_named(shown) if node.kind == "heading" or (len(shown) < 12 and not day) else None
    if day and day.year:
        named = None
    return _Head(day, named) if day or named else None


def _day(line: str) -> Day | None:
    line = line[:_LOOKED_AT]
    return day_at_head(plain(line)) if _MAY_BE_DATE.search(line) else None


def _row_day(node: Node, row: str) -> Day | None:
    if not _MAY_BE_DATE.search(row):
        return None
    columns = cells(row[: 4 * _LOOKED_AT])
    for index, cell in enumerate(columns):
        named = index < len(node.header) and _DATE_COLUMN.fullmatch(node.header[index])
        if (index == 0 or named) and (day := day_at_head(cell)) and day.month and (day.day or named):
            return day
    return None


class _Walk:
    """Goes through the blocks in reading order, with the dates that hold and the years that were named."""

    def __init__(self, heads: dict[int, _Head], year: Year | None, whole: Day | None) -> None:
        self.heads = heads
        self.whole = _iso(whole.year, whole.month, whole.day) if whole else ""
        self.position = 0
        self.named: dict[int, tuple[int, Year]] = {0: (0, year)} if year else {}
        self.inferred: dict[int, tuple[int, Year]] = {}
        self.last: dict[Series, tuple[int, int | None, Day]] = {}
        self.forward: dict[Series, bool] = {}
        self.part = 0  # of the note, from one heading or line that names a year to the next
        self.sections: list[tuple[int, str]] = []
        self.lone: tuple[int, str] | None = None  # level of the section that it holds for

    def through(self, nodes: Sequence[Node]) -> None:
        self._find_directions(nodes)
        self.part = 0
        for node in nodes:
            head = self._enter(node)
            if node.kind == "heading":
                self._heading(node, head)
            else:
                self._block(node, head, self._holding())
                if head and head.day and self._stands_alone(node, head.day) and node.date:
                    level = self.sections[-1][0] if self.sections else 0
                    self.lone = (min(level, self.lone[0]) if self.lone else level, node.date)

    def _holding(self) -> str:
        if self.lone:
            return self.lone[1]
        return next((day for _, day in reversed(self.sections) if day), self.whole)

    def _enter(self, node: Node) -> _Head | None:
        self.position += 1
        head = self.heads.get(id(node))
        if head and head.named:
            self.named[_rank(node, head.day)] = (self.position, head.named)
            self.part += 1
        return head

    def _heading(self, node: Node, head: _Head | None) -> None:
        while self.sections and self.sections[-1][0] >= node.level:
            self.sections.pop()
        if self.lone and node.level <= self.lone[0]:
            self.lone = None
        day = self._resolve(node, head.day, self._holding()) if head and head.day else ""
        if day:
            self.lone = None
        self.sections.append((node.level, day))
        node.date = day or self._holding()

    def _block(self, node: Node, head: _Head | None, holding: str) -> None:
        own = self._resolve(node, head.day, holding) if head and head.day else ""
        node.date = holding = own or holding
        for child in node.children:
            found = self._enter(child)
            self._block(child, found, holding)
            if found and found.day and child.date and self._stands_alone(child, found.day):
                holding = child.date

    def _stands_alone(self, node: Node, day: Day) -> bool:
        return day.alone and node.kind in ("paragraph", "item") and not node.children

    def _find_directions(self, nodes: Sequence[Node]) -> None:
        series: dict[Series, list[Day]] = {}
        for node in _flat(nodes):
            head = self.heads.get(id(node))
            self.part += bool(head and head.named)
            if head and head.day and head.day.month:
                series.setdefault(self._series(node), []).append(head.day)
        for key, days in series.items():
            steps = [_step(before, after) for before, after in pairwise(days)]
            votes = [step for step in steps if 0 < abs(step) <= _SLIP] or steps
            self.forward[key] = sum(step > 0 for step in votes) >= sum(step < 0 for step in votes)

    def _series(self, node: Node) -> Series:
        match node.kind:
            case "heading":
                return "heading", node.level, self.part
            case "row":
                return "row", node.depth, self.part
            case _:  # a log may go on from paragraphs to items
                return "entry", node.depth - (node.kind == "item"), self.part

    def _resolve(self, node: Node, day: Day, holding: str) -> str:
        """The date as it is stored; empty where too little of it is known."""
        if day.month is None:
            return f"{holding}-{day.day:02}" if re.fullmatch(r"\d{4}-\d\d", holding) else ""
        rank, key = _rank(node, day), self._series(node)
        if day.year:
            year: int | None = day.year
            self.named[rank] = (self.position, Year(day.year))
        else:
            year = self._year(day, day.month, rank, key)
        self.last[key] = (self.position, year, day)
        if year:
            self.inferred[rank] = (self.position, Year(year))
        return _iso(year, day.month, day.day)

    def _year(self, day: Day, month: int, rank: int, key: Series) -> int | None:
        above = [
            *(named for at, named in self.named.items() if at <= rank),
            *(inferred for at, inferred in self.inferred.items() if at < rank),
        ] or list(self.named.values())
        nearest = max(above, key=lambda entry: entry[0], default=None)
        last = self.last.get(key)
        running = not nearest or (last is not None and last[0] >= nearest[0] and not nearest[1].fiscal)
        if last and last[1] and running:
            return _following(last[1], last[2], day, forward=self.forward[key])
        return nearest[1].of(month) if nearest else None


def _rank(node: Node, day: Day | None) -> int:
    if node.kind == "heading":
        return _HEADING
    return _LINE if node.kind == "paragraph" and (not day or day.alone) else _BLOCK


def _step(before: Day, after: Day) -> int:
    """Days from one to the other; the shorter way around the year where one has no year."""
    days = _of_year(after) - _of_year(before)
    if before.year and after.year:
        return days + _YEAR * (after.year - before.year)
    return (days + _YEAR // 2) % _YEAR - _YEAR // 2


def _following(year: int, before: Day, after: Day, *, forward: bool) -> int:
    """The year of `after`, which follows `before` of `year` in a series that goes forward or backward."""
    days = _of_year(after) - _of_year(before)
    if not forward:
        days = -days
    moved = 1 if days <= -_SLIP else -1 if days >= _YEAR - _SLIP else 0
    return year + (moved if forward else -moved)


def _of_year(day: Day) -> int:
    return date(2000, day.month or 1, day.day or 1).toordinal()


def _iso(year: int | None, month: int | None, day: int | None) -> str:
    if not year:
        return f"--{month:02}-{day:02}" if month and day else ""
    if not month:
        return ""
    if not day:
        return f"{year:04}-{month:02}"
    if (month, day) == (2, 29) and not isleap(year):
        return "--02-29"
    return f"{year:04}-{month:02}-{day:02}"
