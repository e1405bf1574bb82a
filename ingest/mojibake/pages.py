"""The wrong code pages: what they made of UTF-8, and the lattice that leads back.

Western pages turn each byte into one character, so characters lead back to bytes one by one, and every
lead byte of a UTF-8 sequence survives (no page drops 0xC2 to 0xF4): a passage is a row of slots, one
per original character, some with bytes missing. Windows-1252, Windows-1254 and Latin-1 never map two
bytes to one character between them, so one table serves all three, and C1 control characters stand for
themselves, as in the web's windows-1252.

cp932 turns pairs of bytes into one character, across the borders of the original characters; there the
lattice is built over all ways to group the bytes, with `・`, `?` and U+FFFD as bytes unknown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache
from itertools import combinations, product

from ingest.mojibake.lattice import Edge, Lattice, penalty, readings

__all__ = ["LOST", "SEQUENCE", "WESTERN", "japanese_lattice", "page_of", "western_lattice"]

LOST: dict[str, frozenset[int]] = {
    page: frozenset(b for b in range(0x80, 0x100) if not bytes([b]).decode(page, "ignore"))
    for page in ("cp1252", "cp1254")
}
"""The bytes that a page does not define, which were dropped on the way."""

_SOFT_HYPHEN = 0xAD
"""Defined in every Western page, invisible, and dropped by many editors and converters."""

WESTERN: dict[int, int] = {}
"""Code point -> the byte that some Western page reads as it (a table for `str.translate`)."""
for _page in ("latin-1", "cp1252", "cp1254"):
    for _byte in range(0x80, 0x100):
        for _char in bytes([_byte]).decode(_page, "ignore"):
            WESTERN[ord(_char)] = _byte

SEQUENCE = re.compile(
    "[\xc2-\xdf][\x80-\xbf\ufffd]?|[\xe0-\xef][\x80-\xbf\ufffd]{0,2}|[\xf0-\xf4][\x80-\xbf\ufffd]{0,3}"
)
"""A UTF-8 sequence in text translated by `WESTERN`; bytes may be missing, or marked U+FFFD as lost."""

_RAW = 8000
_SPACED = 1500
_ENDING = {"。": -2500, "、": 2500}


def page_of(text: str, mapped: str) -> tuple[str, frozenset[int]]:
    """The page that damaged `text`, as a Python codec name, and the bytes that it lost for sure or maybe.

    The pages differ in a few letters (`ğ` for `ð`), and only the smaller one lacks `Ž` and `ž`. A C1
    control character says that undefined bytes were kept.
    """
    if re.search("[\x80-\x9f]", text):
        return "latin-1" if not re.search("[‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—˜™š›œŸ€]", text) else "cp1252", frozenset()
    turkish = len(re.findall("[ğĞışİŞ]", text))
    if turkish or not re.search("[ŽžðÐýÞþ]", text):
        # Text of any length has bytes 8E and 9E, so a page that shows neither Ž nor ž has lost them.
        page = "cp1254" if turkish or len(SEQUENCE.findall(mapped)) > 60 else "cp1252"
        lost = LOST["cp1254"]
    else:
        page, lost = "cp1252", LOST["cp1252"]
    return page, lost if "\xad" in text else lost | {_SOFT_HYPHEN}


def western_lattice(text: str, mapped: str, lost: frozenset[int], *, spaced: bool) -> Lattice:
    """The readings of a passage that a Western page damaged; nodes are the characters of `text`.

    Args:
        text: the passage as it stands.
        mapped: the same, translated by `WESTERN`.
        lost: the bytes that may be missing.
        spaced: whether a space may have been the byte 0xA0 (a no-break space).
    """
    lattice: list[tuple[Edge, ...]] = [()] * (len(text) + 1)
    at, end = 0, len(text)
    while at < end:
        match = SEQUENCE.match(mapped, at)
        if match is None:
            lattice[at] = (Edge(char=text[at], target=at + 1),)
            at += 1
            continue
        edges = _slot(match.group(), lost, match.end())
        if spaced and " " in mapped[at + 1 : at + 4]:
            edges = (*edges, *_with_space(mapped, at))
        if not edges:
            # Not a sequence after all: each character stays what it is.
            for i in range(at, match.end()):
                lattice[i] = (Edge(char=text[i], target=i + 1, penalty=_RAW),)
        else:
            lattice[at] = edges
        at = match.end()
    for node in range(end):
        for edge in lattice[node]:
            if not lattice[edge.target] and edge.target < end:
                lattice[edge.target] = (Edge(char=text[edge.target], target=edge.target + 1, penalty=_RAW),)
    return lattice


def _slot(seen: str, lost: frozenset[int], target: int) -> tuple[Edge, ...]:
    chars = readings(seen, lost)
    if len(chars) == 1:
        return (Edge(char=chars[0], target=target),)
    return tuple(Edge(char=char, target=target, penalty=penalty(char)) for char in chars)


def _with_space(mapped: str, at: int) -> tuple[Edge, ...]:
    lead = ord(mapped[at])
    length = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    whole = mapped[at : at + length].replace(" ", "\xa0")
    try:
        char = whole.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return ()
    if len(char) != 1 or penalty(char) >= _RAW:
        return ()
    return (Edge(char=char, target=at + length, penalty=penalty(char) + _SPACED),)


def _ended(lattice: Lattice) -> Lattice:
    """`lattice` with 。 made cheap and 、 dear at its end: what is eaten most often is a line's last byte."""
    last = len(lattice) - 1
    return [
        tuple(
            replace(edge, penalty=edge.penalty + _ENDING.get(edge.char, 0)) if edge.target == last else edge
            for edge in edges
        )
        if len(edges) > 1
        else edges
        for edges in lattice
    ]


