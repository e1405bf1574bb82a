"""The way from a damaged text to a repaired one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ingest.mojibake.lattice import Edge, Lattice
from ingest.mojibake.lexicon import Lexicon, NoLexiconError, installed
from ingest.mojibake.likeliest import Habits, likeliest
from ingest.mojibake.pages import SEQUENCE, WESTERN, japanese_lattice, page_of, western_lattice
from ingest.mojibake.passages import japanese_lines, suspect, western_spans

__all__ = ["Repaired", "repair"]

_DOUBT = 2000.0
"""Margins below this (in Sudachi costs; about 2.5 nats) are doubtful: nearly half of them are wrong."""

_SURE = 4000.0
_CHUNK = 1000
_CONTEXT = 120
"""Clean characters on the same line that help to read a damaged passage."""

_LONGEST = 20_000
_GAP = 3
_LEARN_FROM = 60_000
"""Characters that are read twice; more teaches little, and a large file would take twice as long."""

_TWICE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Repaired:
    """A repaired text.

    Attributes:
        text: the text, with as many lines as the damaged one.
        page: the code page that UTF-8 was read as, as a Python codec name.
        lossy: whether bytes had been lost, so that characters had to be chosen.
        doubtful: half-open ranges of code points in `text` that were chosen by a small margin.
    """

    text: str
    page: str
    lossy: bool
    doubtful: tuple[tuple[int, int], ...]


@dataclass(kw_only=True, slots=True)
class _Piece:
    """A stretch of the text: as it stands, or with the lattice of its readings."""

    text: str
    lattice: Lattice | None = None
    margins: Sequence[float] = ()


def repair(text: str) -> Repaired | None:
    r"""Repair the parts of `text` that are UTF-8 read as Windows-1252, Windows-1254, Latin-1 or cp932.

    Text that was misread twice is repaired twice. Lines end with `\n` only; other line ends are taken
    for characters.

    Returns:
        The repaired text, or None when nothing in `text` is mojibake.
    """
    result: Repaired | None = None
    for _ in range(_TWICE):
        once = _once(text if result is None else result.text)
        if once is None:
            break
        if result is not None:
            once = replace(once, page=result.page, lossy=once.lossy or result.lossy)
        result = once
        if result.lossy:
            break
    return result


def _once(text: str) -> Repaired | None:
    if not suspect(text):
        return None
    return _western(text) or _japanese(text)


def _western(text: str) -> Repaired | None:
    mapped = text.translate(WESTERN)
    page, lost = page_of(text, mapped)
    spans = western_spans(text, mapped, lost)
    if not spans:
        return None
    sequences = sum(end - start for start, end in spans)
    spaced = "\xa0" not in text and sequences > 200
    pieces: list[_Piece] = []
    at = 0
    for start, end, inside in _regions(text, mapped, spans):
        if start > at:
            pieces.append(_Piece(text=text[at:start]))
        lattice = western_lattice(text[start:end], inside, lost, spaced=spaced)
        pieces.extend(_Piece(text="", lattice=chunk) for chunk in _chunks(lattice))
        at = end
    pieces.append(_Piece(text=text[at:]))
    return _read(pieces, page)


def _regions(text: str, mapped: str, spans: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int, str]]:
    """What is read as a whole: spans of one line, and the clean text beside them, which is their context.

    Yields beginning, end, and the text between them as `mapped` where damaged, and NULs where clean.
    """
    begin = end = 0
    parts: list[str] = []
    for start, stop in _bounded(spans, mapped):
        far = start - end > 2 * _CONTEXT
        line = text.rfind("\n", max(end, start - _CONTEXT) if far or not parts else end, start) + 1
        if parts and (far or line or end - begin > _LONGEST):
            after = _clean_end(text, end, start)
            yield begin, after, "".join(parts) + "\0" * (after - end)
            parts, end = [], after
        if not parts:
            begin = max(line, end, start - _CONTEXT)
            end = begin
        # A space, or a space and a stray byte, may be the middle of a sequence.
        gap = mapped[end:start]
        parts += [
            gap if len(gap) <= _GAP and not SEQUENCE.search(gap) else "\0" * len(gap),
            mapped[start:stop],
        ]
        end = stop
    if parts:
        after = _clean_end(text, end, len(text))
        yield begin, after, "".join(parts) + "\0" * (after - end)


def _bounded(spans: Iterable[tuple[int, int]], mapped: str) -> Iterable[tuple[int, int]]:
    """`spans`, the very long ones cut where a sequence begins."""
    for start, stop in spans:
        while stop - start > _LONGEST:
            cut = start + _LONGEST
            while cut < stop and not "\xc2" <= mapped[cut] <= "\xf4":
                cut += 1
            yield start, cut
            start = cut
        if start < stop:
            yield start, stop


def _clean_end(text: str, end: int, limit: int) -> int:
    """Where the context after a span ends: with its line, and before `limit`."""
    furthest = min(limit, end + _CONTEXT)
    newline = text.find("\n", end, furthest)
    return furthest if newline < 0 else newline


def _japanese(text: str) -> Repaired | None:
    lines = text.split("\n")
    damaged = set(japanese_lines(lines))
    pieces: list[_Piece] = []
    hits = 0
    for number, line in enumerate(lines):
        if number:
            pieces.append(_Piece(text="\n"))
        lattice = None
        if number in damaged:
            lattice = japanese_lattice(line, dropped=False) or japanese_lattice(line, dropped=True)
        if lattice is None:
            pieces.append(_Piece(text=line))
        else:
            hits += 1
            pieces.extend(_Piece(text="", lattice=chunk) for chunk in _chunks(lattice))
    return _read(pieces, "cp932") if hits else None


def _chunks(lattice: Lattice) -> Iterable[Lattice]:
    """`lattice` cut into parts of bounded size, at nodes that every path goes through."""
    begin = 0
    furthest = 0
    for node in range(1, len(lattice)):
        furthest = max(furthest, *(edge.target for edge in lattice[node - 1]), node)
        long = node - begin >= _CHUNK
        if node == len(lattice) - 1 or (long and furthest == node and _is_border(lattice, node, begin)):
            yield [
                tuple(Edge(char=e.char, target=e.target - begin, penalty=e.penalty) for e in edges)
                for edges in lattice[begin:node]
            ] + [()]
            begin = node


def _is_border(lattice: Lattice, node: int, begin: int) -> bool:
    """Whether a cut before `node` hurts little: after a certain sign, or when the part gets too long."""
    if node - begin >= 2 * _CHUNK:
        return True
    before = lattice[node - 1]
    return len(before) == 1 and not before[0].char.isalnum()


def _read(pieces: list[_Piece], page: str) -> Repaired:
    lossy = any(_is_ambiguous(piece.lattice) for piece in pieces if piece.lattice is not None)
    habits = Habits.usual() if lossy else Habits()
    lexicon = _lexicon() if lossy else None
    if lexicon is not None:
        habits = _learned(pieces, lexicon, habits)
    text: list[str] = []
    doubtful: list[tuple[int, int]] = []
    at = 0
    for piece in pieces:
        if piece.lattice is not None:
            piece.text, piece.margins = _reading(piece.lattice, lexicon, habits)
            for i, margin in enumerate(piece.margins):
                if margin < _DOUBT:
                    if doubtful and doubtful[-1][1] == at + i:
                        doubtful[-1] = (doubtful[-1][0], at + i + 1)
                    else:
                        doubtful.append((at + i, at + i + 1))
        text.append(piece.text)
        at += len(piece.text)
    return Repaired(text="".join(text), page=page, lossy=lossy, doubtful=tuple(doubtful))


def _learned(pieces: Iterable[_Piece], lexicon: Lexicon, usual: Habits) -> Habits:
    learned = Habits.usual()
    seen = 0
    for piece in pieces:
        lattice = piece.lattice
        if lattice is None or len(lattice) < 2:
            continue
        reading = likeliest(lattice, lexicon, usual)
        for start, end in reading.words:
            for i in range(start, end):
                edges = lattice[reading.nodes[i]]
                if len(edges) > 1 and reading.margins[i] > _SURE:
                    learned.chose(tuple(edge.char for edge in edges), reading.text[i])
            if min(reading.margins[start:end]) > _SURE:
                learned.learn([reading.text[start:end]])
        seen += len(reading.text)
        if seen > _LEARN_FROM:
            break
    return learned


def _reading(lattice: Lattice, lexicon: Lexicon | None, habits: Habits) -> tuple[str, Sequence[float]]:
    if not _is_ambiguous(lattice):
        return _only(lattice), ()
    if lexicon is None:
        return _plainest(lattice)
    reading = likeliest(lattice, lexicon, habits)
    return reading.text, reading.margins


def _is_ambiguous(lattice: Lattice) -> bool:
    return any(len(edges) > 1 for edges in lattice)


def _only(lattice: Lattice) -> str:
    chars: list[str] = []
    node = 0
    while lattice[node]:
        edge = lattice[node][0]
        chars.append(edge.char)
        node = edge.target
    return "".join(chars)


def _plainest(lattice: Lattice) -> tuple[str, Sequence[float]]:
    """Without a dictionary: the most frequent character everywhere, all of it doubtful."""
    least: list[tuple[float, Edge | None]] = [(math.inf, None)] * len(lattice)
    least[-1] = (0.0, None)
    for node in range(len(lattice) - 2, -1, -1):
        for edge in lattice[node]:
            cost = edge.penalty + least[edge.target][0]
            if cost < least[node][0]:
                least[node] = (cost, edge)
    chars: list[str] = []
    margins: list[float] = []
    node = 0
    while (edge_ := least[node][1]) is not None:
        chars.append(edge_.char)
        margins.append(math.inf if len(lattice[node]) == 1 else 0.0)
        node = edge_.target
    return "".join(chars), margins


def _lexicon() -> Lexicon | None:
    try:
        return installed()
    except NoLexiconError:
        return None
