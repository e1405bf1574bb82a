"""The words of the installed Sudachi dictionary, looked up one character at a time.

SudachiPy tokenises text that is known. To weigh text that is *not* quite known (a character of which
two of three bytes are gone has a dozen readings) the lattice has to be walked character by character,
every reading at once, and the words that end on the way have to be priced. SudachiPy has no such
interface, so this module reads the dictionary file itself: the double-array trie of all words, their
costs, and the matrix of connection costs between parts of speech. Nothing is loaded; the file is mapped
and only the pages that are touched are read.

The layout is that of Sudachi's binary dictionary, version 1 (`SudachiBinaryDic`): a section table in the
first 4096 bytes; a DARTS-clone double array (https://github.com/s-yata/darts-clone) whose keys are
UTF-8; per key the varint-coded pointers of its words; 8-byte aligned entries that begin with left id,
right id and cost. `tests/ingest/test_mojibake.py` holds the reader against SudachiPy's own path costs.
"""

from __future__ import annotations

import mmap
import struct
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

__all__ = ["Lexicon", "NoLexiconError", "Word", "installed"]

_MAGIC = b"SudachiBinaryDic"
_VERSION = 1
_HEADER = 4096
_SECTIONS = ("ConnMatrix", "WordPointers", "TrieIndex", "Entries")
_HAS_LEAF = 1 << 8
_LABEL = (1 << 31) | 0xFF
_UNINDEXED = 0x7FFF


class NoLexiconError(LookupError):
    """No Sudachi dictionary is installed, or its file has a layout that this module does not know."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """One reading of a surface: the ids it connects by, and its cost (about -800 ln of its share)."""

    left: int
    right: int
    cost: int


@dataclass(kw_only=True)
class Lexicon:
    """A mapped dictionary.

    A *place* is a position in the trie (an int, `ROOT` at first); `step` moves on by one character and
    `words` says which words end at a place.
    """

    _trie: memoryview
    _pointers: memoryview
    _entries: memoryview
    connections: memoryview
    size: int
    root: int = 0
    _steps: dict[tuple[int, str], int] = field(default_factory=dict)
    _words: dict[int, tuple[Word, ...]] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path) -> Lexicon:
        """Map the dictionary at `path`.

        Raises:
            NoLexiconError: the file is not a version 1 Sudachi dictionary.
        """
        with path.open("rb") as file:
            if path.stat().st_size < _HEADER:
                raise NoLexiconError(f"`{path}` is no Sudachi dictionary")
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        head = bytes(data[:_HEADER])
        if head[:16] != _MAGIC or struct.unpack_from("<Q", head, 16)[0] != _VERSION:
            raise NoLexiconError(f"`{path}` is no Sudachi dictionary of version {_VERSION}")
        part = {name: _section(data, head, name) for name in _SECTIONS}
        matrix = part["ConnMatrix"].cast("h")
        rights, lefts = matrix[0], matrix[1]
        if len(matrix) != 2 + rights * lefts:
            raise NoLexiconError(f"`{path}` has a connection matrix of unknown shape")
        trie = part["TrieIndex"].cast("I")
        return cls(
            _trie=trie,
            _pointers=part["WordPointers"],
            _entries=part["Entries"].cast("h"),
            connections=matrix[2:],
            size=rights,
            root=_offset(trie[0]),
        )

    def step(self, place: int, char: str) -> int:
        """The place after `char`, or -1 where no word goes on that way."""
        key = (place, char)
        found = self._steps.get(key)
        if found is None:
            found = self._steps[key] = self._walk(place, char)
        return found

    def words(self, place: int) -> tuple[Word, ...]:
        """The words that end at `place`, of equal ids only the cheapest."""
        found = self._words.get(place)
        if found is None:
            found = self._words[place] = self._read(place)
        return found

    def lookup(self, surface: str) -> tuple[Word, ...]:
        """The words written `surface`."""
        place = self.root
        for char in surface:
            place = self.step(place, char)
            if place < 0:
                return ()
        return self.words(place)

    def connection(self, right: int, left: int) -> int:
        """The cost of a word with left id `left` after one with right id `right`."""
        cost: int = self.connections[left * self.size + right]
        return cost

    def _walk(self, place: int, char: str) -> int:
        trie = self._trie
        for byte in _folded(char):
            at = place ^ byte
            unit = trie[at]
            if unit & _LABEL != byte:
                return -1
            place = at ^ _offset(unit)
        return place

    def _read(self, place: int) -> tuple[Word, ...]:
        # The leaf of a key hangs under the label 0; where there is none, the unit there is another's.
        unit = self._trie[place]
        if not unit >> 31:
            return ()
        at = unit & 0x7FFF_FFFF
        pointers, entries = self._pointers, self._entries
        count = pointers[at]
        at += 1
        pointer = 0
        cheapest: dict[tuple[int, int], int] = {}
        for _ in range(count):
            shift = 0
            while True:
                byte = pointers[at]
                at += 1
                pointer += (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            left, right, cost = entries[pointer * 4], entries[pointer * 4 + 1], entries[pointer * 4 + 2]
            if left >= 0 and right >= 0 and cost < _UNINDEXED:
                ids = (left, right)
                cheapest[ids] = min(cost, cheapest.get(ids, cost))
        return tuple(Word(left=left, right=right, cost=cost) for (left, right), cost in cheapest.items())


@cache
def installed() -> Lexicon:
    """The dictionary of the installed package `sudachidict_core`.

    Raises:
        NoLexiconError: it is not installed, or has an unknown layout.
    """
    spec = find_spec("sudachidict_core")
    if spec is None or spec.origin is None:
        raise NoLexiconError("`sudachidict_core` is not installed")
    path = Path(spec.origin).parent / "resources" / "system.dic"
    if not path.is_file():
        raise NoLexiconError(f"`{path}` does not exist")
    return Lexicon.open(path)


@cache
def _folded(char: str) -> bytes:
    """`char` as the keys of the trie spell it: Sudachi looks words up in NFKC and lower case."""
    return unicodedata.normalize("NFKC", char).lower().encode("utf-8", "surrogatepass")


def _offset(unit: int) -> int:
    return (unit >> 10) << ((unit & (1 << 9)) >> 6)


def _section(data: memoryview, head: bytes, name: str) -> memoryview:
    label = bytes([len(name)]) + name.encode()
    at = head.find(label)
    if at < 0:
        raise NoLexiconError(f"the dictionary has no section `{name}`")
    start, at = _varint(head, at + len(label))
    length, _ = _varint(head, at)
    if start + length > len(data):
        raise NoLexiconError(f"section `{name}` ends after the dictionary")
    return data[start : start + length]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
