"""Makes sure that what was deleted from a DuckDB file stands nowhere in it any more.

DuckDB only marks rows as deleted, in blocks that stay in use for the other rows, and columns share blocks. A column
that was updated is written anew, into other blocks. So whoever deletes for good first changes every column of the
rows that go, in the same transaction, so that nothing uses their blocks any more; lists cannot be changed in place,
and a table with a list is written anew as a whole. What stood in the blocks is overwritten afterwards.
"""

import os
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import duckdb

from ingest.database import Database
from ingest.rows import delete_notes

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARGIN: Final = 1_024
"""Bytes of a block that a value in it leaves: a longer one would take two."""
_ROUNDS: Final = 8
"""What is written takes free blocks and, for its table, makes others free."""
_AT_ONCE: Final = 64
_FREE: Final = "SELECT free_blocks, block_size FROM pragma_database_size()"
_OF_CHUNKS: Final = """
    DELETE FROM {table} WHERE chunk IN (SELECT id FROM chunks WHERE note IN (SELECT unnest($notes::BIGINT[])))
"""
_NOBODY: Final = -1
"""The note that rows belong to which are about to be deleted; the statements below write it so."""
_EMPTY: Final = (
    """UPDATE chunks SET
            id = -1 - id, note = -1, key = '', ordinal = -1, heading = '', ancestors = '', context = '',
            start_line = -1, end_line = -1, start_at = -1, end_at = -1, text = '', shown = '-', blocks = '', cuts = '',
            pages = '', language = '', doubtful = NOT doubtful, sequence = '', words = -1, grams = -1
        WHERE note IN (SELECT unnest($notes::BIGINT[]))""",
    """UPDATE aliases SET note = -1, entry = -1, term = '', key = ''
        WHERE note IN (SELECT unnest($notes::BIGINT[]))""",
)
_NO_TERMS: Final = (
    """UPDATE terms SET code = -1, field = -1, term = ''
       WHERE code NOT IN (SELECT DISTINCT term FROM occurrences)""",
    "DELETE FROM terms WHERE field = -1",
)


def erase_notes(cursor: duckdb.DuckDBPyConnection, notes: "Sequence[int]") -> None:
    """Deletes notes as `delete_notes` does, and the words that stand in no other, so that nothing keeps their blocks.

    Within a transaction, behind which `overwrite` belongs.
    """
    wanted = {"notes": list(notes)}
    tables = {name for (name,) in cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    for table in ("occurrences", *tables & {"vectors"}):
        cursor.execute(_OF_CHUNKS.format(table=table), wanted)
    for statement in _EMPTY:
        cursor.execute(statement, wanted)
    delete_notes(cursor, [*notes, _NOBODY])
    for statement in _NO_TERMS:
        cursor.execute(statement)
    write_anew(cursor, "notes")


def write_anew(cursor: duckdb.DuckDBPyConnection, table: str) -> None:
    """Writes a table of the schema into other blocks, within a transaction."""
    cursor.execute(f"ALTER TABLE {table} RENAME TO former")
    cursor.execute(files("ingest").joinpath("schema.sql").read_text(encoding="utf-8"))
    cursor.execute(f"INSERT INTO {table} SELECT * FROM former")  # noqa: S608 - names of our own tables
    cursor.execute("DROP TABLE former")


def overwrite(database: Database) -> None:
    """Overwrites what the file of a store does not use. It may grow by a block or two.

    Raises:
        Unavailable: The disk is full, or the file is damaged.
    """
    try:
        with database.writing, database.cursor() as cursor:
            _overwrite(cursor)
    except duckdb.Error as error:
        raise database.translated(error) from error


def _overwrite(cursor: duckdb.DuckDBPyConnection) -> None:
    cursor.execute("DROP TABLE IF EXISTS overwritten")
    cursor.execute("CHECKPOINT")
    cursor.execute("CREATE TABLE overwritten (data BLOB)")
    try:
        for _ in range(_ROUNDS):
            free, size = cursor.execute(_FREE).fetchall()[0]
            if not free:
                break
            for first in range(0, free, _AT_ONCE):
                data = [os.urandom(size - _MARGIN) for _ in range(min(_AT_ONCE, free - first))]
                cursor.execute("INSERT INTO overwritten SELECT unnest($data::BLOB[])", {"data": data})
            cursor.execute("CHECKPOINT")
    finally:
        cursor.execute("DROP TABLE overwritten")
        cursor.execute("CHECKPOINT")
