"""The vectors of chunks in the store, and the search for those nearest to a query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from ingest import signs
from ingest.database import Derived, registered
from ingest.filters import Chunks
from ingest.store import Store

Vectors2D = NDArray[np.float32]
"""The vectors of one chunk, shape (windows, dimensions)."""

CANDIDATES: Final = 400
PER_RESULT: Final = 10
"""Vectors that are compared exactly at first: `CANDIDATES`, and for each wanted chunk so many more."""
_MORE: Final = 4
ROUNDS: Final = 3
"""Where that does not settle it, so many times as many are compared, in so many rounds at most."""
_SURE: Final = 3
_LOOKED_AT: Final = 10
"""It is settled where the ten nearest chunks are among the first third of the candidates: others that are as near then
hardly lie behind the last. A query like some of the vectors is settled at once, one unlike all of them seldom is."""
_DEARER: Final = 6
"""A vector that is picked out costs as much as this many in a row: from a smaller store, all are compared."""
_LISTED: Final = 20_000
"""Chunks of a filter that are handed over by their numbers; of more, the filter is asked again."""
_ALL: Final = """
    SELECT chunk, max(array_inner_product(vector, $query::FLOAT[{size}])) AS score
    FROM vectors WHERE {condition}
    GROUP BY chunk ORDER BY score DESC, chunk LIMIT $k
"""
_BY_ROW: Final = "rowid IN (SELECT rowid FROM vectors WHERE {condition})"
_NEAR: Final = """
    SELECT rowid AS row FROM vectors WHERE {condition}
    -- of equally distant ones the first, always the same; as one number, since two keys take longer to sort
    ORDER BY ({distance})::DOUBLE * 1099511627776 + rowid LIMIT $candidates
"""
_EXACT: Final = """
    SELECT rowid AS row, chunk, array_inner_product(vector, $query::FLOAT[{size}]) AS score
    FROM vectors WHERE rowid IN (SELECT unnest($rows))
