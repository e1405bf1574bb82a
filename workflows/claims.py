"""What a model wrote, taken apart: sentences, rows and blocks of code, each with the passages that it cites."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, Literal

from terakoya.text.sentences import sentence_spans

Kind = Literal["sentence", "row", "rule", "code"]
Literally = Callable[[str], bool]
"""Whether a text stands in one of the passages."""

_NUMBERS: Final = r"\^?\d{1,3}(?:\s{0,2}(?:[,、，;；・&]|and)\s{0,2}\^?\d{1,3}){0,9}"
MARK: Final = re.compile(
    r"[ \t\u3000]?[\[［【]\s{0,2}(?:(?:passages?|sources?|notes?|文献|出典|資料|ノート)\s{0,2})?"
    rf"(?P<numbers>{_NUMBERS})\s{{0,2}}[\]］】]",
    re.IGNORECASE,
)
"""A mark of a citation in the forms that models write: `[1]`, `[1, 2]`, `［１］`, `【1】`, `[passage 1]`."""
OPEN_MARK: Final = re.compile(r"[ \t\u3000]?[\[［【][^\[\]［］【】\n]{0,40}\Z")
"""What may still become one."""
_LEADING: Final = re.compile(rf"(?:\s{{0,3}}{MARK.pattern.replace('(?P<numbers>', '(?:')})+", re.IGNORECASE)
_ENTRY: Final = re.compile(r"\n(?=[ \t]*(?:[-*+・●•]|\d{1,3}[.)])\s)|\n[ \t]*\n")
_FENCE: Final = re.compile(r"^\s{0,8}(```|~~~)")
_ROW: Final = re.compile(r"^\s{0,4}\|.*\|\s*(?:[\[［【][^\n]{1,60})?$")
_RULE: Final = re.compile(r"^[\s|:-]+$")
_CODE: Final = re.compile(r"`[^`\n]{1,200}`")
_WORD: Final = re.compile(r"[\w)\]]+\Z")


@dataclass(frozen=True, slots=True)
class Written:
    """A piece of an answer.

    Attributes:
        kind: What it is; a `rule` is the line below the head of a table.
        text: Without marks.
        markers: Numbers of the passages that it cites.
        gap: What stands between it and the piece before: a blank, a line break or two.
        head: Whether it is the head of a table.
    """

    kind: Kind
    text: str
    markers: tuple[int, ...] = ()
    gap: str = ""
    head: bool = False


def written(said: str, count: int, literally: Literally = lambda text: False) -> list[Written]:
    """The pieces of `said`, in order.

    A mark behind a full stop belongs to the sentence before it, unless the answer has its marks in front of the
    sentences. Marks that name none of the `count` passages go; what has the form of a mark but stands in the notes
    like this (`row[1]`) is text.
    """
    pieces: list[Written] = []
    before = False
    for kind, text in _segments(said):
        if kind == "code":
            pieces.append(_code(text, count, literally))
        elif kind == "table":
            pieces += _rows(text, count, literally)
        else:
            before = before or (not pieces and bool(_LEADING.match(text)))
            pieces = _sentences(pieces, text, count, literally, before)
    return _lent([piece for piece in pieces if piece.text.strip() or piece.markers])


def marks_in(text: str, count: int, literally: Literally = lambda text: False) -> tuple[str, tuple[int, ...]]:
    """`text` without its marks, and the numbers of passages that they name."""
    found: list[int] = []
    code = [match.span() for match in _CODE.finditer(text)]

    def take(mark: re.Match[str]) -> str:
        if any(start <= mark.start() < end for start, end in code):
            return mark[0]
        word = _WORD.search(text, max(0, mark.start() - 40), mark.start())
        if word and not mark[0][0].isspace() and literally(f"{word[0]}{mark[0]}"):
            return mark[0]
        numbers = [int(n) for n in re.findall(r"\d{1,3}", mark["numbers"])]
        named = [n for n in numbers if 1 <= n <= count]
        if not named and literally(mark[0].strip()):
            return mark[0]
        found.extend(named)
        return ""

    bare = MARK.sub(take, text)
    return bare, tuple(dict.fromkeys(found))


def _segments(said: str) -> Iterator[tuple[Literal["code", "table", "prose"], str]]:
    kinds: list[tuple[Literal["code", "table", "prose"], str]] = []
    fence = ""
    blocks = 0
    numbers: list[int] = []
    for line in said.splitlines(keepends=True):
        opening = _FENCE.match(line)
        if fence or opening:
            if not fence:
                blocks += 1
            kinds.append(("code", line))
            closes = fence and line.strip().startswith(fence)
            fence = "" if closes else fence or (opening[1] if opening else "")
        else:
            kinds.append(("table" if _ROW.match(line.rstrip("\n")) else "prose", line))
        numbers.append(blocks if kinds[-1][0] == "code" else 0)
    for (kind, _), lines in groupby(zip(kinds, numbers, strict=True), key=lambda each: (each[0][0], each[1])):
        yield kind, "".join(line for (_, line), _ in lines)


def _code(text: str, count: int, literally: Literally) -> Written:
    lines = text.strip("\n").split("\n")
    markers: tuple[int, ...] = ()
    for place in range(len(lines)):  # a mark may end any line, where the notes have no such text
        if literally(lines[place].strip()):
            continue
        bare, found = marks_in(lines[place], count, literally)
        if found:
            lines[place], markers = bare.rstrip(), (*markers, *found)
    return Written("code", "\n".join(lines), tuple(dict.fromkeys(markers)), "\n\n")


def _rows(text: str, count: int, literally: Literally) -> list[Written]:
    rows = []
    lines = [line for line in text.split("\n") if line.strip()]
    ruled = len(lines) > 1 and bool(_RULE.match(lines[1]))
    for place, line in enumerate(lines):
        bare, markers = marks_in(line.strip(), count, literally)
        kind: Kind = "rule" if ruled and place == 1 else "row"
        gap = "\n" if place else "\n\n"
        rows.append(Written(kind, bare.strip(), markers, gap, head=ruled and place == 0))
    return rows


def _sentences(
    pieces: list[Written], text: str, count: int, literally: Literally, before: bool
) -> list[Written]:
    pieces = list(pieces)
    at = 0
    for entry in _ENTRY.split(text):
        at = text.index(entry, at)
        gap = _gap(text[:at], bool(pieces))
        for start, end in sentence_spans(entry):
            piece = entry[start:end]
            leading = _LEADING.match(piece)
            own: tuple[int, ...] = ()
            if leading and pieces and not before:
                _, own = marks_in(leading[0], count)
                last = pieces[-1]
                pieces[-1] = replace(last, markers=tuple(dict.fromkeys((*last.markers, *own))))
                piece = piece[leading.end() :]
            bare, markers = marks_in(piece, count, literally)
            if bare.strip(" \t\u3000-*+・") or (markers and not pieces):
                pieces.append(Written("sentence", bare.strip(), markers, gap))
                gap = " "
        at += len(entry)
    return pieces


def _gap(text: str, any_before: bool) -> str:
    if not any_before:
        return ""
    white = text[len(text.rstrip()) :]
    return "\n\n" if white.count("\n") > 1 else "\n"


def _lent(pieces: Sequence[Written]) -> list[Written]:
    """A block of code or a row without a mark of its own stands on what leads to it, or follows it."""
    lent: list[Written] = []
    for place, piece in enumerate(pieces):
        markers = piece.markers
        if not markers and piece.kind in ("code", "row"):
            around = [*pieces[place + 1 :: 1], *reversed(pieces[:place])]
            markers = next(
                (p.markers for p in around if p.markers and p.kind == piece.kind == "row"),
                next((p.markers for p in reversed(pieces[:place]) if p.markers), ()),
            )
        lent.append(replace(piece, markers=markers))
    return lent
