"""The lines of a page of PDF in reading order, from where its characters stand.

A PDF says where each character goes, and in which order they were drawn; words, lines and columns are for the
reader to see. Distances are told in the size of the type: a gap of an em parts cells and columns, and what is
drawn column by column was columns to whoever drew it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median
from typing import Final

from ingest.formats.pdf.glyphs import Glyph, upright
from ingest.formats.pdf.lines import Line, lines
from ingest.formats.pdf.rows import Row, Run, drawn, edges_of, rows_of, runs_of

_FEWEST_ROWS: Final = 3
_DEEPEST: Final = 4
_BINS: Final = 120
_SAME_LINE: Final = 0.4
_LEADING: Final = 2.6
_TOUCHING: Final = 1.0


@dataclass(slots=True)
class _Block:
    """Rows that were drawn one below the other."""

    rows: list[Row]
    left: float
    right: float
    top: float
    bottom: float

    @property
    def order(self) -> int:
        return self.rows[0].runs[0].order


def lines_of(glyphs: Sequence[Glyph], height: float) -> list[Line]:
    """The lines of a page in reading order; columns of vertical Japanese are its lines.

    Readings over words (ruby), which would part the lines, are left out.
    """
    blocks = _arranged(list(_blocks(drawn(runs_of(upright(glyphs, height))))))
    page = edges_of([row for block in blocks for row in block.rows])
    found: list[Line] = []
    for block in blocks:
        wide = edges_of(block.rows) if len(block.rows) >= _FEWEST_ROWS else page
        for part in _columns(block):
            found += lines(part, edges_of(part) if len(part) >= _FEWEST_ROWS else wide)
    return found


def _blocks(rows: Iterable[Row]) -> Iterable[_Block]:
    block: _Block | None = None
    for row in rows:
        top, bottom, em = row.y + 0.8 * row.size, row.y - 0.2 * row.size, row.size
        if (
            block
            and -_LEADING * em < row.y - block.rows[-1].y <= _SAME_LINE * em
            and row.left < block.right
            and row.right > block.left
        ):
            block.rows.append(row)
            block.left, block.right = min(block.left, row.left), max(block.right, row.right)
            block.top, block.bottom = max(block.top, top), min(block.bottom, bottom)
        else:
            if block:
                yield block
            block = _Block([row], row.left, row.right, top, bottom)
    if block:
        yield block


def _arranged(blocks: list[_Block], depth: int = 0) -> list[_Block]:
    """Blocks in reading order: cut apart where white goes across or down, as far as the order of drawing agrees.

    What overlaps stays in the order of drawing. Where no cut agrees with it, the page was drawn in no order
    that means anything; then columns come one after the other, and all else from above to below.
    """
    if len(blocks) < 2 or depth > _DEEPEST:
        return blocks
    across = _cut(blocks, [(-block.top, -block.bottom) for block in blocks])
    down = _cut(blocks, [(block.left, block.right) for block in blocks])
    parts = next((cut for cut in (across, down) if len(cut) > 1 and _agrees(cut)), None)
    if parts is None:
        edges = [part for part in (across[0], across[-1]) if sum(len(b.rows) for b in part) < _FEWEST_ROWS]
        if len(across) > 1 and edges:  # a header or footer, which may be drawn at any time
            first = [across[0]] if across[0] in edges else []
            last = [across[-1]] if across[-1] in edges else []
            middle = [block for part in across[len(first) : len(across) - len(last)] for block in part]
            parts = [*first, sorted(middle, key=lambda block: block.order), *last]
        elif len(down) > 1 and all(sum(len(b.rows) for b in part) >= _FEWEST_ROWS for part in down):
            parts = down
        else:
            parts = across
    return [block for part in parts for block in (_arranged(part, depth + 1) if len(parts) > 1 else part)]


def _cut(blocks: Sequence[_Block], spans: Sequence[tuple[float, float]]) -> list[list[_Block]]:
    """Groups between which white goes through, each in the order of drawing."""
    groups: list[list[_Block]] = []
    reached = float("-inf")
    for (begin, stop), block in sorted(zip(spans, blocks, strict=True), key=lambda item: item[0]):
        if begin >= reached - _TOUCHING or not groups:
            groups.append([])
        groups[-1].append(block)
        reached = max(reached, stop)
    return [sorted(group, key=lambda block: block.order) for group in groups]


def _agrees(groups: Sequence[Sequence[_Block]]) -> bool:
    """Whether each group was drawn before the next."""
    return all(a[-1].order < b[0].order for a, b in pairwise(groups))


def _columns(block: _Block) -> Iterable[list[Row]]:
    """The rows of a block; of columns that were drawn line by line across, one column after the other."""
    rows = rows_of(run for row in block.rows for run in row.runs) if _is_mixed(block.rows) else block.rows
    gutter = _gutter([run for row in rows for run in row.runs])
    if gutter is None:
        yield rows
        return
    for is_crossed, band in groupby(rows, key=lambda row: any(r.left < gutter < r.right for r in row.runs)):
        group = list(band)
        sides = [
            rows_of(run for row in group for run in row.runs if (run.right <= gutter) is left)
            for left in (True, False)
        ]
        if is_crossed or min(map(len, sides)) < _FEWEST_ROWS or not all(map(_is_prose, sides)):
            yield group
        else:
            yield from sides


def _is_mixed(rows: Sequence[Row]) -> bool:
    """Whether parts of one line were drawn apart, as where bold words come later."""
    return any(abs(a.y - b.y) < 0.1 * a.size for a, b in pairwise(rows))


def _gutter(runs: Sequence[Run]) -> float | None:
    """The middle of the strip that parts most runs to both sides of it."""
    if len(runs) < 2 * _FEWEST_ROWS:
        return None
    begin, stop = min(run.left for run in runs), max(run.right for run in runs)
    if stop - begin < 4 * median(run.size for run in runs):
        return None
    scale = _BINS / (stop - begin)
    ends, starts = [0] * (_BINS + 2), [0] * (_BINS + 2)
    for run in runs:
        ends[min(_BINS, int((run.right - begin) * scale)) + 1] += 1
        starts[max(0, min(_BINS, int((run.left - begin) * scale)))] += 1
    best: list[int] = []
    most = 0.0
    before, behind = 0, len(runs)
    for place in range(_BINS + 1):
        before += ends[place]
        behind -= starts[place]
        if 0.15 * _BINS <= place <= 0.85 * _BINS and min(before, behind) >= _FEWEST_ROWS:
            value = min(before, behind) - 0.5 * (len(runs) - before - behind)
            if value > most:
                best, most = [], value
            if value == most:
                best.append(place)
    return begin + (best[len(best) // 2] + 0.5) / scale if best else None


def _is_prose(rows: Sequence[Row]) -> bool:
    """Whether lines fill their side, as a table's cells hardly do."""
    extent = max(row.right for row in rows) - min(row.left for row in rows)
    return median(row.right - row.left for row in rows) >= max(0.7 * extent, 8 * median(r.size for r in rows))
