"""Which chunk has which term, and how often: the rows of `occurrences` and `terms`.

On disk, rows lie in *runs*, each sorted by term, so that a query reads a few of their parts. A run holds the rows of
chunks that came one after the other. Behind the last one lies the tail, in the order in which the rows came. Where
the tail grows long it becomes a run, together with runs before it that are not much longer: so there are few runs,
and a row is rewritten a few times at most, as in a log-structured merge-tree (O'Neil and others, 1996).
"""

from collections import Counter
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import duckdb
import numpy as np

WORDS: Final = 0
GRAMS: Final = 1
"""Fields: what a term is."""
TAIL: Final = 100_000
"""Rows that may lie unsorted, about a thousand chunks': to look through them takes a millisecond."""
_RATIO: Final = 2
"""A run is rewritten with what came after it where it is at most so many times as long."""
_ROWS: Final = "term BIGINT NOT NULL, chunk BIGINT NOT NULL, count INTEGER NOT NULL, length INTEGER NOT NULL"


@lru_cache(maxsize=65_536)
def code(field: int, term: str) -> int:
    """The number that stands for a term in `occurrences`: 64 bits of a hash, the same in every store."""
    digest = blake2b(term.encode(errors="replace"), digest_size=8, salt=bytes([field])).digest()
    return int.from_bytes(digest, "little", signed=True)


class Postings:
    """Rows of `occurrences`, gathered for one insertion."""

    def __init__(self) -> None:
        self._names: dict[int, tuple[int, str]] = {}
        self._terms: list[int] = []
        self._chunks: list[int] = []
        self._counts: list[int] = []
        self._lengths: list[int] = []

    def add(self, chunk: int, words: Counter[str], grams: Counter[str]) -> None:
        """The terms of a chunk; a later chunk has a higher number."""
        for field, bag in ((WORDS, words), (GRAMS, grams)):
            codes = {code(field, term): (field, term) for term in bag}
            self._names |= codes
            self._terms += codes
            self._chunks += [chunk] * len(bag)
            self._counts += bag.values()
            self._lengths += [bag.total()] * len(bag)

    def insert(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Adds the rows, and brings them in order where it is time to."""
        if not self._terms:
            return
        self._insert_names(cursor)
        rows = {
            "term": np.array(self._terms),
            "chunk": np.array(self._chunks),
            "count": np.array(self._counts),
            "length": np.array(self._lengths),
        }
        cursor.register("incoming", rows)
        try:
            cursor.execute("INSERT INTO occurrences FROM incoming ORDER BY term, chunk")
        finally:
            cursor.unregister("incoming")
        arrange(cursor)

    def _insert_names(self, cursor: duckdb.DuckDBPyConnection) -> None:
        known = cursor.execute(
            "SELECT code FROM terms WHERE code IN (SELECT unnest($codes))", {"codes": list(self._names)}
        ).fetchnumpy()["code"]
        new = self._names.keys() - set(known.tolist())
        if new:
            names = [self._names[number] for number in new]
            cursor.execute(
                "INSERT INTO terms SELECT unnest($codes), unnest($fields), unnest($terms)",
                {"codes": list(new), "fields": [f for f, _ in names], "terms": [t for _, t in names]},
            )


def arrange(cursor: duckdb.DuckDBPyConnection, *, whole: bool = False) -> None:
    """Sorts the tail where it is long, with the runs before it that are short; with `whole`, all into one run."""
    runs: list[tuple[int, int]] = cursor.execute("SELECT last, rows FROM runs ORDER BY last").fetchall()
    tail = _count_behind(cursor, runs[-1][0] if runs else -1)
    if not (tail > TAIL or (whole and (tail or len(runs) > 1))):
        return
    rewritten, kept = tail, len(runs)
    while kept and (whole or runs[kept - 1][1] <= _RATIO * rewritten):
        kept -= 1
        rewritten += runs[kept][1]
    behind = runs[kept - 1][0] if kept else -1
    if kept:
        _sort_behind(cursor, behind)
    else:
        _sort_all(cursor)
    cursor.execute("DELETE FROM runs WHERE last > $behind", {"behind": behind})
    cursor.execute(
        "INSERT INTO runs SELECT max(chunk), count(*) FROM occurrences WHERE chunk > $behind HAVING count(*) > 0",
        {"behind": behind},
    )


def _count_behind(cursor: duckdb.DuckDBPyConnection, chunk: int) -> int:
    sql = "SELECT count(*) FROM occurrences WHERE chunk > $chunk"
    return int(cursor.execute(sql, {"chunk": chunk}).fetchall()[0][0])


def _sort_behind(cursor: duckdb.DuckDBPyConnection, chunk: int) -> None:
    where = {"chunk": chunk}
    cursor.execute("CREATE TEMP TABLE rewritten AS FROM occurrences WHERE chunk > $chunk", where)
    cursor.execute("DELETE FROM occurrences WHERE chunk > $chunk", where)
    cursor.execute("INSERT INTO occurrences FROM rewritten ORDER BY term, chunk")
    cursor.execute("DROP TABLE rewritten")


def _sort_all(cursor: duckdb.DuckDBPyConnection) -> None:
    """Into a table of its own, which takes the place of the other: so no deleted rows stay behind."""
    cursor.execute(f"CREATE TABLE rewritten ({_ROWS})")
    cursor.execute("INSERT INTO rewritten FROM occurrences ORDER BY term, chunk")
    cursor.execute("DROP TABLE occurrences")
    cursor.execute("ALTER TABLE rewritten RENAME TO occurrences")
    cursor.execute("DELETE FROM terms WHERE code NOT IN (SELECT DISTINCT term FROM occurrences)")


def clear(cursor: duckdb.DuckDBPyConnection) -> None:
    """Deletes all rows."""
    for table in ("occurrences", "terms", "runs"):
        cursor.execute(f"TRUNCATE {table}")
