"""What the person asked to remember, in a table of its own beside the conversations."""

import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from app.damage import told
from terakoya.errors import BadInput, NotFound
from terakoya.types import Fact

MOST: Final = 500
"""Facts that are kept; more would be notes."""
_LAST: Final = 2**63 - 1
"""The greatest number that SQLite gives a row."""
_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS facts (
        id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, text TEXT NOT NULL, created TEXT NOT NULL
    )
"""


class Facts:
    """Implements `terakoya.protocols.Memory` in an SQLite file. Safe in several threads and processes.

    Args:
        path: The file; made, for its owner alone, at the first fact.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def facts(self) -> list[Fact]:
        """All of it, oldest first.

        Raises:
            Unavailable: The file is damaged, or cannot be used now.
        """
        if not self._path.exists():
            return []
        with self._lock, self._told(), closing(self._connect()) as connection:
            rows = connection.execute("SELECT id, text, created FROM facts ORDER BY id").fetchall()
        return [Fact(id=number, text=text, created=created) for number, text, created in rows]

    def keep(self, text: str, *, key: str) -> Fact:
        """Adds `text`; once for the same `key`, so that a run that is resumed adds nothing twice.

        Raises:
            BadInput: There are `MOST` already.
            Unavailable: The file is damaged, or cannot be written now.
        """
        with self._lock, self._told(), closing(self._connect()) as connection, connection:
            (count,) = connection.execute("SELECT count(*) FROM facts").fetchone()
            known = connection.execute("SELECT 1 FROM facts WHERE key = ?", (key,)).fetchone()
            if count >= MOST and not known:
                raise BadInput("facts_full", most=MOST)
            created = datetime.now(UTC).isoformat(timespec="seconds")
            connection.execute(
                "INSERT INTO facts (key, text, created) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING",
                (key, text, created),
            )
            row = connection.execute("SELECT id, text, created FROM facts WHERE key = ?", (key,)).fetchone()
        return Fact(id=row[0], text=row[1], created=row[2])

    def forget(self, number: int) -> None:
        """Takes one back; nothing of it stays in the file.

        Raises:
            NotFound: There is none with this number.
        """
        if number > _LAST:
            raise NotFound("fact_unknown", number=number)
        with self._lock, self._told(), closing(self._connect()) as connection:
            with connection:
                gone = connection.execute("DELETE FROM facts WHERE id = ?", (number,)).rowcount
            if not gone:
                raise NotFound("fact_unknown", number=number)

    def forget_kept(self, keys: Collection[str]) -> None:
        """Takes back what was kept under these keys; nothing of it stays in the file."""
        if not (keys and self._path.exists()):
            return
        with self._lock, self._told(), closing(self._connect()) as connection, connection:
            connection.executemany("DELETE FROM facts WHERE key = ?", [(key,) for key in keys])

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise told(self._path, error) from None

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=10)
        self._path.chmod(0o600)
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute(_TABLE)
        return connection
