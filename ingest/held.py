"""What of a store's vectors is held in memory: their signs, and where there is room themselves, rounded.

Signs are read at the first search. The vectors (see `ingest.rounded`) are read in the background, when a process has
searched a few times or says that it will: a command that searches once does not pay for them. They take no more than
their share of the memory that the store may use, and DuckDB does with so much less meanwhile.

After a change of the store, only what came is read. Chunks get numbers that none had before, and their vectors are
never changed, so the numbers tell what came and what went. A new table, for another embedder, is read as a whole.
"""

import atexit
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from ingest.database import Database
from ingest.rounded import Rounded
from ingest.signs import Signs, columns
from terakoya.errors import Unavailable

KEPT_MB: Final = 256
"""MiB that DuckDB keeps for itself in any case; of the others, rounded vectors may take half."""
OFTEN: Final = 8
"""A process that has searched so many times goes on searching."""
PAGE: Final = 8_192
"""Vectors that are read at once, and for which a search waits after a change; 12 MiB for 384 dimensions."""
_SPARE: Final = 8
"""Room is made for one more in so many, and for a page: for what will be added."""
_STALE: Final = -1

Numbers = NDArray[np.int64]
Table = tuple[int, int]
"""Number of the table, which another one never gets, and length of its vectors; zeros where there is none."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Rounded vectors, and whose they are.

    Attributes:
        table: Where they were read.
        rounded: Holds them, and others that are no longer in the store.
        chunks: Whose vector it is; ascending.
        places: Where in `rounded` each of them is.
    """

    table: Table
    rounded: Rounded
    chunks: Numbers
    places: Numbers

    def products(self, query: NDArray[np.float32], at: Numbers) -> NDArray[np.float64]:
        """The inner products of a query and the vectors at these positions in `chunks`."""
        return self.rounded.products(query, self.places[at])


@dataclass(frozen=True, slots=True)
class Known:
    """What is held at one state of the store.

    Attributes:
        table: Where it was read.
        signs: Of all vectors.
        copy: The vectors in the same order as their signs; None where they are not held.
    """

    table: Table
    signs: Signs
    copy: Copy | None = None


