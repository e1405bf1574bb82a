"""Results of cases that were asked before, in a SQLite file, so that nothing is asked twice."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from evals.report import CASE_RESULT, CaseResult
from terakoya.errors import Unavailable

MOST: Final = 50_000
"""Results that stay; those that were not used for longest go."""
_WAIT_SECONDS: Final = 30.0
_AT_ONCE: Final = 500
_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, used REAL NOT NULL, result BLOB NOT NULL)
    WITHOUT ROWID
"""
_PRUNE: Final = """
    DELETE FROM results WHERE key IN (SELECT key FROM results ORDER BY used DESC LIMIT -1 OFFSET ?)
"""


class Cache(Protocol):
    """Keeps results by a key that names everything that determines them."""

    def get(self, keys: Sequence[str]) -> dict[str, CaseResult]:
        """Those of `keys` that are kept."""
        ...

    def put(self, key: str, result: CaseResult) -> None:
        """Keeps a result, at once."""
        ...

    def recall(self, key: str) -> bytes | None:
        """What was computed of results earlier."""
        ...

    def remember(self, key: str, content: bytes) -> None:
        """Keeps what was computed of results."""
        ...


class Nothing:
    """Keeps nothing."""

    def get(self, keys: Sequence[str]) -> dict[str, CaseResult]:
        """None of them."""
        return {}

    def put(self, key: str, result: CaseResult) -> None:
        """Forgets it."""

    def recall(self, key: str) -> bytes | None:
        """Nothing."""
        return None

    def remember(self, key: str, content: bytes) -> None:
        """Forgets it."""


class ResultCache:
    """A SQLite file of results. Several runs may use it at once.

    Args:
        path: The file; it is made when it is not there, and anew when it cannot be read.
        most: How many results stay.
        fresh: Find nothing, and keep what comes.

    Raises:
        Unavailable: It cannot be made.
    """

    def __init__(self, path: Path, *, most: int = MOST, fresh: bool = False) -> None:
        self._path = path
        self._most = most
        self._fresh = fresh
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError as error:
            # it holds only what can be asked again
            if not _damaged(error):
                raise self._unavailable(error) from None
            for suffix in ("", "-wal", "-shm"):
                Path(f"{path}{suffix}").unlink(missing_ok=True)
            try:
                self._connection = self._open()
            except sqlite3.Error as again:
                raise self._unavailable(again) from None

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the file."""
        self.close()

    def get(self, keys: Sequence[str]) -> dict[str, CaseResult]:
        """Those of `keys` that are kept; one that cannot be read is as if it were not there."""
        found: dict[str, CaseResult] = {}
        if self._fresh:
            return found
        with self._told():
            for first in range(0, len(keys), _AT_ONCE):
                some = keys[first : first + _AT_ONCE]
                marks = ", ".join("?" * len(some))
                rows = self._connection.execute(
                    f"SELECT key, result FROM results WHERE key IN ({marks})",  # noqa: S608 - marks alone
                    some,
                ).fetchall()
                self._connection.execute(
                    f"UPDATE results SET used = ? WHERE key IN ({marks})",  # noqa: S608 - marks alone
                    (time.time(), *some),
                )
                for key, content in rows:
                    try:
                        found[key] = CASE_RESULT.validate_json(content)
                    except ValidationError:
                        continue
            self._connection.commit()
        return found

    def put(self, key: str, result: CaseResult) -> None:
        """Keeps a result; it is on disk when this returns, so that a run which is stopped can go on."""
        try:
            content = CASE_RESULT.dump_json(result)
        except PydanticSerializationError:  # an unpaired surrogate, which JSON in UTF-8 cannot hold
            return
        self.remember(key, content)

    def recall(self, key: str) -> bytes | None:
        """What was computed of results earlier, under a key that names them all."""
        with self._told():
            row = self._connection.execute("SELECT result FROM results WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def remember(self, key: str, content: bytes) -> None:
        """Keeps what was computed of results."""
        with self._told():
            self._connection.execute(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?)", (key, time.time(), content)
            )
            self._connection.commit()

    def close(self) -> None:
        """Lets the oldest go, and closes the file."""
        try:
            self._connection.execute(_PRUNE, (self._most,))
            self._connection.commit()
        except sqlite3.Error:
            pass  # the next run does it
        finally:
            self._connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_WAIT_SECONDS)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(_SCHEMA)
            connection.execute("SELECT key, used, result FROM results LIMIT 1").fetchall()
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: sqlite3.Error) -> Unavailable:
        return Unavailable("eval_cache", path=self._path, reason=error)


def _damaged(error: sqlite3.DatabaseError) -> bool:
    return not isinstance(error, sqlite3.OperationalError) or "no such column" in str(error)
