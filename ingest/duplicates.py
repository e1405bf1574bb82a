"""Notes that say almost the same: copies, and versions of one text.

Each note is the set of its 8-character shingles, of letters and digits alone. A MinHash sketch of each tells
which pairs are worth a look: one permutation in bins (Li, Owen and Zhang, 2012), empty bins filled from the
next (Shrivastava and Li, 2014), and pairs that agree in a band of bins. Of these the Jaccard similarity of the
whole sets is computed. Nothing here grows by the square of the number of notes.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import combinations, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.store import Store
from terakoya.api import AlikeNote, AlikeNotes
from terakoya.errors import BadInput
from terakoya.text.normalise import fold

SIMILARITY: Final = 0.8
"""From which on two notes are listed, unless another is asked for."""
LEAST: Final = 0.5
"""Below this similarity, sketches would miss pairs."""
_SHINGLE: Final = 8
_BINS: Final = 128
_ROWS: Final = ((0.7, 4), (0.55, 3), (0.0, 2))
"""Bins of a band, from a similarity on: so that of pairs that reach it, at most one in 250 is missed."""
_CROWD: Final = 32
"""In a larger group of notes with the same band, not every two are compared."""
_SHORTEST: Final = 2 * _SHINGLE
"""Notes with fewer letters have too little to be alike by."""
_PAGE: Final = 256
_LEFT_OUT: Final = re.compile(r"[\W_]+")
_MIXER: Final = np.uint64(0x9E3779B97F4A7C15)
_NOTES: Final = "SELECT id, view FROM notes WHERE id > $last ORDER BY id LIMIT $page"

Hashes = NDArray[np.uint64]


def duplicates(store: Store, similarity: float = SIMILARITY) -> list[AlikeNotes]:
    """Groups of notes that are alike, the most alike first; the longest note of a group comes first in it.

    Raises:
        BadInput: `similarity` is not in its range.
    """
    if not LEAST <= similarity <= 1:
        raise BadInput("similarity_range", similarity=similarity, least=LEAST)
    sketches: dict[int, Hashes] = {}
    same: dict[bytes, list[int]] = defaultdict(list)
    for number, letters in _texts(store):
        if len(letters) >= _SHORTEST:
            copies = same[blake2b(letters.encode(errors="surrogatepass"), digest_size=16).digest()]
            copies.append(number)
            if len(copies) == 1:
                sketches[number] = _sketch(_shingles(letters))
    leaders = {copies[0]: copies for copies in same.values()}
    return _groups(store, leaders, _alike(store, sketches, similarity))


def _texts(store: Store) -> Iterator[tuple[int, str]]:
    """Number of each note, and the letters and digits of its text."""
    last = -1
    while rows := store.rows(_NOTES, {"last": last, "page": _PAGE}):
        for number, view in rows:
            yield int(number), _letters(view)
        last = rows[-1][0]


def _letters(view: str) -> str:
    return _LEFT_OUT.sub("", fold(view))


def _shingles(letters: str) -> Hashes:
    """Hashes of the shingles of a text, each once, in order."""
    points = np.frombuffer(letters.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    count = max(1, len(points) - _SHINGLE + 1)
    hashes = np.zeros(count, dtype=np.uint64)
    for offset in range(_SHINGLE):
        hashes = hashes * _MIXER + points[offset : offset + count]
    # a product keeps low bits low: they are mixed, so that the smallest hashes are a fair sample
    hashes ^= hashes >> np.uint64(31)
    hashes *= _MIXER
    hashes ^= hashes >> np.uint64(29)
    return np.unique(hashes)


def _sketch(hashes: Hashes) -> Hashes:
    """The smallest hash of each bin, shape (_BINS,); of an empty one, that of the next, changed by the way there."""
    edges = np.arange(_BINS, dtype=np.uint64) << np.uint64(64 - _BINS.bit_length() + 1)
    firsts = np.searchsorted(hashes, edges)
    counts = np.diff(np.append(firsts, len(hashes)))
    full = np.flatnonzero(counts)
    beyond = np.searchsorted(full, np.arange(_BINS))
    source = full[beyond % len(full)]
    way = (source - np.arange(_BINS)) % _BINS
    return hashes[firsts[source]] + way.astype(np.uint64) * _MIXER


def _alike(store: Store, sketches: Mapping[int, Hashes], similarity: float) -> list[tuple[int, int]]:
    """Pairs of notes that reach the similarity."""
    if len(sketches) < 2:
        return []
    numbers = list(sketches)
    matrix = np.stack([sketches[number] for number in numbers])
    pairs = np.array(sorted(_candidates(matrix, similarity)), dtype=np.int64).reshape(-1, 2)
    agreeing = [
        (numbers[one], numbers[other])
        for one, other in pairs.tolist()
        if np.count_nonzero(matrix[one] == matrix[other]) >= (similarity - 0.2) * _BINS
    ]
    whole = _whole(store, {number for pair in agreeing for number in pair})
    return [pair for pair in agreeing if _jaccard(whole[pair[0]], whole[pair[1]]) >= similarity]


def _candidates(matrix: Hashes, similarity: float) -> set[tuple[int, int]]:
    """Pairs of rows that agree in a whole band."""
    rows = next(rows for least, rows in _ROWS if similarity >= least)
    found: set[tuple[int, int]] = set()
    for band in range(0, _BINS - rows + 1, rows):
        keys = matrix[:, band : band + rows]
        order = np.lexsort(keys.T)
        changes = np.any(keys[order[1:]] != keys[order[:-1]], axis=1)
        for group in np.split(order, np.flatnonzero(changes) + 1):
            if len(group) > 1:
                found.update(_pairs(sorted(group.tolist())))
    return found


def _pairs(group: Sequence[int]) -> Iterator[tuple[int, int]]:
    if len(group) <= _CROWD:
        yield from combinations(group, 2)
    else:
        yield from pairwise(group)
        yield from ((group[0], other) for other in group[2:])


def _whole(store: Store, numbers: set[int]) -> dict[int, Hashes]:
    rows = store.rows("SELECT id, view FROM notes WHERE id IN (SELECT unnest($ids))", {"ids": list(numbers)})
    return {int(number): _shingles(_letters(view)) for number, view in rows}


def _jaccard(one: Hashes, other: Hashes) -> float:
    both = np.intersect1d(one, other, assume_unique=True).size
    return both / (len(one) + len(other) - both)


def _groups(
    store: Store, leaders: Mapping[int, list[int]], pairs: Sequence[tuple[int, int]]
) -> list[AlikeNotes]:
    found: list[AlikeNotes] = []
    members = _connected(leaders, pairs)
    about = _about(store, {number for group in members for number in group})
    texts = _whole(store, set(about))
    for group in members:
        ordered = sorted(group, key=lambda number: (-about[number][2], about[number][0]))
        first = ordered[0]
        found.append(
            AlikeNotes(
                notes=[
                    AlikeNote(
                        source=about[number][0],
                        title=about[number][1],
                        characters=about[number][2],
                        similarity=round(_jaccard(texts[first], texts[number]), 4),
                    )
                    for number in ordered
                ]
            )
        )
    return sorted(
        found, key=lambda group: (-max(n.similarity for n in group.notes[1:]), group.notes[0].source)
    )


def _connected(leaders: Mapping[int, list[int]], pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Notes that are alike, directly or over others."""
    neighbours: dict[int, set[int]] = defaultdict(set)
    for one, other in pairs:
        neighbours[one].add(other)
        neighbours[other].add(one)
    groups, seen = [], set[int]()
    for leader in leaders:
        if leader in seen:
            continue
        open_, group = [leader], []
        seen.add(leader)
        while open_:
            at = open_.pop()
            group += leaders[at]
            fresh = neighbours[at] - seen
            seen |= fresh
            open_ += fresh
        if len(group) > 1:
            groups.append(group)
    return groups


def _about(store: Store, numbers: set[int]) -> dict[int, tuple[str, str, int]]:
    """Source, title and length of notes."""
    names = store.root_names()
    rows = store.rows(
        "SELECT id, root, path, title, length(view) FROM notes WHERE id IN (SELECT unnest($ids))",
        {"ids": list(numbers)},
    )
    return {
        int(number): (names[root] + path, title, int(length)) for number, root, path, title, length in rows
    }
