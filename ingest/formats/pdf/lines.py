"""Lines of a PDF: the words of a row, joined, or parted into cells."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from ingest.formats.pdf.glyphs import is_wide
from ingest.formats.pdf.rows import GAP, TABULAR, Row, Run
from ingest.formats.scripts import lowered, raised

_STANDS_OUT: Final = 1.8
"""Times the usual gap between the words of its line, from which a gap of `TABULAR` may part two cells."""
_SMALL: Final = 0.9
_READING: Final = 0.65


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands together on a line."""

    left: float
    right: float
    text: str


@dataclass(slots=True)
class Line:
    """A line in its column.

    Attributes:
        cells: From left to right; several where gaps part them.
        y: Its baseline.
        size: Of most of its type.
        bold: All of it is.
        begin: Left edge of its column.
        stop: Right edge of its column.
    """

    cells: list[Cell]
    y: float
    size: float
    bold: bool
    begin: float = 0.0
    stop: float = 0.0


def lines(rows: Sequence[Row], edges: tuple[float, float]) -> Iterable[Line]:
    """The lines that rows make; `edges` are those of their column."""
    for at, row in enumerate(rows):
        if at + 1 < len(rows) and _is_reading(row, rows[at + 1]):
            continue
        size = _usual_size(row.runs)
        cells = list(_cells(row, size))
        if cells:
            yield Line(cells, row.y, size, all(run.bold for run in row.runs), *edges)


def _is_reading(row: Row, below: Row) -> bool:
    """Whether a row is small kana right over the words that it tells the reading of."""
    return (
        row.size <= _READING * below.size
        and row.y - below.y < 1.5 * below.size
        and below.left - below.size < row.left
        and row.right < below.right + below.size
        and all("\u3041" <= c <= "\u30ff" for run in row.runs for word in run.words for c in word.text)
    )


def _usual_size(runs: Iterable[Run]) -> float:
    lengths: dict[float, int] = {}
    for run in runs:
        lengths[run.size] = lengths.get(run.size, 0) + sum(len(word.text) for word in run.words)
    return max(lengths, key=lambda size: (lengths[size], size))


def _cells(row: Row, size: float) -> Iterable[Cell]:
    """The words of a row, joined but for the gaps that stand out."""
    words = sorted(
        ((word, _shown(word.text, run, row, size)) for run in row.runs for word in run.words),
        key=lambda item: item[0].left,
    )
    gaps = [b.left - a.right for (a, _), (b, _) in pairwise(words)]
    em = max(size, 1.0)
    small = [gap for gap in gaps if 0.1 * em < gap < GAP * em]
    # a gap that stands out among others, or stands alone, may part two cells
    limit = min(GAP * em, max(TABULAR * em, _STANDS_OUT * median(small) if len(small) > 1 else 0.0))
    text, left, right = "", 0.0, 0.0
    for at, (word, shown) in enumerate(words):
        gap = gaps[at - 1] if at else 0.0
        if text and gap >= (GAP * em if word.typed else limit):
            yield Cell(left, right, text)
            text = ""
        if not text:
            text, left = shown, word.left
        else:
            wide = is_wide(text[-1]) and is_wide(shown[0])
            text += (" " if gap > (0.5 if wide else 0.2) * em or (word.spaced and not wide) else "") + shown
        right = word.right
    if text:
        yield Cell(left, right, text)


def _shown(text: str, run: Run, row: Row, size: float) -> str:
    """Small type over or under the line as superscript or subscript."""
    if run.size > _SMALL * size or abs(run.y - row.y) < 0.08 * size:
        return text
    return raised(text) if run.y > row.y else lowered(text)