"""


@dataclass(frozen=True, slots=True)
class _Shape:
    count: int
    dimensions: int


class Nearest:
    """Finds the chunks whose vectors are nearest to one. Safe in several threads.

    Where there are many vectors, the candidates are those nearest by their signs (see `ingest.signs`), and only
    they are compared exactly. No index has to be built, and a vector is found as soon as it is there.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shape = Derived(store, self._measured)

    def find(
        self, query: NDArray[np.float32], k: int, only: Chunks | None = None, *, rounds: int = ROUNDS
    ) -> dict[int, float]:
        """The `k` nearest chunks, nearest first, with the inner product of the query and their best vector.

        Args:
            query: Unit vector.
            k: How many chunks are wanted.
            only: Look at these chunks alone.
            rounds: How often more vectors are compared at most, where the ones before did not settle it.
        """
        shape = self._shape()
        condition, values = "true", dict[str, Any]()
        looked_at = shape.count
        if only:
            inside = only.numbers(self._store)
            looked_at = len(inside)
            condition, values = f"chunk IN ({only.sql})", dict(only.values)
            if looked_at <= _LISTED:
                condition, values = "chunk IN (SELECT unnest($inside))", {"inside": inside.tolist()}
        candidates = CANDIDATES + PER_RESULT * k
        for done in count(1):
            if candidates * _DEARER >= looked_at:
                break
            found, settled = self._picked(query, k, candidates, condition, values)
            if settled or (done >= rounds and len(found) >= k):
                return dict(islice(found.items(), k))
            candidates *= _MORE
        if not shape.count:
            return {}
        if only:  # by row, so that of the other vectors nothing is read
            condition = _BY_ROW.format(condition=condition)
        rows = self._store.rows(
            _ALL.format(size=len(query), condition=condition), {**values, "query": query.tolist(), "k": k}
        )
        return {int(chunk): float(score) for chunk, score in rows}

    def _picked(
        self,
        query: NDArray[np.float32],
        k: int,
        candidates: int,
        condition: str,
        values: Mapping[str, object],
    ) -> tuple[dict[int, float], bool]:
        """The chunks of the nearest vectors by signs, nearest first, and whether that settles it."""
        near = self._store.columns(
            _NEAR.format(condition=condition, distance=signs.distance(len(query))),
            {**values, **signs.parameters(query), "candidates": candidates},
        )["row"]
        exact = self._store.columns(
            _EXACT.format(size=len(query)), {"query": query.tolist(), "rows": near.tolist()}
        )
        order = np.lexsort((exact["chunk"], -exact["score"]))
        _, first = np.unique(exact["chunk"][order], return_index=True)
        best = order[np.sort(first)]
        found = dict(zip(exact["chunk"][best].tolist(), exact["score"][best].tolist(), strict=True))
        if len(near) < candidates:  # these are all that there are
            return found, True
        sure = set(near[: candidates // _SURE].tolist())
        # a chunk may have many vectors among the candidates
        return found, len(found) >= k and sure.issuperset(exact["row"][best[:_LOOKED_AT]].tolist())

    def of(self, query: NDArray[np.float32], chunks: Sequence[int]) -> dict[int, float]:
        """The inner product of the query and the best vector of each of these chunks that has one."""
        if not chunks:
            return {}
        picked = _BY_ROW.format(condition="chunk IN (SELECT unnest($chunks))")
        rows = self._store.rows(
            _ALL.format(size=len(query), condition=picked),
            {"query": query.tolist(), "k": len(chunks), "chunks": list(chunks)},
        )
        return {int(chunk): float(score) for chunk, score in rows}

    def sample(self, most: int) -> NDArray[np.float32]:
        """Vectors from all over the store, shape (number, dimensions): `most`, or all where there are fewer."""
        shape = self._shape()
        if not shape.count:
            return np.zeros((0, shape.dimensions), dtype=np.float32)
        # numbers of rows that were deleted stay free: they are not asked for one by one
        step = max(1, shape.count // (2 * most))
        rows = np.sort(
            self._store.columns("SELECT rowid AS row FROM vectors WHERE rowid % $step = 0", {"step": step})[
                "row"
            ]
        )
        if not len(rows):
            return np.zeros((0, shape.dimensions), dtype=np.float32)
        return self._vectors_of("rowid", rows[np.unique(np.linspace(0, len(rows) - 1, most).astype(int))])

    def mean(self, chunks: Sequence[int]) -> NDArray[np.float32] | None:
        """The unit vector in the middle of those of these chunks; None where they have none."""
        if not self.exist():
            return None
        found = self._vectors_of("chunk", np.asarray(chunks, dtype=np.int64))
        if not len(found):
            return None
        middle = found.mean(axis=0, dtype=np.float64)
        unit: NDArray[np.float32] = (middle / (np.linalg.norm(middle) or 1.0)).astype(np.float32)
        return unit

    def _vectors_of(self, column: str, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        found = self._store.columns(
            f"SELECT vector FROM vectors WHERE {column} IN (SELECT unnest($numbers)) ORDER BY rowid",  # noqa: S608
            {"numbers": numbers.tolist()},
        )["vector"]
        if not len(found):
            return np.zeros((0, 0), dtype=np.float32)
        return np.stack([np.asarray(vector, dtype=np.float32) for vector in found])

    def count(self) -> int:
        """Number of vectors."""
        return self._shape().count

    def exist(self) -> bool:
        """Whether the table is there; it may be empty."""
        return bool(self._shape().dimensions)

    def _measured(self) -> _Shape:
        dimensions = self._dimensions()
        if not dimensions:
            return _Shape(0, 0)
        return _Shape(int(self._store.rows("SELECT count(*) FROM vectors")[0][0]), dimensions)

    def _dimensions(self) -> int:
        """Length of the vectors, 0 where there is no table of them."""
        rows = self._store.rows(
            """SELECT data_type FROM duckdb_columns()
               WHERE table_name = 'vectors' AND column_name = 'vector' AND NOT internal"""
        )
        return int(rows[0][0].removeprefix("FLOAT[").removesuffix("]")) if rows else 0


def create(cursor: duckdb.DuckDBPyConnection, dimensions: int) -> None:
    """Makes the table for vectors of this length, where there is none."""
    bits = ", ".join(f"{column} BIGINT NOT NULL" for column in signs.columns(dimensions))
    cursor.execute(
        f"CREATE TABLE IF NOT EXISTS vectors (chunk BIGINT NOT NULL, {bits}, vector FLOAT[{dimensions}] NOT NULL)"
    )


def insert(
    cursor: duckdb.DuckDBPyConnection, chunks: Sequence[int], vectors: Sequence[Vectors2D | None]
) -> None:
    """Adds the vectors of chunks inside the caller's transaction; makes the table for the first of them."""
    found = [(chunk, rows) for chunk, rows in zip(chunks, vectors, strict=True) if rows is not None]
    if not found:
        return
    matrix = np.concatenate([rows for _, rows in found])
    owners = np.repeat([chunk for chunk, _ in found], [len(rows) for _, rows in found])
    create(cursor, matrix.shape[1])
    words = np.ascontiguousarray(signs.packed(matrix).T)
    columns = dict(zip(signs.columns(matrix.shape[1]), words, strict=True))
    with registered(cursor, "incoming", {"chunk": owners, **columns}, matrix):
        cursor.execute("INSERT INTO vectors SELECT * FROM incoming")
