"""Headers, footers and page numbers of a PDF: lines that come again at the edge of page after page."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ingest.formats.pdf.lines import Line

_DIGITS: Final = re.compile(r"\d+|\b[ivxlc]+\b")
_EDGE: Final = 2
_REPEATED: Final = 0.6
"""Part of the pages that repeat a line, from which it runs whatever its size."""
_FEWEST: Final = 3
_NEAR: Final = 2
"""Pages to either side, of which one repeats a line that runs through a part of the file."""
_AROUND: Final = 4 * _NEAR
_SAME_PLACE: Final = 4.0
_COUNTED: Final = 0.3
_LONGEST: Final = 12
_LARGER: Final = 1.1


def without_running(pages: Sequence[Sequence[Line]], body: float) -> list[list[Line]]:
    """Drops the first and last lines that come again on other pages, numbers aside, or count the pages.

    A line in the type of the text, or smaller, may run through a chapter only, or through the odd pages; a
    larger one could be a heading that a few slides share, and goes only where most pages have it.
    """
    edges = {number: _edges(page) for number, page in enumerate(pages) if len(page) > 2 * _EDGE}
    seen: dict[tuple[str, bool], list[tuple[int, Line]]] = defaultdict(list)
    for number, (top, bottom) in edges.items():
        for is_top, line in (*((True, line) for line in top), *((False, line) for line in bottom)):
            seen[_DIGITS.sub("0", _text(line)), is_top].append((number, line))
    dropped = {id(line) for line in _counting(edges, body)}
    for found in seen.values():
        runs = len(found) >= max(_FEWEST, _REPEATED * len(edges))
        for at, (number, line) in enumerate(found):
            near = any(
                0 < abs(other - number) <= _NEAR and abs(like.y - line.y) < _SAME_PLACE
                for other, like in found[max(0, at - _AROUND) : at + _AROUND + 1]
            )
            if runs or (len(found) >= _FEWEST and near and line.size <= _LARGER * body):
                dropped.add(id(line))
    return [[line for line in page if id(line) not in dropped] for page in pages]


def _edges(page: Sequence[Line]) -> tuple[Sequence[Line], Sequence[Line]]:
    ordered = sorted(page, key=lambda line: -line.y)
    return ordered[:_EDGE], ordered[-_EDGE:]


def _counting(edges: Mapping[int, tuple[Sequence[Line], Sequence[Line]]], body: float) -> Iterable[Line]:
    """Short lines at the edge that begin or end with the number of their page, however the pages are counted."""
    numbered: dict[int, list[tuple[int, Line]]] = defaultdict(list)
    for number, (top, bottom) in edges.items():
        for line in (*top, *bottom):
            words = _text(line).split()
            if line.size <= _LARGER * body and len(words) <= _LONGEST:
                for word in {words[0], words[-1]}:
                    if word.isascii() and word.isdigit() and len(word) < 5:
                        numbered[int(word) - number].append((number, line))
    for found in numbered.values():
        if len({number for number, _ in found}) >= max(_FEWEST, _COUNTED * len(edges)):
            yield from (line for _, line in found)


def _text(line: Line) -> str:
    return " ".join(cell.text for cell in line.cells)
