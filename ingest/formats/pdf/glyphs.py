"""The characters of a page of PDF, and where they stand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

_NARROW: Final = 0.75
_VERTICAL: Final = 0.5


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character, in points from the lower left corner of the page as it is looked at.

    Attributes:
        char: One or several code points (a ligature).
        left: Of its box.
        right: Of its box.
        bottom: Of its box.
        top: Of its box.
        x: Where it is drawn from.
        y: Its baseline.
        size: Of the type.
        bold: The font is heavy.
        spaced: A space stands before it.
        typed: That space is a character of the file, so that what it parts belongs together.
    """

    char: str
    left: float
    right: float
    bottom: float
    top: float
    x: float
    y: float
    size: float
    bold: bool
    spaced: bool
    typed: bool


def upright(glyphs: Sequence[Glyph], height: float) -> Iterable[Glyph]:
    """The characters on lines that go from left to right: a page of vertical Japanese is laid on its side."""
    if _is_vertical(glyphs):
        glyphs = [_laid(glyph, height) for glyph in glyphs]
    return map(_full, glyphs)


def is_wide(char: str) -> bool:
    """Whether it is written without spaces around it: kana, kanji, and what is as wide as they."""
    return "\u2e80" <= char <= "\ua4cf" or "\uf900" <= char <= "\ufaff" or "\uff00" <= char <= "\uffef"


def _is_vertical(glyphs: Sequence[Glyph]) -> bool:
    down = along = 0
    for before, glyph in pairwise(glyphs):
        if is_wide(before.char[0]) and is_wide(glyph.char[0]):
            em = max(glyph.size, 1.0)
            if abs(glyph.x - before.x) < _VERTICAL * em and 0.3 * em < before.y - glyph.y < 2 * em:
                down += 1
            elif abs(glyph.y - before.y) < _VERTICAL * em and 0.3 * em < glyph.x - before.x < 2 * em:
                along += 1
    return down > along


def _laid(glyph: Glyph, height: float) -> Glyph:
    """A character of vertical text where it would stand if the page were laid on its side."""
    em = glyph.size
    return Glyph(
        char=glyph.char,
        left=height - glyph.y - 0.88 * em if is_wide(glyph.char[0]) else height - glyph.top,
        right=height - glyph.y + 0.12 * em if is_wide(glyph.char[0]) else height - glyph.bottom,
        bottom=glyph.left,
        top=glyph.right,
        x=height - glyph.y - 0.88 * em,
        y=glyph.x,
        size=em,
        bold=glyph.bold,
        spaced=glyph.spaced,
        typed=glyph.typed,
    )


def _full(glyph: Glyph) -> Glyph:
    """The character in the em that it stands in: fonts give brackets and commas of Japanese narrow boxes."""
    if is_wide(glyph.char[0]) and glyph.right - glyph.left < _NARROW * glyph.size:
        left, right = min(glyph.left, glyph.x), max(glyph.right, glyph.x + glyph.size)
        return replace(glyph, left=left, right=right)
    return glyph
