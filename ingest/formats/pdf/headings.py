"""Which lines of a PDF are headings: those that its outline names, or those in larger or heavier type."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ingest.formats.pdf.glyphs import is_wide
from ingest.formats.pdf.lines import Line

_LARGER: Final = 1.12
"""Times the size of the body, from which type is a heading's."""
_SAME: Final = 0.04
_LONGEST: Final = 120
_DEEPEST: Final = 6
_MOST: Final = 0.3
"""Part of a file's text that headings may be; where more is in large type, it is no heading."""
_NUMBER: Final = re.compile(
    r"(?:chapter|section|appendix|第)?\s*(?:\d+|[A-Z](?=[.．]))?(?:[.．\-]\d+)*[.．章節]?\s+", re.IGNORECASE
)
_LETTERS: Final = re.compile(r"[^\W\d_]")
_SENTENCE: Final = re.compile(r"[。、,;；]$|[^.]\.$")


@dataclass(frozen=True, slots=True)
class Headings:
    """How headings are known in one file.

    Attributes:
        body: Size of most of the text.
        levels: Sizes of headings with their levels, the largest first.
        titles: (page from 1, title without number) to level, from the outline.
        bold: Level of headings that are only heavier than the text, 0 where heavy type means nothing.
    """

    body: float
    levels: tuple[tuple[float, int], ...]
    titles: dict[tuple[int, str], int]
    bold: int

    @classmethod
    def of(cls, pages: Sequence[Sequence[Line]], outline: Iterable[tuple[int, str, int]]) -> "Headings":
        """From all lines of a file, and its outline: level, title and page (from 0) of each entry."""
        sizes: Counter[float] = Counter()
        heavy = total = 0
        for line in (line for page in pages for line in page):
            length = sum(len(cell.text) for cell in line.cells)
            sizes[line.size] += length
            total += length
            heavy += length if line.bold else 0
        body = max(sizes, key=lambda size: (sizes[size], -size))
        groups: list[list[float]] = []
        for size in sorted((s for s in sizes if s >= _LARGER * body), reverse=True):
            if groups and groups[-1][0] - size <= _SAME * groups[-1][0]:
                groups[-1].append(size)
            else:
                groups.append([size])
        while groups and sum(sizes[size] for group in groups for size in group) > _MOST * total:
            groups.pop()  # the smallest: it is text as well
        titles = {
            (page + 1, _bare(title)): min(_DEEPEST, level + 1)
            for level, title, page in outline
            if _bare(title)
        }
        levels = tuple((size, min(_DEEPEST, at)) for at, group in enumerate(groups, 1) for size in group)
        bold = min(_DEEPEST, len(groups) + 1) if heavy < _MOST * total else 0
        return cls(body, levels, titles, bold)

    def level(self, line: Line, text: str, page: int) -> int:
        """The level of the heading that `line` is, 0 for text."""
        if len(text) > _LONGEST or len(_LETTERS.findall(text)) < (1 if any(map(is_wide, text)) else 2):
            return 0
        named = self.titles.get((page, _bare(text)))
        if named:
            return named
        level = next((level for size, level in self.levels if line.size >= size - 0.05), 0)
        if level:
            return level
        is_alone = line.bold and line.size > 0.97 * self.body and not _SENTENCE.search(text)
        return (
            self.bold if is_alone and len(text) <= _LONGEST // 2 and line.cells[-1].right < line.stop else 0
        )


def _bare(title: str) -> str:
    """A title as it is compared: without its number, spaces and case."""
    found = _NUMBER.match(title)
    return "".join(title[found.end() if found else 0 :].split()).casefold()
