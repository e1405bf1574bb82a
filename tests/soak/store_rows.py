"""What a store must hold whenever it is opened, and all its rows under names that do not depend on ids."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ingest.embedder import CATALOGUE
from ingest.store import Store
from terakoya.errors import Unavailable

BROKEN = {
    "two roots at one place": "SELECT path FROM roots GROUP BY path HAVING count(*) > 1",
    "two notes at one path": "SELECT root, path FROM notes GROUP BY root, path HAVING count(*) > 1",
    "note without a root": "SELECT path FROM notes WHERE root NOT IN (SELECT id FROM roots)",
    "chunk without its note": "SELECT id FROM chunks WHERE note NOT IN (SELECT id FROM notes)",
    "posting without its chunk": "SELECT * FROM postings WHERE chunk NOT IN (SELECT id FROM chunks) LIMIT 5",
    "posting twice": """SELECT field, term, chunk FROM postings GROUP BY ALL HAVING count(*) > 1 LIMIT 5""",
    "id twice": """SELECT id FROM (SELECT id FROM notes UNION ALL SELECT id FROM chunks UNION ALL SELECT id FROM roots)
                   GROUP BY id HAVING count(*) > 1""",
    "passage id twice": "SELECT key FROM chunks GROUP BY key HAVING count(*) > 1",
    "half a note": """SELECT note, count(*) FROM chunks GROUP BY note
                      HAVING min(ordinal) <> 0 OR max(ordinal) <> count(*) - 1
                          OR count(DISTINCT ordinal) <> count(*)""",
    "length that is not the sum of postings": """
        SELECT c.id, c.words, c.grams FROM chunks c LEFT JOIN postings p ON p.chunk = c.id
        GROUP BY c.id, c.words, c.grams
        HAVING coalesce(sum(p.count) FILTER (p.field = 0), 0) <> c.words
            OR coalesce(sum(p.count) FILTER (p.field = 1), 0) <> c.grams""",
    "cached vector twice": "SELECT digest FROM embedding_cache GROUP BY fingerprint, digest HAVING count(*) > 1",
}
WITH_VECTORS = {
    "vector without its chunk": "SELECT chunk FROM vectors WHERE chunk NOT IN (SELECT id FROM chunks)",
    "passage without its vector": """SELECT id, text FROM chunks WHERE language IN (SELECT unnest($languages))
                                     AND id NOT IN (SELECT chunk FROM vectors)""",
}
WITHOUT_VECTORS = {
    "passage without its vector": "SELECT id FROM chunks WHERE language IN (SELECT unnest($languages))"
}
Row = dict[str, Any]
REFERENCES = {"id", "note", "root", "chunk"}
"""Columns that hold ids, which differ from one ingest to the next."""


def assert_whole(path: Path) -> set[tuple[str, str]]:
    """Opens a store as a reader does, holds it to what must be true of it; (path, digest) of its notes.

    A store whose first ingest was killed before its tables were there holds nothing.
    """
    if not path.exists():
        return set()
    try:
        store = Store(path, read_only=True)
    except Unavailable as error:
        if error.key == "store_empty":
            return set()
        raise
    with store:
        for what, sql in BROKEN.items():
            assert store.rows(sql) == [], what
        embedder = store.meta("embedder")
        if embedder:
            readable = {"languages": sorted(CATALOGUE[embedder.split("|")[0]].languages)}
            for what, sql in (WITH_VECTORS if _has_vectors(store) else WITHOUT_VECTORS).items():
                assert store.rows(sql, readable if "$" in sql else {}) == [], what
        _assert_texts(store)
        return {(row[0], row[1]) for row in store.rows("SELECT path, digest FROM notes")}


def _assert_texts(store: Store) -> None:
    """Each passage is a piece of its note's view, at the place and the lines that it names."""
    for note, path, view, cuts in _each(store, "SELECT id, path, view, cuts FROM notes"):
        removed, counted, line = json.loads(cuts), 0, 1
        rows = store.rows(
            "SELECT start_at, start_line, end_line, text FROM chunks WHERE note = $note ORDER BY ordinal",
            {"note": note},
        )
        for start, first, last, text in rows:
            at = _in_view(start, removed)
            assert view[at : at + len(text)] == text, path
            line += view.count("\n", counted, at)
            counted = at
            assert (first, last) == (line, line + text.count("\n")), path


