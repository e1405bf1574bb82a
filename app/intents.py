"""What tools are about to change, noted down before they do: so that no effect happens twice.

A call is `begun` before it is made, and `finished` with its result. One that stays begun was lost: the process that
made it ended, or its server did; whether it had its effect nobody knows, and a person has to say what is to be done.
"""

import json
import secrets
import sqlite3
import threading
from collections.abc import Collection, Mapping
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from terakoya.errors import Unavailable
from terakoya.protocols import Before
from terakoya.types import ToolCall, ToolResult
from workflows.tools.calls import call_id

_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS intents (
        id TEXT PRIMARY KEY,       -- of the call
        alike TEXT NOT NULL,       -- the same for calls of one tool with the same arguments
        tool TEXT NOT NULL,
        arguments TEXT NOT NULL,   -- JSON
        state TEXT NOT NULL,       -- begun, finished, settled, withdrawn
        result TEXT,               -- JSON
        owner TEXT NOT NULL,       -- of the process that began it
        changed TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
    );
    CREATE INDEX IF NOT EXISTS intents_alike ON intents (alike, state);
"""
_PUT: Final = """
    INSERT INTO intents (id, alike, tool, arguments, state, owner)
    VALUES (:id, :alike, :tool, :arguments, 'begun', :owner)
    ON CONFLICT (id) DO UPDATE SET state = 'begun', owner = :owner, result = NULL, changed = CURRENT_TIMESTAMP
"""
_SETTLE: Final = """
    UPDATE intents SET state = 'settled', changed = CURRENT_TIMESTAMP WHERE alike = ? AND state = 'begun' AND id <> ?
"""
_SET: Final = "UPDATE intents SET state = ?, result = ?, changed = CURRENT_TIMESTAMP WHERE id = ?"


class SqliteIntents:
    """Implements `terakoya.protocols.Intents` in a table of a SQLite file. Safe in several threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._owner = secrets.token_hex(8)
        self._under_way: set[str] = set()
        self._lock = threading.Lock()
        self._made = False

    def before(self, call: ToolCall) -> Before:
        """What is known of the call with this id."""
        with self._lock, closing(self._open(call)) as connection:
            row = connection.execute("SELECT state FROM intents WHERE id = ?", (call.id,)).fetchone()
        if row is None or row[0] in ("settled", "withdrawn"):
            return "new"
        return "finished" if row[0] == "finished" else "uncertain"

    def doubtful(self, call: ToolCall) -> bool:
        """Whether another call with the same tool and arguments was begun, and is not under way here."""
        sql = "SELECT id, owner FROM intents WHERE alike = ? AND state = 'begun' AND id <> ?"
        with self._lock, closing(self._open(call)) as connection:
            rows = connection.execute(sql, (_alike(call), call.id)).fetchall()
            return any(owner != self._owner or key not in self._under_way for key, owner in rows)

    def begin(self, call: ToolCall) -> None:
        """Stores that it is about to be made.

        Raises:
            Unavailable: `intent_unkept`: that cannot be stored, so it must not be made.
        """
        values = {
            "id": call.id,
            "alike": _alike(call),
            "tool": call.tool,
            "arguments": _json(call.arguments),
            "owner": self._owner,
        }
        with self._lock, closing(self._open(call)) as connection:
            try:
                with connection:
                    connection.execute(_SETTLE, (values["alike"], call.id))
                    connection.execute(_PUT, values)
            except sqlite3.Error as error:
                raise self._unkept(call, error) from None
            self._under_way.add(call.id)

    def finish(self, call: ToolCall, result: ToolResult) -> None:
        """Stores what it gave; where that cannot be stored it stays begun, and a person is asked about it."""
        kept = {"text": result.text, "failed": result.failed, "left_out": result.left_out}
        self._end(call, "finished", _json(kept))

    def lose(self, call: ToolCall) -> None:
        """Its end will not be heard of."""
        with self._lock:
            self._under_way.discard(call.id)

    def withdraw(self, call: ToolCall) -> None:
        """It was not made, and will not be."""
        with self._lock, closing(self._open(call)) as connection, connection:
            connection.execute(_SETTLE, (_alike(call), call.id))
        self._end(call, "withdrawn", None)

    def result(self, call: ToolCall) -> ToolResult:
        """What a finished call gave.

        Raises:
            LookupError: It is not finished.
        """
        with self._lock, closing(self._open(call)) as connection:
            row = connection.execute(
                "SELECT result FROM intents WHERE id = ? AND state = 'finished'", (call.id,)
            ).fetchone()
        if row is None:
            raise LookupError(call.id)
        return ToolResult(**json.loads(row[0]))

    def forget(self, traces: Collection[str]) -> None:
        """Deletes the calls that were chosen for the questions of these traces, and overwrites what they leave."""
        if not (traces and self._path.exists()):
            return
        from workflows.tools.choosing import MOST_CALLS

        with self._lock, closing(sqlite3.connect(self._path, timeout=10)) as connection, connection:
            connection.execute("PRAGMA secure_delete = ON")
            connection.executescript(_TABLE)
            for key, tool, arguments in connection.execute(
                "SELECT id, tool, arguments FROM intents"
            ).fetchall():
                given = json.loads(arguments)
                if any(key == call_id(t, place, tool, given) for t in traces for place in range(MOST_CALLS)):
                    connection.execute("DELETE FROM intents WHERE id = ?", (key,))

    def _end(self, call: ToolCall, state: str, result: str | None) -> None:
        with self._lock:
            self._under_way.discard(call.id)
            try:
                with closing(self._open(call)) as connection, connection:
                    connection.execute(_SET, (state, result, call.id))
            except sqlite3.Error:
                return

    def _open(self, call: ToolCall) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self._path, timeout=10)
            try:
                connection.execute("PRAGMA synchronous = FULL")  # a commit outlives the machine's power
                if not self._made:
                    connection.executescript(_TABLE)
                    self._path.chmod(0o600)
                    self._made = True
            except BaseException:
                connection.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise self._unkept(call, error) from None
        return connection

    def _unkept(self, call: ToolCall, error: Exception) -> Unavailable:
        return Unavailable("intent_unkept", tool=call.tool, path=self._path, reason=error)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), sort_keys=True)


def _alike(call: ToolCall) -> str:
    return sha256(f"{call.tool}\0{_json(call.arguments)}".encode()).hexdigest()[:32]