_UNKNOWN = -1
_GONE = -2
_MARKS = "・?\N{REPLACEMENT CHARACTER}"
_DROPPED = 6000
_WIDEST = 64


@cache
def _japanese() -> dict[str, tuple[tuple[int, ...], ...]]:
    """Character -> the one or two bytes (several ways, for duplicates) that cp932 reads as it."""
    table: dict[str, list[tuple[int, ...]]] = {}
    singles = [bytes([b]) for b in range(0x80, 0x100)]
    pairs = [bytes([a, b]) for a in (*range(0x81, 0xA0), *range(0xE0, 0xFD)) for b in range(0x40, 0xFD)]
    for page in ("cp932", "shift_jis"):
        for raw in (*singles, *pairs):
            char = raw.decode(page, "ignore")
            if len(char) == 1 and not char.isascii() and tuple(raw) not in table.setdefault(char, []):
                table[char].append(tuple(raw))
    return {char: tuple(ways) for char, ways in table.items()}


def japanese_lattice(text: str, *, dropped: bool) -> Lattice | None:
    """The readings of a passage of UTF-8 that was read as cp932; None when there are none.

    Args:
        text: the passage as it stands.
        dropped: whether bytes may be missing without a mark.
    """
    table = _japanese()
    options: list[tuple[tuple[int, ...], ...]] = []
    for char in text:
        if char in _MARKS:
            own = table.get(char, ((0x3F,),) if char == "?" else ())
            options.append((*own, (_UNKNOWN,), (_UNKNOWN, _UNKNOWN)))
        elif char.isascii():
            options.append(((ord(char),),))
        elif char in table:
            options.append(table[char])
        else:
            return None
    # A node is a border between original characters: (index in `text`, the way taken there, bytes used).
    order: dict[tuple[int, int, int], int] = {}
    found: dict[tuple[int, int, int], list[tuple[str, tuple[int, int, int], int]]] = {}
    start, end = (0, 0, 0), (len(text), 0, 0)
    waiting = [start]
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        found[node] = []
        if node == end:
            continue
        for pattern, after, dear in _characters(options, node, dropped):
            for char in _spelled(pattern):
                found[node].append((char, after, dear))
            waiting.append(after)
    if end not in found:
        return None
    alive = {end}
    for node in sorted(found, reverse=True):
        if any(after in alive for _, after, _ in found[node]):
            alive.add(node)
    if start not in alive:
        return None
    for node in sorted(alive):
        order[node] = len(order)
    return _ended(
        [
            tuple(
                Edge(char=char, target=order[after], penalty=cost)
                for char, after, cost in _plausible([one for one in found[node] if one[1] in alive])
            )
            for node in sorted(alive)
        ]
    )


