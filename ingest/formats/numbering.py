"""The numbers that Word counts itself: of lists, and of headings such as 第2章 or 2.1."""

from dataclasses import dataclass, field
from typing import Final

from ingest.formats.markup import Element

_LEVELS: Final = 9
_ROMAN: Final = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
                 (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip
_KANJI: Final = "〇一二三四五六七八九"
_ROWS: Final = {
    "lowerLetter": "abcdefghijklmnopqrstuvwxyz",
    "upperLetter": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "aiueo": "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン",
    "aiueoFullWidth": "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン",
    "iroha": "イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰノオクヤマケフコエテアサキユメミシヱヒモセス",
    "decimalEnclosedCircle": "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳",
}
_BULLETS: Final = frozenset({"bullet", "none", ""})


@dataclass(frozen=True, slots=True)
class _Level:
    kind: str
    pattern: str
    start: int


@dataclass(slots=True)
class Numbering:
    """The lists of a document, and how far each has counted."""

    levels: dict[tuple[str, int], _Level] = field(default_factory=dict)
    counts: dict[tuple[str, int], int] = field(default_factory=dict)

    @classmethod
    def of(cls, numbering: Element) -> "Numbering":
        """From the part `numbering.xml`."""
        found: dict[tuple[str, int], _Level] = {}
        for abstract in numbering.every("abstractNum"):
            for level in abstract.every("lvl"):
                at = (
                    abstract.attributes.get("abstractNumId", ""),
                    number_of(level.attributes.get("ilvl", "")),
                )
                found[at] = _Level(
                    level.value("numFmt"), level.value("lvlText"), number_of(level.value("start"), 1)
                )
        levels = {
            (number.attributes.get("numId", ""), level): found[at]
            for number in numbering.every("num")
            for level in range(_LEVELS)
            if (at := (number.value("abstractNumId"), level)) in found
        }
        return cls(levels)

    def next(self, number: str, depth: int) -> int | None:
        """Counts on; None where the list has bullets."""
        level = self.levels.get((number, depth))
        if level is None or level.kind in _BULLETS:
            return None
        for deeper in range(depth + 1, _LEVELS):
            self.counts.pop((number, deeper), None)
        count = self.counts[number, depth] = self.counts.get((number, depth), level.start - 1) + 1
        return count

    def label(self, number: str, depth: int) -> str:
        """What stands before a heading, counted on; empty where it has no number."""
        level = self.levels.get((number, depth))
        if level is None or self.next(number, depth) is None:
            return ""
        shown = level.pattern
        for above in range(depth + 1):
            of = self.levels.get((number, above), level)
            shown = shown.replace(
                f"%{above + 1}", _counted(self.counts.get((number, above), of.start), of.kind)
            )
        return shown.strip()


def number_of(text: str, default: int = 0) -> int:
    """A whole number of up to six digits, else `default`."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else default


def _counted(count: int, kind: str) -> str:
    if kind in ("lowerRoman", "upperRoman") and count < 4000:
        shown, left = "", count
        for value, sign in _ROMAN:
            shown += sign * (left // value)
            left %= value
        return shown.upper() if kind == "upperRoman" else shown
    if kind in ("japaneseCounting", "ideographTraditional", "japaneseDigitalTenThousand") and count < 100:
        tens, ones = divmod(count, 10)
        return (_KANJI[tens] if tens > 1 else "") + ("十" if tens else "") + (_KANJI[ones] if ones else "")
    row = _ROWS.get(kind, "")
    return row[count - 1] if 0 < count <= len(row) else str(count)
