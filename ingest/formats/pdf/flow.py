"""The lines of a PDF as blocks: headings, tables, and paragraphs joined where they were wrapped."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from ingest.formats.extract import Extract, Writer, clean
from ingest.formats.pdf.glyphs import is_wide
from ingest.formats.pdf.headings import Headings
from ingest.formats.pdf.lines import Cell, Line
from ingest.formats.pdf.running import without_running
from ingest.formats.pdf.tables import table_at
from terakoya.errors import BadInput

_HYPHENATED: Final = re.compile(r"([^\W\d_]+)-$")
_COMPOUND: Final = re.compile(r"[^\W\d_]+-[^\W\d_]+")
_ENDED: Final = re.compile(r"[.!?。！？．…:：;；][\"'”’」』）)\]]*$")
_MARKER: Final = re.compile(
    r"[・●•▪◦■□◆◇○※►‣]|[-*–]\s|\(?\d{1,3}[.)．）](?!\d)|[(（]\d|[①-⑳]|第[\d一二三四五六七八九十]+[章節回条]"
    r"|(?:図|表|Figure|Table|Fig\.)\s*\d"
)
_LEADERS: Final = re.compile(r"(?:\s*[.…‥]){5,}\s*")
_LOOSE: Final = 1.45
"""Times the usual distance of lines, from which a new paragraph begins."""
_INDENT: Final = 0.7
_APART: Final = 2.5


def written(found: dict[str, Any], *, path: str) -> Extract:
    """What `pages.pages_of` found, as blocks.

    Raises:
        BadInput: There is no text.
    """
    pages = [[line for line in map(_line, page) if line] for page in found["pages"]]
    if not any(pages):
        raise BadInput("note_without_text", path=path)
    outline = [(level, _tidy(title), page) for level, title, page in found.get("outline", ())]
    headings = Headings.of(pages, outline)
    flow = _Flow(headings, {word.lower() for page in pages for line in page for word in _compounds(line)})
    for number, lines in enumerate(without_running(pages, headings.body), start=1):
        flow.page(number, lines)
    flow.end()
    return Extract(text=flow.writer.text, pages=tuple(flow.writer.pages), encoding="pdf")


def _line(packed: list[Any]) -> Line | None:
    y, size, begin, stop, bold, cells = packed
    filled = [Cell(left, right, shown) for left, right, text in cells if (shown := _tidy(text))]
    return Line(filled, y, size, bold, begin, stop) if filled else None


def _tidy(text: str) -> str:
    return " ".join(clean(_LEADERS.sub(" … ", unicodedata.normalize("NFC", text))).split())


def _compounds(line: Line) -> Iterable[str]:
    return (word for cell in line.cells for word in _COMPOUND.findall(cell.text))


@dataclass(slots=True)
class _Open:
    """A paragraph or a heading that goes on."""

    lines: list[Line]
    text: str
    level: int
    page: int
    is_marked: bool


class _Flow:
    """Writes the lines of page after page; a paragraph goes over the end of a column or a page."""

    def __init__(self, headings: Headings, compounds: set[str]) -> None:
        self.writer = Writer()
        self._headings = headings
        self._compounds = compounds
        self._open: _Open | None = None
        self._page = 0
        self._usual = 0.0

    def page(self, number: int, lines: Sequence[Line]) -> None:
        self._page = number
        self._usual = _usual_distance(lines)
        at = 0
        while at < len(lines):
            rows, behind = table_at(lines, at, _MARKER)
            if rows:
                self.end()
                self._turn(number)
                self.writer.table(rows)
                at = behind
            else:
                self._add(lines[at])
                at += 1

    def end(self) -> None:
        """Writes what is open."""
        if self._open is None:
            return
        self._turn(self._open.page)
        if self._open.level:
            self.writer.heading(self._open.level, self._open.text)
        else:
            self.writer.paragraph(self._open.text)
        self._open = None

    def _turn(self, number: int) -> None:
        if not self.writer.pages or self.writer.pages[-1][1] < number:
            self.writer.page(number)

    def _add(self, line: Line) -> None:
        text = joined(line)
        level = self._headings.level(line, text, self._page)
        if self._open and self._open.level == level and self._continues(self._open, line, text):
            self._open.text = self._together(self._open.text, text)
            self._open.lines.append(line)
        else:
            self.end()
            self._open = _Open([line], text, level, self._page, bool(_MARKER.match(text)))

    def _continues(self, before: _Open, line: Line, text: str) -> bool:
        """Whether `line` belongs to what is open."""
        last = before.lines[-1]
        if (
            _MARKER.match(text)
            or last.bold != line.bold
            or abs(last.size - line.size) > 0.12 * max(last.size, line.size)
        ):
            return False
        distance = last.y - line.y
        is_below = self._page == before.page and distance > 0 and last.begin == line.begin
        if is_below and self._usual and distance > _LOOSE * max(self._usual, line.size):
            return False
        if before.level:
            return is_below and len(before.lines) < 3
        if _HYPHENATED.search(before.text) and text[0].islower():
            return True
        if is_below and self._is_moved(before, line):
            return False
        return _is_full(last, text) or (text[0].islower() and not _ENDED.search(before.text))

    def _is_moved(self, before: _Open, line: Line) -> bool:
        """Whether `line` begins so far from the left edge of the line above that another paragraph begins."""
        em = max(line.size, 1.0)
        first, last, left = before.lines[0].cells[0].left, before.lines[-1].cells[0].left, line.cells[0].left
        if before.is_marked:  # what belongs to an item stands at its text, under its mark at least
            return left < first - 0.3 * em or (len(before.lines) > 1 and left < last - 0.5 * em)
        # the second line of a paragraph may hang, where its sentence goes on
        hangs = len(before.lines) == 1 and not _ENDED.search(before.text)
        return not hangs and left - last > _INDENT * em

    def _together(self, before: str, text: str) -> str:
        """Two lines as one: a word that was parted is whole again, Japanese goes on without a space."""
        parted = _HYPHENATED.search(before)
        if parted and text[0].islower():
            rest = re.match(r"[^\W\d_]+", text)
            is_compound = f"{parted[1]}-{rest[0] if rest else ''}".lower() in self._compounds
            return before + text if is_compound else before[:-1] + text
        return before + ("" if is_wide(before[-1]) and is_wide(text[0]) else "\n") + text


def joined(line: Line) -> str:
    """The text of a line that is no row of a table."""
    text = ""
    for at, cell in enumerate(line.cells):
        gap = (cell.left - line.cells[at - 1].right) / max(line.size, 1.0) if at else 0.0
        is_apart = (
            gap > _APART and not _MARKER.match(text) and not re.fullmatch(r"\(?[\dA-Z.]{1,6}\)", cell.text)
        )
        text += (" | " if is_apart else " " if at else "") + cell.text
    return text


def _usual_distance(lines: Sequence[Line]) -> float:
    """The distance of most lines to the next, 0 where there are few."""
    found = sorted(
        above.y - below.y for above, below in pairwise(lines) if 0 < above.y - below.y < 4 * above.size
    )
    return found[len(found) // 2] if len(found) > 2 else 0.0


def _is_full(line: Line, following: str) -> bool:
    """Whether the first word of what follows had no room on `line` any more."""
    text = joined(line)
    width = max(line.cells[-1].right - line.cells[0].left, 1.0)
    word = following[:2] if is_wide(following[0]) else following.split(maxsplit=1)[0][:20]
    return line.stop - line.cells[-1].right < (len(word) + 1) * width / len(text) + 0.5 * line.size
