"""The vectors of chunks in the store, and the search for those nearest to a query."""

from collections.abc import Sequence
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from ingest import signs
from ingest.database import Derived, registered
from ingest.filters import Chunks
from ingest.held import Known
from ingest.rounded import products, rounded
from ingest.store import Store

Vectors2D = NDArray[np.float32]
"""The vectors of one chunk, shape (windows, dimensions)."""
Scores = NDArray[np.float64]

CANDIDATES: Final = 150
PER_RESULT: Final = 5
"""Chunks that are compared closely at first: `CANDIDATES`, and for each wanted one so many more."""
_LEFT: Final = 10
"""For each of them, vectors that are left by the first look at the signs, see `ingest.signs`; more of larger stores."""
_LARGE: Final = 100_000
"""From so many vectors on, more are left, by the square root of their number."""
SURE: Final = 3.5
"""A chunk is compared, too, where it may be wanted if its estimate is off by so many standard deviations."""
_ALL_BELOW: Final = 5_000
"""Of so few vectors all are compared: to pick some out takes as long."""
_ALL: Final = """
    SELECT chunk, max(array_inner_product(vector, $query::FLOAT[{size}])) AS score
    FROM vectors GROUP BY chunk ORDER BY score DESC, chunk LIMIT $k
"""
_EXACT: Final = """
    SELECT chunk, array_inner_product(vector, $query::FLOAT[{size}]) AS score
    FROM vectors WHERE chunk IN (SELECT unnest($chunks))
"""
_VECTORS: Final = "SELECT chunk, vector FROM vectors WHERE chunk IN (SELECT unnest($chunks))"