def _each(store: Store, sql: str) -> Iterator[tuple[Any, ...]]:
    """The rows one by one, as views may be large."""
    with store.cursor() as cursor:
        cursor.execute(sql)
        while row := cursor.fetchone():
            yield row


def _in_view(start: int, cuts: list[tuple[int, int]]) -> int:
    """The offset in the view of a place in the source."""
    gone = 0
    for at, length in cuts:
        if at + gone + length > start:
            break
        gone += length
    return start - gone


def rows_of(path: Path) -> dict[str, list[Row]]:
    """All rows of a store but for feedback and cache, named by path and ordinal instead of by id."""
    owners = "JOIN notes n ON n.id = c.note JOIN roots r ON r.id = n.root"
    tables = {
        "roots": "roots t, LATERAL (SELECT '' AS owner, 0 AS place)",
        "notes": "notes t JOIN (SELECT id AS rid, path AS owner, 0 AS place FROM roots) ON rid = t.root",
        "chunks": "chunks t JOIN (SELECT n.id AS nid, r.path || '/' || n.path AS owner, 0 AS place "
        "FROM notes n JOIN roots r ON r.id = n.root) ON nid = t.note",
        "postings": f"postings t JOIN (SELECT c.id AS cid, r.path || '/' || n.path AS owner, c.ordinal AS place "
        f"FROM chunks c {owners}) ON cid = t.chunk",
        "vectors": f"vectors t JOIN (SELECT c.id AS cid, r.path || '/' || n.path AS owner, c.ordinal AS place "
        f"FROM chunks c {owners}) ON cid = t.chunk",
        "meta": "meta t, LATERAL (SELECT '' AS owner, 0 AS place)",
    }
    with Store(path, read_only=True) as store:
        found = {}
        for table, source in tables.items():
            if table == "vectors" and not _has_vectors(store):
                found[table] = []
                continue
            names = [
                row[0]
                for row in store.rows(
                    "SELECT column_name FROM duckdb_columns() WHERE table_name = $t ORDER BY column_index",
                    {"t": table},
                )
                if row[0] not in REFERENCES
            ]
            columns = ", ".join(f't."{name}"' for name in names)
            rows = store.rows(f"SELECT owner, place, {columns} FROM {source}")
            found[table] = sorted(
                (dict(zip(("owner", "place", *names), row, strict=True)) for row in rows), key=_order
            )
        return found


def assert_same(found: Path, expected: Path) -> None:
    """Both stores hold the same rows; vectors within what the order of sums in a batch may change."""
    one, other = rows_of(found), rows_of(expected)
    _assert_same_vectors(one.pop("vectors"), other.pop("vectors"))
    for table in one:
        assert len(one[table]) == len(other[table]), table
        for a, b in zip(one[table], other[table], strict=True):
            assert a == b, table


def _assert_same_vectors(one: list[Row], other: list[Row]) -> None:
    assert len(one) == len(other)
    held = defaultdict(list)
    for row in other:
        held[row["owner"], row["place"]].append(row["vector"])
    for row in one:
        candidates = held[row["owner"], row["place"]]
        same = [n for n, vector in enumerate(candidates) if np.allclose(vector, row["vector"], atol=1e-4)]
        assert same, f"another vector of {row['owner']}, passage {row['place']}"
        del candidates[same[0]]


def _has_vectors(store: Store) -> bool:
    return bool(store.rows("SELECT 1 FROM duckdb_tables() WHERE table_name = 'vectors'"))


def _order(row: Row) -> str:
    return json.dumps({k: v for k, v in row.items() if k != "vector"}, ensure_ascii=False, default=str)