class Held:
    """What of a store's vectors is in memory, in step with the store. Safe in several threads.

    Args:
        store: Holds the vectors.
        memory_mb: MiB that the store may use.
    """

    def __init__(self, store: Database, memory_mb: int) -> None:
        self._store = store
        self._share = max(0, memory_mb - KEPT_MB) // 2
        self._lock = threading.RLock()
        self._known: tuple[int, Known] | None = None
        self._copy: Copy | None = None
        self._searches = 0
        self._refused = _STALE  # changes of the store at which the vectors could not be held
        self._filling: threading.Thread | None = None
        self._closed = threading.Event()

    def __call__(self) -> Known:
        """What is held of the store as it is now.

        Raises:
            Unavailable: The store is damaged where it was read.
        """
        known, changes = self._known, self._store.changes  # of before: what is committed meanwhile is later
        if known is None or known[0] != changes:
            with self._lock:
                known, changes = self._known, self._store.changes
                if known is None or known[0] != changes:
                    known = self._known = changes, self._followed(known[1] if known else None)
        return known[1]

    def searched(self) -> None:
        """Told of each search that would be quicker with the vectors in memory."""
        self._searches += 1
        if self._searches >= OFTEN:
            self.begin()

    def begin(self) -> None:
        """Begins to read the vectors in the background, where they are not there already."""
        known = self()
        self._searches = OFTEN
        if known.copy or not len(known.signs) or self._refused == self._store.changes:
            return
        with self._lock:
            if self._filling or self._closed.is_set():
                return
            self._filling = threading.Thread(target=self._fill, name="vectors", daemon=True)
            atexit.register(self.close)  # a thread that reads while Python ends could crash it
            self._filling.start()

    def wait(self) -> None:
        """Waits while vectors are being read."""
        filling = self._filling
        if filling:
            filling.join()

    def close(self) -> None:
        """Stops reading, and frees the memory."""
        self._closed.set()
        self.wait()
        atexit.unregister(self.close)
        self._known = self._copy = None

    def table(self) -> Table:
        """Where vectors are now."""
        rows = self._store.rows(
            """SELECT table_oid, data_type FROM duckdb_columns()
               WHERE table_name = 'vectors' AND column_name = 'vector' AND NOT internal"""
        )
        return (int(rows[0][0]), int(rows[0][1].removeprefix("FLOAT[").removesuffix("]"))) if rows else (0, 0)

    def _followed(self, before: Known | None) -> Known:
        table = self.table()
        signs = self._signs(table, before.signs if before and before.table == table else None)
        copy = self._copy
        if copy and not self._filling:
            if copy.table == table:
                return Known(table, signs, self._brought(copy, signs.chunks))
            self._copy = None
            self._store.lend(0)
        return Known(table, signs)

    def _brought(self, copy: Copy, chunks: Numbers) -> Copy | None:
        """The vectors of these chunks; None where so many came that they are better read in the background."""
        _, came = difference(copy.chunks, chunks)
        if np.count_nonzero(came) > min(PAGE, copy.rounded.free):
            return None
        self._copy = copy = self._caught_up(copy, chunks)
        return copy if np.array_equal(copy.chunks, chunks) else None  # else it changed while it was read

    def _fill(self) -> None:
        copy, changes = None, self._store.changes
        try:
            known = self()
            copy = self._with_room(known)
            if copy:
                copy = self._caught_up(copy, known.signs.chunks)
        except (Unavailable, duckdb.Error, MemoryError):  # searches go on without, or tell what is wrong
            copy = None
        with self._lock:
            self._copy = copy
            if copy is None:
                self._refused = changes
            if self._known:
                self._known = _STALE, self._known[1]
            self._filling = None
        atexit.unregister(self.close)
        if copy is None and not self._closed.is_set():
            self._store.lend(0)

    def _with_room(self, known: Known) -> Copy | None:
        """What was read before where all has room beside it, else an empty copy; None where it has no room."""
        size, before = known.table[1], self._copy
        if before and before.table == known.table:
            _, came = difference(before.chunks, known.signs.chunks)
            if np.count_nonzero(came) <= before.rounded.free:
                return before
        self._copy = before = None  # frees it before the next is made
        wanted = len(known.signs)
        most = self._share * 2**20 // Rounded.bytes_of(size)
        if wanted > most:
            return None
        room = min(most, wanted + wanted // _SPARE + PAGE)
        self._store.lend(-(-room * Rounded.bytes_of(size) // 2**20))
        nothing = np.zeros(0, dtype=np.int64)
        return Copy(known.table, Rounded(room, size), nothing, nothing)

    def _caught_up(self, copy: Copy, chunks: Numbers) -> Copy:
        """Without what is not among these chunks, and with what of them is not there."""
        stay, came = difference(copy.chunks, chunks)
        if stay.all() and not came.any():
            return copy
        owners, places = [copy.chunks[stay]], [copy.places[stay]]
        wanted, at = chunks[came], 0
        while at < len(wanted) and not self._closed.is_set():
            # vectors of a chunk are read together
            end = int(np.searchsorted(wanted, wanted[at : at + PAGE][-1], "right"))
            read, matrix = self._read(_distinct(wanted[at:end]))
            if len(matrix) > copy.rounded.free:
                break
            owners.append(read)
            places.append(copy.rounded.add(matrix))
            at = end
        owner, place = np.concatenate(owners), np.concatenate(places)
        if (owner[1:] < owner[:-1]).any():
            order = np.argsort(owner, kind="stable")
            owner, place = owner[order], place[order]
        return Copy(copy.table, copy.rounded, owner, place)

    def _read(self, chunks: Numbers) -> tuple[Numbers, NDArray[np.float32]]:
        """The vectors of these chunks from the store, and whose each is."""
        table = self._store.arrow(
            "SELECT rowid AS row, chunk, vector FROM vectors WHERE chunk IN (SELECT unnest($chunks))",
            {"chunks": chunks.tolist()},
        )
        order = _order(table["row"].to_numpy())
        table = table if order is None else table.take(order)
        column = table["vector"].combine_chunks()
        return table["chunk"].to_numpy(), column.flatten().to_numpy().reshape(-1, column.type.list_size)

    def _signs(self, table: Table, before: Signs | None) -> Signs:
        names = columns(table[1])
        if not names:
            return Signs(np.zeros(0, dtype=np.int64), np.zeros((0, 0), dtype=np.uint64))
        everything = f"SELECT rowid AS row, chunk, {', '.join(names)} FROM vectors"  # noqa: S608 - our own names
        if before is None or not len(before):
            return self._read_signs(everything, {}, names)
        chunks = np.sort(self._store.columns("SELECT chunk FROM vectors", {})["chunk"], kind="stable")
        stay, came = difference(before.chunks, chunks)
        if not came.any():
            return before if stay.all() else before.staying(stay)
        values = {"chunks": _distinct(chunks[came]).tolist()}
        others = self._read_signs(f"{everything} WHERE chunk IN (SELECT unnest($chunks))", values, names)
        return (before if stay.all() else before.staying(stay)).joined(others)

    def _read_signs(self, sql: str, values: Mapping[str, object], names: Sequence[str]) -> Signs:
        read = self._store.columns(sql, values)
        order = _order(read["row"])
        if order is not None:
            read = {name: column[order] for name, column in read.items()}
        return Signs.of(read["chunk"], [read[name] for name in names])


def _order(rows: Numbers) -> Numbers | None:
    """How what was read comes into the order of its rows; None where it is.

    In that order, signs and vectors of a chunk's windows stand alike, whichever way DuckDB found them.
    """
    return np.argsort(rows, kind="stable") if (rows[1:] < rows[:-1]).any() else None


def difference(before: Numbers, after: Numbers) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of the numbers `before` stay, and which of those `after` are new; both are ascending."""
    first = _alike(before, after)
    last = _alike(before[first:][::-1], after[first:][::-1])  # what lies between is short after most changes
    gone, came = slice(first, len(before) - last), slice(first, len(after) - last)
    stay, new = np.ones(len(before), dtype=np.bool_), np.zeros(len(after), dtype=np.bool_)
    stay[gone] = _within(before[gone], after[came])
    new[came] = ~_within(after[came], before[gone])
    return stay, new


def _alike(one: Numbers, other: Numbers) -> int:
    """How many they have in common to begin with."""
    short = min(len(one), len(other))
    differing = one[:short] != other[:short]
    return int(differing.argmax()) if differing.any() else short


def _within(some: Numbers, others: Numbers) -> NDArray[np.bool_]:
    """Whether each is one of the others, which are ascending."""
    if not len(others):
        return np.zeros(len(some), dtype=np.bool_)
    at = np.searchsorted(others, some)
    found: NDArray[np.bool_] = others[np.minimum(at, len(others) - 1)] == some
    return found


def _distinct(ascending: Numbers) -> Numbers:
    once: Numbers = ascending[np.diff(ascending, prepend=-1) != 0]
    return once