class Nearest:
    """Finds the chunks whose vectors are nearest to one. Safe in several threads.

    Where there are many vectors, the candidates are those nearest by their signs (see `ingest.signs`), and only
    they are compared: in memory where the vectors are held (see `ingest.held`), else as they are read from the store.
    Either way they are compared as `ingest.rounded` has them, so that a similarity does not depend on what is in
    memory. No index has to be built, and a vector is found as soon as it is there.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held = store.held
        self._dimensions = Derived(store, lambda: self._held.table()[1])

    def find(
        self, query: NDArray[np.float32], k: int, only: Chunks | None = None, *, thorough: bool = True
    ) -> dict[int, float]:
        """The `k` nearest chunks, nearest first, with the inner product of the query and their best vector.

        Args:
            query: Unit vector.
            k: How many chunks are wanted.
            only: Look at these chunks alone.
            thorough: Where vectors are read from the store, compare more of them where it is not certain that the
                nearest are among those compared at first: around a query that is like none of the vectors.
        """
        if not self.exist():
            return {}
        known = self._held()
        if only is None and len(known.signs) <= max(_ALL_BELOW, _first(k)):
            rows = self._store.rows(_ALL.format(size=len(query)), {"query": query.tolist(), "k": k})
            return {int(chunk): float(score) for chunk, score in rows}
        inside = only.numbers(self._store) if only else None
        if len(known.signs) > _ALL_BELOW:
            self._held.searched()
        found = self._picked(known, query, k, inside, thorough=thorough)
        return dict(sorted(found.items(), key=lambda each: (-each[1], each[0]))[:k])

    def _picked(
        self,
        known: Known,
        query: NDArray[np.float32],
        k: int,
        inside: NDArray[np.int64] | None,
        *,
        thorough: bool,
    ) -> dict[int, float]:
        """Those chunks that may be among the `k` nearest."""
        first = _first(k)
        if inside is not None and len(inside) <= first:
            return self.of(query, inside.tolist())
        among = None if inside is None else known.signs.belonging(inside)
        size = len(known.signs) if among is None else len(among)
        most = round(_LEFT * first * max(1.0, size / _LARGE) ** 0.5)
        while True:
            at = known.signs.left(query, most, among)
            owners = known.signs.chunks[at]
            if most >= size or np.count_nonzero(np.diff(owners)) + 1 >= first:
                break
            most *= _LEFT  # a chunk may have many vectors among them
        if known.copy:
            return _top(owners, known.copy.products(query, at), k)
        return self._compared(query, k, owners, known.signs.estimates(query, at), thorough=thorough)

    def _compared(
        self,
        query: NDArray[np.float32],
        k: int,
        owners: NDArray[np.int64],
        estimates: NDArray[np.float32],
        *,
        thorough: bool,
    ) -> dict[int, float]:
        """Of these vectors' chunks the first by estimate, and all others that may be among the `k` nearest."""
        order = np.argsort(-estimates, kind="stable")
        _, best = np.unique(owners[order], return_index=True)
        order = order[np.sort(best)]
        chunks, estimates = owners[order], estimates[order]
        first = _first(k)
        found = self.of(query, chunks[:first].tolist())
        if thorough and len(found) >= k and len(chunks) > first:
            exact = np.array([found.get(chunk, 0.0) for chunk in chunks[:first].tolist()])
            needed = _hopeful(estimates, exact, k)
            found |= self.of(query, chunks[first:][needed].tolist())
        return found

    def of(self, query: NDArray[np.float32], chunks: Sequence[int]) -> dict[int, float]:
        """The inner product of the query and the best vector of each of these chunks that has one."""
        if not chunks:
            return {}
        wanted, known = np.asarray(chunks, dtype=np.int64), self._held()
        if known.copy:
            at = known.signs.belonging(wanted)
            return _best(known.signs.chunks[at], known.copy.products(query, at))
        values: dict[str, object] = {"chunks": wanted.tolist()}
        if len(known.signs) <= _ALL_BELOW:
            values["query"] = query.tolist()
            rows = self._store.columns(_EXACT.format(size=len(query)), values)
            return _best(rows["chunk"], rows["score"].astype(np.float64))
        rows = self._store.columns(_VECTORS, values)
        return _best(rows["chunk"], products(query, *rounded(_stacked(rows["vector"], len(query)))))

    def sample(self, most: int) -> NDArray[np.float32]:
        """Vectors from all over the store, shape (number, dimensions): `most`, or all where there are fewer."""
        if not self.count():
            return np.zeros((0, self._dimensions()), dtype=np.float32)
        # numbers of rows that were deleted stay free: they are not asked for one by one
        step = max(1, self.count() // (2 * most))
        rows = np.sort(
            self._store.columns("SELECT rowid AS row FROM vectors WHERE rowid % $step = 0", {"step": step})[
                "row"
            ]
        )
        if not len(rows):
            return np.zeros((0, self._dimensions()), dtype=np.float32)
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
        return _stacked(found, self._dimensions())

    def count(self) -> int:
        """Number of vectors."""
        return len(self._held().signs)

    def exist(self) -> bool:
        """Whether the table is there; it may be empty."""
        return bool(self._dimensions())

    def hold(self) -> None:
        """Begins to read the vectors into memory, where they are many and there is room: many searches will come."""
        if self.count() > _ALL_BELOW:
            self._held.begin()


def _first(k: int) -> int:
    """How many chunks are compared exactly at first."""
    return CANDIDATES + PER_RESULT * k


def _stacked(vectors: NDArray[np.object_], size: int) -> NDArray[np.float32]:
    """Vectors of this length as they were read, shape (number, size)."""
    if not len(vectors):
        return np.zeros((0, size), dtype=np.float32)
    return np.stack([np.asarray(vector, dtype=np.float32) for vector in vectors])


def _top(owners: NDArray[np.int64], scores: Scores, k: int) -> dict[int, float]:
    """The `k` best chunks with their best score, and those that are as good as the last; `owners` are ascending."""
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    if not len(starts):
        return {}
    best = np.maximum.reduceat(scores, starts)
    kept = best >= np.partition(best, -k)[-k] if k < len(best) else np.ones(len(best), dtype=np.bool_)
    return dict(zip(owners[starts][kept].tolist(), best[kept].tolist(), strict=True))


def _best(owners: NDArray[np.int64], scores: Scores) -> dict[int, float]:
    """The best score of each chunk, of those of its vectors."""
    order = np.argsort(scores, kind="stable")  # of a chunk's vectors the best comes last, and stays
    return dict(zip(owners[order].tolist(), scores[order].tolist(), strict=True))


def _hopeful(estimates: NDArray[np.float32], exact: NDArray[np.float64], k: int) -> NDArray[np.bool_]:
    """Which of the chunks that were not compared may be among the `k` nearest.

    Args:
        estimates: Of all, nearest first.
        exact: Of the first of them, which were compared: they tell how far estimates are off.
        k: How many are wanted.
    """
    known, others = estimates[: len(exact)], estimates[len(exact) :]
    apart = known - known.mean()
    # least squares; where all estimates are the same, they tell nothing
    slope = float(apart @ exact) / (float(apart @ apart) or 1.0)
    off = float(np.std(exact - slope * apart))
    wanted = np.partition(exact, -k)[-k]
    hopeful: NDArray[np.bool_] = exact.mean() + slope * (others - known.mean()) + SURE * off > wanted
    return hopeful


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
