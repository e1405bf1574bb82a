"""The signs of the numbers of vectors, packed into 64-bit integers: which are near is seen without reading vectors.

Two looks, each at fewer vectors than the one before. The first counts the query's signs that a vector does not share;
the smallest of the query's numbers, whose signs say little, do not count. The second is for vectors that are not in
memory themselves (see `ingest.held`). It weighs each sign with the query's own number, as though the vector's numbers
were all of one size: an estimate of the inner product (the asymmetric distance of binary codes: Gordo and Perronnin,
"Asymmetric distances for binary embeddings", CVPR 2011).

Signs are those of the numbers themselves: with the mean subtracted, or after a random rotation, no more true
neighbours are among the nearest (measured on real embeddings).
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

LOOKED_AT: Final = 0.6
"""Share of a query's numbers that count at the first look, the largest."""
_WORD: Final = 64
_PAGE: Final = 65_536
"""Vectors whose signs are compared in one go: what is worked out meanwhile stays in the processor's cache."""
_TWICE: Final = 4 * _PAGE
"""From so many on, two threads count."""
_ASIDE: Final = ThreadPoolExecutor(thread_name_prefix="signs")
_OPENED: Final = 4_096
"""Vectors whose signs are numbers at the same time: 6 MiB for 384 dimensions."""


def columns(dimensions: int) -> list[str]:
    """Names of the columns that hold the signs of a vector, of type BIGINT."""
    return [f"signs{number}" for number in range(-(-dimensions // _WORD))]


def packed(matrix: NDArray[np.float32]) -> NDArray[np.int64]:
    """The signs of each row, shape (rows, columns)."""
    return _words(matrix > 0).astype(np.int64)


class Signs:
    """The signs of all vectors of a store, in memory: 56 bytes for a vector of 384 dimensions. Never changed.

    A vector is named by its position here, not by its row in the store.

    Attributes:
        chunks: Whose vector stands at each position; ascending.
    """

    def __init__(self, chunks: NDArray[np.int64], words: NDArray[np.uint64]) -> None:
        """Takes them as they are.

        Args:
            chunks: Ascending.
            words: One row for each column of signs, so that those of many vectors lie side by side.
        """
        self.chunks = chunks
        self._words = words

    @classmethod
    def of(cls, chunks: NDArray[np.int64], columns: list[NDArray[np.int64]]) -> Self:
        """Brings them into the order of their chunks.

        Args:
            chunks: Whose vector it is.
            columns: As `packed` made them.
        """
        words = np.stack(columns).view(np.uint64)
        if (np.diff(chunks) < 0).any():
            order = np.argsort(chunks, kind="stable")
            return cls(chunks[order], words[:, order])
        return cls(chunks, words)

    def staying(self, stay: NDArray[np.bool_]) -> Self:
        """Those of these that stay, told by position."""
        return type(self)(self.chunks[stay], self._words[:, stay])

    def joined(self, others: Self) -> Self:
        """These and those of other chunks."""
        chunks = np.concatenate([self.chunks, others.chunks])
        words = np.concatenate([self._words, others._words], axis=1)
        if len(self) and len(others) and others.chunks[0] < self.chunks[-1]:
            order = np.argsort(chunks, kind="stable")
            return type(self)(chunks[order], words[:, order])
        return type(self)(chunks, words)

    def __len__(self) -> int:
        """Number of vectors."""
        return len(self.chunks)

    def belonging(self, chunks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the vectors of these chunks stand."""
        wanted = np.sort(chunks)
        wanted = wanted[np.diff(wanted, prepend=-1) != 0]  # each once; `np.unique` takes ten times as long
        first, end = (np.searchsorted(self.chunks, wanted, side) for side in ("left", "right"))
        counts = end - first
        ends = counts.cumsum()
        return np.repeat(first - ends + counts, counts) + np.arange(counts.sum())

    def differing(
        self, query: NDArray[np.float32], among: NDArray[np.int64] | None = None
    ) -> NDArray[np.uint16]:
        """How many of the query's signs that count each vector does not share, of those at `among` or of all."""
        words = self._words if among is None else self._words[:, among]
        compared = _compared(query)
        found = np.zeros(words.shape[1], dtype=np.uint16)
        if len(found) < _TWICE:
            _count(words, compared, found)
        else:  # numpy lets go of the interpreter meanwhile
            half = len(found) // 2
            other = _ASIDE.submit(_count, words[:, half:], compared, found[half:])
            _count(words[:, :half], compared, found[:half])
            other.result()
        return found

    def left(
        self, query: NDArray[np.float32], most: int, among: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """Where those are that the first look leaves, in order of their positions.

        Args:
            query: Unit vector.
            most: How many are left.
            among: Look at those at these positions alone.
        """
        size = len(self) if among is None else len(among)
        if most >= size:
            return np.arange(size) if among is None else among
        apart = self.differing(query, among)
        limit = np.partition(apart, most - 1)[most - 1]
        # of equally distant ones the first, always the same
        at = np.sort(np.concatenate([np.flatnonzero(apart < limit), np.flatnonzero(apart == limit)])[:most])
        return at if among is None else among[at]

    def estimates(self, query: NDArray[np.float32], at: NDArray[np.int64]) -> NDArray[np.float32]:
        """The second look: estimates of the inner products of a query and the vectors at these positions."""
        found = np.empty(len(at), dtype=np.float32)
        for begin in range(0, len(at), _OPENED):
            words = np.ascontiguousarray(self._words[:, at[begin : begin + _OPENED]].T)
            bits = np.unpackbits(
                words.astype("<u8", copy=False).view(np.uint8), axis=1, count=len(query), bitorder="little"
            )
            found[begin : begin + _OPENED] = bits.astype(np.float32) @ query
        # a sign counts for or against: twice the sum over those that are set, less the sum over all
        estimated: NDArray[np.float32] = 2 * found - query.sum()
        return estimated


def _count(words: NDArray[np.uint64], compared: NDArray[np.uint64], found: NDArray[np.uint16]) -> None:
    apart, ones = np.empty(_PAGE, dtype=np.uint64), np.empty(_PAGE, dtype=np.uint8)
    for begin in range(0, len(found), _PAGE):
        page = found[begin : begin + _PAGE]
        here, many = apart[: len(page)], ones[: len(page)]
        for column, sign, counts in zip(words, *compared, strict=True):
            np.bitwise_xor(column[begin : begin + _PAGE], sign, out=here)
            np.bitwise_and(here, counts, out=here)
            np.add(page, np.bitwise_count(here, out=many), out=page)


def _compared(query: NDArray[np.float32]) -> NDArray[np.uint64]:
    """The query's signs, and which of them count; shape (2, columns)."""
    order = np.argsort(-np.abs(query), kind="stable")
    rows = np.zeros((2, len(query)), dtype=np.bool_)
    rows[0] = query > 0
    rows[1, order[: max(1, round(len(query) * LOOKED_AT))]] = True
    return _words(rows)


def _words(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    rows, width = bits.shape
    filled = np.zeros((rows, -(-width // _WORD) * _WORD), dtype=np.bool_)
    filled[:, :width] = bits
    return np.packbits(filled, axis=1, bitorder="little").view("<u8").astype(np.uint64)
