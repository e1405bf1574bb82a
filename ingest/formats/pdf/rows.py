"""Words, runs and rows: characters of a PDF that stand together, in the order of drawing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ingest.formats.pdf.glyphs import Glyph, is_wide

GAP: Final = 1.2
"""In ems: from here on, two words on one line stand in different columns or cells."""
TABULAR: Final = 0.45
_SAME_LINE: Final = 0.4
_SCRIPT: Final = 0.6


@dataclass(slots=True)
class Word:
    """Characters without a gap."""

    text: str
    left: float
    right: float
    spaced: bool
    typed: bool


@dataclass(slots=True)
class Run:
    """Words that were drawn one after the other on one line; `order` tells when."""

    order: int
    y: float
    size: float
    bold: bool
    words: list[Word]

    @property
    def left(self) -> float:
        """Where it begins."""
        return self.words[0].left

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.words[-1].right


@dataclass(slots=True)
class Row:
    """Runs on one baseline, raised and lowered ones with what they stand at."""

    y: float
    runs: list[Run] = field(default_factory=list)

    @property
    def size(self) -> float:
        """Of its largest type."""
        return max(run.size for run in self.runs)

    @property
    def left(self) -> float:
        """Where it begins."""
        return min(run.left for run in self.runs)

    @property
    def right(self) -> float:
        """Where it ends."""
        return max(run.right for run in self.runs)


def runs_of(glyphs: Iterable[Glyph]) -> Iterable[Run]:
    """Runs in the order of drawing."""
    run: Run | None = None
    for order, g in enumerate(glyphs):
        word = Word(g.char, g.left, g.right, g.spaced, g.typed)
        em = max(run.size if run else 0.0, g.size, 1.0)
        if (
            run is None
            or abs(g.y - run.y) > 0.1 * em
            or abs(g.size - run.size) > 0.1 * em
            or g.bold != run.bold
            or not -0.6 * em < g.left - run.right < GAP * em
        ):
            if run:
                yield run
            run = Run(order, g.y, g.size, g.bold, [word])
        elif _parts(run.words[-1].text[-1], g, (g.left - run.right) / em):
            word.spaced = True
            run.words.append(word)
        else:
            last = run.words[-1]
            last.text += g.char
            last.right = max(last.right, g.right)
    if run:
        yield run


def _parts(before: str, glyph: Glyph, gap: float) -> bool:
    """Whether a gap of so many ems parts two words."""
    if is_wide(before) and is_wide(glyph.char[0]):
        return gap > TABULAR
    return glyph.spaced or gap > 0.25


def drawn(runs: Iterable[Run]) -> Iterable[Row]:
    """Rows in the order of drawing."""
    row: Row | None = None
    for run in runs:
        if row and _is_beside(row, run) and run.left > row.runs[-1].right - 0.6 * max(row.size, run.size):
            row.y = run.y if run.size > row.size else row.y
            row.runs.append(run)
        else:
            if row:
                yield row
            row = Row(run.y, [run])
    if row:
        yield row


def _is_beside(row: Row, run: Run) -> bool:
    small, large = sorted((row.size, run.size))
    return abs(row.y - run.y) <= (_SAME_LINE if small > 0.9 * large else _SCRIPT) * large


def rows_of(runs: Iterable[Run]) -> list[Row]:
    """Runs on one baseline, however they were drawn; from above to below."""
    rows: list[Row] = []
    for run in sorted(runs, key=lambda run: -run.y):
        row = rows[-1] if rows else None
        if row and _is_beside(row, run):
            if run.size > row.size:
                row.y = run.y
            row.runs.append(run)
        else:
            rows.append(Row(run.y, [run]))
    return rows


def edges_of(rows: Sequence[Row]) -> tuple[float, float]:
    """Where lines begin, and where most of the longer ones end."""
    if not rows:
        return 0.0, 0.0
    ends = sorted(row.right for row in rows)
    return min(row.left for row in rows), ends[-(-9 * (len(ends) - 1) // 10)]
