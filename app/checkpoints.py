"""Where conversations lie: the checkpoints of the graph and what is noted beside them, in an SQLite file."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, Protocol, Self

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")  # read when langgraph is imported

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from terakoya.errors import Unavailable

Note = Literal["branched", "second_message"]
"""What is noted of a thread: how many turns it has from another one; what becomes of a second message."""

_LATEST: Final = """
    SELECT thread_id, max(checkpoint_id) FROM checkpoints WHERE checkpoint_ns = ''
    GROUP BY thread_id ORDER BY max(checkpoint_id) DESC LIMIT ?
"""
_ABOUT: Final = """
    CREATE TABLE IF NOT EXISTS conversations (
        thread_id TEXT PRIMARY KEY,
        branched INTEGER,          -- turns that it has from another conversation
        second_message TEXT
    )
"""
_NOTE: Final = """
    INSERT INTO conversations (thread_id, {column}) VALUES (?, ?)
    ON CONFLICT (thread_id) DO UPDATE SET {column} = excluded.{column}
"""
_PRUNE: Final = """
    DELETE FROM {table} WHERE thread_id = ? AND (checkpoint_ns <> '' OR checkpoint_id <> (
        SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ''))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A value as it is kept.

    Attributes:
        place: Where.
        channel: Part of the state that it is; empty for a whole checkpoint.
        kind: How it is encoded.
        value: The bytes.
    """

    place: tuple[str, ...]
    channel: str
    kind: str
    value: bytes

    def holding(self, kind: str, value: bytes) -> Self:
        """Another value in its place."""
        return replace(self, kind=kind, value=value)


class _Serde(JsonPlusSerializer):
    """Tells of a value whose bytes are not those that were written, which SQLite does not notice."""

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        try:
            return super().loads_typed(data)
        except Exception as error:  # each of its decoders has errors of its own
            raise sqlite3.DatabaseError(f"a value cannot be decoded: {error}") from None


class ThreadsAway(Unavailable):
    """The server of the conversations cannot be used."""


UNKEPT: Final = (sqlite3.DatabaseError, ThreadsAway)
"""Why a conversation cannot be read or written now, where there is nothing wrong with the question."""


class Checkpoints(Protocol):
    """The checkpoints of all threads, and what is noted of each. Safe in several threads and processes."""

    @property
    def saver(self) -> BaseCheckpointSaver[Any]:
        """Reads and writes them for the graph."""

    def close(self) -> None:
        """Lets go of the file or the server."""

    def latest(self, limit: int) -> list[tuple[str, str]]:
        """Threads and the last checkpoint of each, that of the last change first."""

    def threads(self) -> list[str]:
        """All threads."""

    def has(self, thread_id: str) -> bool:
        """Whether there is such a thread."""

    def noted(self, column: Note) -> dict[str, Any]:
        """What is noted of each thread of which something is."""

    def note(self, thread_id: str, column: Note, value: object) -> None:
        """Notes `value`; None takes back what was."""

    def prune(self, thread_id: str) -> None:
        """Drops all checkpoints of a thread but the last one."""

    def forget(self, thread_id: str) -> None:
        """Leaves nothing of a thread."""

    def values(self, thread_id: str) -> list[Stored]:
        """All that its checkpoints hold, encoded by the serde of `saver`."""

    def replace(self, changed: Iterable[Stored]) -> None:
        """Puts values in the place of others, of which nothing stays."""


class SqliteCheckpoints:
    """Implements `Checkpoints` in an SQLite file.

    Args:
        place: The file, or `:memory:`.

    Raises:
        sqlite3.DatabaseError: The file cannot be written, or is damaged.
    """

    def __init__(self, place: Path | str) -> None:
        self._connection = sqlite3.connect(place, check_same_thread=False, timeout=10)
        try:
            self._connection.execute("PRAGMA journal_mode=WAL")
            if isinstance(place, Path):
                place.chmod(0o600)
            self.saver = SqliteSaver(self._connection, serde=_Serde())
            self.saver.setup()
            self._connection.execute(_ABOUT)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()

    def latest(self, limit: int) -> list[tuple[str, str]]:
        """Threads and the last checkpoint of each, that of the last change first."""
        return [(thread, last) for thread, last in self._rows(_LATEST, limit)]

    def threads(self) -> list[str]:
        """All threads."""
        return [thread for (thread,) in self._rows("SELECT DISTINCT thread_id FROM checkpoints ORDER BY 1")]

    def has(self, thread_id: str) -> bool:
        """Whether there is such a thread."""
        return bool(self._rows("SELECT 1 FROM checkpoints WHERE thread_id = ? LIMIT 1", thread_id))

    def noted(self, column: Note) -> dict[str, Any]:
        """What is noted of each thread of which something is."""
        sql = f"SELECT thread_id, {column} FROM conversations WHERE {column} IS NOT NULL"  # noqa: S608 - constant names
        return dict(self._rows(sql))

    def note(self, thread_id: str, column: Note, value: object) -> None:
        """Notes `value`; None takes back what was."""
        with self.saver.lock, self._connection:
            self._connection.execute(_NOTE.format(column=column), (thread_id, value))

    def prune(self, thread_id: str) -> None:
        """Drops all checkpoints of a thread but the last one."""
        with self.saver.cursor() as cursor:
            for table in ("writes", "checkpoints"):
                cursor.execute(_PRUNE.format(table=table), (thread_id, thread_id))

    def forget(self, thread_id: str) -> None:
        """Leaves nothing of a thread, and overwrites it in the file."""
        with self._erasing():
            self.saver.delete_thread(thread_id)
            with self.saver.lock, self._connection:
                self._connection.execute("DELETE FROM conversations WHERE thread_id = ?", (thread_id,))

    def values(self, thread_id: str) -> list[Stored]:
        """All that its checkpoints hold, encoded by the serde of `saver`."""
        found: list[Stored] = []
        for table, column, channel in (("checkpoints", "checkpoint", "''"), ("writes", "value", "channel")):
            sql = f"SELECT rowid, {channel}, type, {column} FROM {table} WHERE thread_id = ?"  # noqa: S608 - constant names
            for row, part, kind, value in self._rows(sql, thread_id):
                place = (table, column, str(row))
                found.append(Stored(place=place, channel=part, kind=kind, value=value))
        return found

    def replace(self, changed: Iterable[Stored]) -> None:
        """Puts values in the place of others, which are overwritten in the file."""
        with self._erasing(), self.saver.cursor() as cursor:
            for each in changed:
                table, column, row = each.place
                cursor.execute(
                    f"UPDATE {table} SET type = ?, {column} = ? WHERE rowid = ?",  # noqa: S608 - constant names
                    (each.kind, each.value, int(row)),
                )

    def copy_to(self, path: Path) -> None:
        """Copies the whole file as one state into a new one; others may go on writing."""
        with closing(sqlite3.connect(path)) as copy:
            self._connection.backup(copy)

    def _rows(self, sql: str, *values: object) -> list[Any]:
        with self.saver.lock:
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def _erasing(self) -> Iterator[None]:
        """What is deleted or replaced within it is overwritten on the disk."""
        with self.saver.lock:
            self._connection.execute("PRAGMA secure_delete = ON")
        yield
        with self.saver.lock:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