_Way = tuple[str, tuple[int, int, int], int]


def _plausible(ways: list[_Way]) -> list[_Way]:
    """`ways` priced by how unusual their characters are, where there is a choice.

    cp932 reads some pairs alike (NEC row 13 and the rows of JIS have ∩ both), so there may be a choice
    although nothing is lost; then one reading is hardly ever more than a curiosity.
    """
    if len({char for char, _, _ in ways}) < 2:
        return ways
    priced = [(char, after, cost + penalty(char)) for char, after, cost in ways]
    usual = [way for way in priced if penalty(way[0]) < _RAW]
    return usual or priced


def _characters(
    options: list[tuple[tuple[int, ...], ...]], node: tuple[int, int, int], dropped: bool
) -> list[tuple[tuple[int, ...], tuple[int, int, int], int]]:
    """The byte patterns of one UTF-8 character from `node` on, where they end, and what they cost."""
    done: list[tuple[tuple[int, ...], tuple[int, int, int], int]] = []
    stack: list[tuple[tuple[int, int, int], tuple[int, ...]]] = [(node, ())]
    while stack:
        (at, way, used), pattern = stack.pop()
        if pattern and len(pattern) == _length(pattern[0]):
            done.append((pattern, (at, way, used), 0))
            continue
        stuck = bool(pattern)
        for i, bytes_ in enumerate(options[at] if at < len(options) else ()):
            if used and i != way:
                continue
            byte = bytes_[used]
            after = (at + 1, 0, 0) if used + 1 == len(bytes_) else (at, i, used + 1)
            continues = 0x80 <= byte <= 0xC1
            if pattern and (continues or byte == _UNKNOWN):
                stack.append((after, (*pattern, byte)))
                stuck = stuck and byte == _UNKNOWN
            elif not pattern and not continues:
                stack.append((after, (byte,)))
            elif not pattern and dropped:
                stack.append((after, (_UNKNOWN, byte)))
        if dropped and stuck:
            # Bytes are missing only where the next one begins another character.
            missing = _length(pattern[0]) - len(pattern)
            done.append(((*pattern, *[_GONE] * missing), (at, way, used), _DROPPED * missing))
    return done


def _length(lead: int) -> int:
    # An unknown lead byte is taken for one of three: the two- and four-byte ones are rare in Japanese.
    return 3 if lead == _UNKNOWN else 1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


@lru_cache(maxsize=8192)
def _spelled(pattern: tuple[int, ...]) -> tuple[str, ...]:
    """The characters of a pattern; bytes unknown stand in their place, bytes gone at its end."""
    if min(pattern) >= 0:
        try:
            return (bytes(pattern).decode("utf-8"),)
        except UnicodeDecodeError:
            return ()
    kept = tuple(byte for byte in pattern if byte != _GONE)
    if all(byte < 0 for byte in kept):
        return ()
    found: set[str] = set()
    for places in combinations(range(1, len(pattern)), len(pattern) - len(kept)):
        whole = list(kept)
        for place in places:
            whole.insert(place, _GONE)
        choices = [_choices(byte, place) for place, byte in enumerate(whole)]
        for raw in product(*choices):
            char = bytes(raw).decode("utf-8", "ignore")
            if len(char) == 1 and penalty(char) < _RAW:
                found.add(char)
    return tuple(sorted(found, key=lambda char: (penalty(char), char))[:_WIDEST])


def _choices(byte: int, place: int) -> Sequence[int]:
    if byte >= 0:
        return (byte,)
    if place == 0:
        return range(0xE2, 0xF0)
    # cp932 drops a byte only where it would begin a pair, and those are 81 to 9F.
    return range(0x81, 0xA0) if byte == _GONE else range(0x80, 0xC0)
