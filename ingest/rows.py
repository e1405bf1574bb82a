"""The rows that a note becomes, written and deleted inside a caller's transaction."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from ingest import postings
from ingest.expansion import rekey
from ingest.folder import FoundFile
from ingest.read import ChunkRecord, NoteRecord
from ingest.sequence import index
from ingest.store import encode_blocks, even
from terakoya.text.analyser import Analyser

_PAGE_OF_CHUNKS: Final = """
    SELECT id, context, text, shown FROM chunks WHERE id > $last ORDER BY id LIMIT 1024
"""


def delete_notes(cursor: duckdb.DuckDBPyConnection, notes: list[int]) -> None:
    """Deletes notes with their chunks, postings, vectors and aliases."""
    if not notes:
        return
    wanted = {"notes": notes}
    chunks = "(SELECT id FROM chunks WHERE note IN (SELECT unnest($notes)))"
    cursor.execute(f"DELETE FROM occurrences WHERE chunk IN {chunks}", wanted)  # noqa: S608 - constant text
    if cursor.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'vectors'").fetchone():
        cursor.execute(f"DELETE FROM vectors WHERE chunk IN {chunks}", wanted)  # noqa: S608 - constant text
    cursor.execute("DELETE FROM chunks WHERE note IN (SELECT unnest($notes))", wanted)
    cursor.execute("DELETE FROM aliases WHERE note IN (SELECT unnest($notes))", wanted)
    cursor.execute("DELETE FROM notes WHERE id IN (SELECT unnest($notes))", wanted)


@dataclass(frozen=True, slots=True)
class NumberedNote:
    """A note with the number that its row gets."""

    id: int
    file: FoundFile
    record: NoteRecord


def insert_notes(
    cursor: duckdb.DuckDBPyConnection, root: int, reader: str, notes: Sequence[NumberedNote]
) -> None:
    """Adds the rows of notes of one root, read by version `reader`, with their aliases."""
    _insert(
        cursor,
        "notes",
        [
            (
                note.id,
                root,
                note.record.path,
                even(note.record.path),
                note.record.digest,
                note.file.size,
                note.file.mtime_ns,
                reader,
                note.record.encoding,
                note.record.repair,
                note.record.language,
                note.record.title,
                list(note.record.tags),
                note.record.view.text,
                json.dumps(note.record.view.cuts),
                json.dumps([(r.key, dict(r.values)) for r in note.record.remarks], ensure_ascii=False),
            )
            for note in notes
        ],
    )
    _insert(
        cursor,
        "aliases",
        [
            (note.id, entry, alias.term, alias.key)
            for note in notes
            for entry, group in enumerate(note.record.aliases)
            for alias in group
        ],
    )


def _insert(cursor: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Adds rows by one list for each column: a statement for each row takes a hundred times as long."""
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        values = ", ".join(["unnest(?)"] * len(columns))
        cursor.execute(f"INSERT INTO {table} SELECT {values}", columns)


@dataclass(frozen=True, slots=True)
class NumberedChunk:
    """A chunk with the numbers that its rows get."""

    id: int
    note: int
    ordinal: int
    record: ChunkRecord


def insert_chunks(cursor: duckdb.DuckDBPyConnection, chunks: Sequence[NumberedChunk]) -> None:
    """Adds the rows of chunks with their postings."""
    rows = [
        (
            c.id,
            c.note,
            c.record.key,
            c.ordinal,
            json.dumps(c.record.chunk.heading, ensure_ascii=False),
            json.dumps(c.record.chunk.ancestors, ensure_ascii=False),
            c.record.context,
            c.record.start_line,
            c.record.end_line,
            c.record.start,
            c.record.end,
            c.record.text,
            c.record.shown,
            encode_blocks(c.record.chunk.blocks),
            json.dumps(c.record.cuts),
            json.dumps(c.record.pages),
            c.record.language,
            c.record.doubtful,
            c.record.indexed.sequence.encode(),
            c.record.indexed.words.total(),
            c.record.indexed.grams.total(),
        )
        for c in chunks
    ]
    _insert(cursor, "chunks", rows)
    terms = postings.Postings()
    for c in chunks:
        terms.add(c.id, c.record.indexed.words, c.record.indexed.grams)
    terms.insert(cursor)


def rebuild_postings(cursor: duckdb.DuckDBPyConnection, analyser: Analyser) -> None:
    """Analyses the text of all chunks and all aliases again, from the store alone."""
    rekey(cursor, analyser)
    postings.clear(cursor)
    last = -1
    while rows := cursor.execute(_PAGE_OF_CHUNKS, {"last": last}).fetchall():
        terms = postings.Postings()
        found = []
        for number, context, text, shown in rows:
            indexed = index(context, text, analyser, shown)
            terms.add(number, indexed.words, indexed.grams)
            found.append((number, indexed.sequence.encode(), indexed.words.total(), indexed.grams.total()))
        terms.insert(cursor)
        numbers, sequences, words_of, grams_of = (list(column) for column in zip(*found, strict=True))
        cursor.execute(
            """UPDATE chunks SET sequence = f.s, words = f.w, grams = f.g
               FROM (SELECT unnest($n) n, unnest($s) s, unnest($w) w, unnest($g) g) f WHERE chunks.id = f.n""",
            {"n": numbers, "s": sequences, "w": words_of, "g": grams_of},
        )
        last = numbers[-1]
    postings.arrange(cursor, whole=True)
