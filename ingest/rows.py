"""The rows that a note becomes, written and deleted inside a caller's transaction."""

import json
from collections.abc import Iterable, Sequence

import duckdb

from ingest.folder import FoundFile, Root
from ingest.read import READER_VERSION, ChunkRecord, NoteRecord, indexed_text
from ingest.store import encode_blocks
from terakoya.text.analyser import Analyser


def delete_notes(cursor: duckdb.DuckDBPyConnection, notes: list[int]) -> None:
    """Deletes notes with their chunks, postings and vectors."""
    if not notes:
        return
    wanted = {"notes": notes}
    chunks = "(SELECT id FROM chunks WHERE note IN (SELECT unnest($notes)))"
    cursor.execute(f"DELETE FROM postings WHERE chunk IN {chunks}", wanted)  # noqa: S608 - constant text
    if cursor.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'vectors'").fetchone():
        cursor.execute(f"DELETE FROM vectors WHERE chunk IN {chunks}", wanted)  # noqa: S608 - constant text
    cursor.execute("DELETE FROM chunks WHERE note IN (SELECT unnest($notes))", wanted)
    cursor.execute("DELETE FROM notes WHERE id IN (SELECT unnest($notes))", wanted)


def insert_note(
    cursor: duckdb.DuckDBPyConnection, note: int, root: Root, file: FoundFile, record: NoteRecord
) -> None:
    """Adds the row of one note."""
    cursor.execute(
        "INSERT INTO notes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            note,
            root.id,
            record.path,
            record.digest,
            file.size,
            file.mtime_ns,
            READER_VERSION,
            record.encoding,
            record.repair,
            record.language,
            record.title,
            list(record.tags),
            record.view.text,
            json.dumps(record.view.cuts),
            json.dumps([(remark.key, dict(remark.values)) for remark in record.remarks], ensure_ascii=False),
        ],
    )


def insert_chunks(
    cursor: duckdb.DuckDBPyConnection, note: int, numbers: Sequence[int], chunks: Sequence[ChunkRecord]
) -> None:
    """Adds the rows of one note's chunks, numbered `numbers`."""
    if not chunks:
        return
    cursor.executemany(
        "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                number,
                note,
                c.key,
                ordinal,
                list(c.chunk.heading),
                list(c.chunk.ancestors),
                c.start_line,
                c.end_line,
                c.start,
                c.end,
                c.text,
                encode_blocks(c.chunk.blocks),
                json.dumps(c.cuts),
                json.dumps(c.pages),
                c.language,
                c.doubtful,
                c.words.total(),
                c.grams.total(),
            )
            for ordinal, (number, c) in enumerate(zip(numbers, chunks, strict=True))
        ],
    )


def insert_postings(cursor: duckdb.DuckDBPyConnection, chunks: Iterable[tuple[int, ChunkRecord]]) -> None:
    """Adds the postings of chunks, sorted by term, as a query reads them."""
    fields: list[int] = []
    terms: list[str] = []
    numbers: list[int] = []
    counts: list[int] = []
    for number, record in chunks:
        for which, bag in ((0, record.words), (1, record.grams)):
            fields += [which] * len(bag)
            terms += bag.keys()
            numbers += [number] * len(bag)
            counts += bag.values()
    _insert_posting_rows(cursor, fields, terms, numbers, counts)


def _insert_posting_rows(
    cursor: duckdb.DuckDBPyConnection,
    fields: list[int],
    terms: list[str],
    numbers: list[int],
    counts: list[int],
) -> None:
    cursor.execute(
        """INSERT INTO postings
           SELECT * FROM (SELECT unnest($f) f, unnest($t) t, unnest($n) n, unnest($c) c) ORDER BY f, t, n""",
        {"f": fields, "t": terms, "n": numbers, "c": counts},
    )


def rebuild_postings(cursor: duckdb.DuckDBPyConnection, analyser: Analyser) -> None:
    """Analyses the text of all chunks again, from the store alone."""
    cursor.execute("DELETE FROM postings")
    rows = cursor.execute(
        "SELECT c.id, c.heading, c.ancestors, c.text, n.title FROM chunks c JOIN notes n ON n.id = c.note"
    ).fetchall()
    for number, heading, ancestors, text, title in rows:
        indexed = indexed_text(title, tuple(heading), tuple(ancestors), text)
        words, grams = analyser.words(indexed), analyser.grams(indexed)
        _insert_posting_rows(
            cursor,
            [0] * len(words) + [1] * len(grams),
            [*words, *grams],
            [number] * (len(words) + len(grams)),
            [*words.values(), *grams.values()],
        )
        cursor.execute(
            "UPDATE chunks SET words = $w, grams = $g WHERE id = $n",
            {"w": words.total(), "g": grams.total(), "n": number},
        )
