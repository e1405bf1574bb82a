"""Conversations: kept as checkpoints of the graph in one SQLite file, and read back for people."""

import os
import sqlite3
import threading
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")  # read when langgraph is imported

from langgraph.checkpoint.sqlite import SqliteSaver

from terakoya.errors import NotFound

_LATEST: Final = """
    SELECT thread_id, max(checkpoint_id) FROM checkpoints WHERE checkpoint_ns = ''
    GROUP BY thread_id ORDER BY max(checkpoint_id) DESC LIMIT ?
"""


class Threads:
    """The conversations of one installation. Safe in several threads and processes.

    Attributes:
        trouble: Why the file cannot be written, so that this process keeps conversations in memory only: a
            full disk is no reason to leave a question without its answer. None where all is well.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self.trouble: sqlite3.OperationalError | None = None
        self._lock = threading.Lock()
        try:
            self._open(path)
        except sqlite3.OperationalError as error:
            self.trouble = error
            self._open(":memory:")

    def _open(self, place: Path | str) -> None:
        self._connection = sqlite3.connect(place, check_same_thread=False, timeout=10)
        try:
            self._connection.execute("PRAGMA journal_mode=WAL")
            if isinstance(place, Path):
                place.chmod(0o600)
            self.saver = SqliteSaver(self._connection)
            self.saver.setup()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()

    def turns(self, thread_id: str) -> list[dict[str, Any]]:
        """All turns of a thread, oldest first.

        Raises:
            NotFound: No such thread.
        """
        state = self.saver.get_tuple({"configurable": {"thread_id": thread_id}})
        if state is None:
            raise NotFound("thread_unknown", thread=thread_id)
        turns: list[dict[str, Any]] = state.checkpoint["channel_values"].get("turns", [])
        return turns

    def latest(self, limit: int = 50) -> list[tuple[str, str, str]]:
        """(thread, first question, time of the last change in ISO 8601) of the latest threads."""
        with self._lock:
            rows = self._connection.execute(_LATEST, (limit,)).fetchall()
        found = []
        for thread_id, _ in rows:
            state = self.saver.get_tuple({"configurable": {"thread_id": thread_id}})
            turns = state.checkpoint["channel_values"].get("turns", []) if state else []
            if state and turns:
                found.append((thread_id, str(turns[0]["question"]), str(state.checkpoint["ts"])))
        return found
