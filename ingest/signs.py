"""The signs of a vector's numbers, packed into 64-bit integers: which vectors are near is seen without reading them.

The distance of a vector is the number of the query's signs that it does not share; the smallest of the query's
numbers, whose signs say little, do not count. Signs are those of the numbers themselves: with the mean subtracted, or
after a random rotation, no more true neighbours are among the nearest (measured on real embeddings).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

LOOKED_AT: Final = 0.6
"""Share of a query's numbers that count, the largest. To let the largest of these count twice finds more neighbours
among as many candidates, and costs as much time as more candidates do."""
_WORD: Final = 64


def columns(dimensions: int) -> list[str]:
    """Names of the columns that hold the signs of a vector, of type BIGINT: `bit_count` knows no unsigned type."""
    return [f"signs{number}" for number in range(-(-dimensions // _WORD))]


def packed(matrix: NDArray[np.float32]) -> NDArray[np.int64]:
    """The signs of each row, shape (rows, columns)."""
    return _words(matrix > 0)


def distance(dimensions: int) -> str:
    """The distance of a row to the query of `parameters`, as SQL."""
    # single precision: additions of integers are checked for overflow one by one
    return " + ".join(
        f"bit_count(xor({column}, $query_{column}) & $large_{column})::FLOAT"
        for column in columns(dimensions)
    )


def parameters(query: NDArray[np.float32]) -> dict[str, int]:
    """What `distance` compares with."""
    order = np.argsort(-np.abs(query), kind="stable")
    rows = np.zeros((2, len(query)), dtype=np.bool_)
    rows[0] = query > 0
    rows[1, order[: max(1, round(len(query) * LOOKED_AT))]] = True
    names = columns(len(query))
    return {
        f"{name}_{column}": value
        for name, row in zip(("query", "large"), _words(rows).tolist(), strict=True)
        for column, value in zip(names, row, strict=True)
    }


def _words(bits: NDArray[np.bool_]) -> NDArray[np.int64]:
    rows, width = bits.shape
    filled = np.zeros((rows, -(-width // _WORD) * _WORD), dtype=np.bool_)
    filled[:, :width] = bits
    return np.packbits(filled, axis=1, bitorder="little").view("<i8").astype(np.int64)
