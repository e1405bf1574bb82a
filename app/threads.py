"""Conversations: kept as checkpoints of the graph in one SQLite file, and read back for people."""

import os
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")  # read when langgraph is imported

from langgraph.checkpoint.sqlite import SqliteSaver

from terakoya.errors import NotFound
from workflows.graph import Graph

_LATEST: Final = """
    SELECT thread_id, max(checkpoint_id) FROM checkpoints WHERE checkpoint_ns = ''
    GROUP BY thread_id ORDER BY max(checkpoint_id) DESC LIMIT ?
"""

_PRUNE: Final = """
    DELETE FROM {table} WHERE thread_id = ? AND (checkpoint_ns <> '' OR checkpoint_id <> (
        SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ''))
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

    def unfinished(self, graph: Graph, thread_id: str) -> dict[str, Any]:
        """The question of a thread whose process died before its answer: `question`, `effort`, `trace_id`.

        Raises:
            NotFound: No such thread, or nothing in it was left unfinished.
        """
        state = graph.get_state({"configurable": {"thread_id": thread_id}})
        if not state.next:
            raise NotFound("thread_finished", thread=thread_id)
        return {key: state.values[key] for key in ("question", "effort", "trace_id")}

    def branch(self, graph: Graph, thread_id: str, turns: int) -> str:
        """A new thread that begins with the first `turns` turns of this one; its id.

        Raises:
            NotFound: No such thread, or it has fewer turns.
        """
        known = self.turns(thread_id)
        if not 0 <= turns <= len(known):
            raise NotFound("turn_unknown", thread=thread_id, turn=turns, turns=len(known))
        made = uuid.uuid4().hex
        config: Any = {"configurable": {"thread_id": made}}
        graph.update_state(config, {"turns": known[:turns]}, as_node="finish")
        return made

    def prune(self, thread_id: str) -> None:
        """Drops all checkpoints of a thread but the last one, which holds all of its turns.

        A file that cannot be written keeps them.
        """
        with suppress(sqlite3.OperationalError), self.saver.cursor() as cursor:
            for table in ("writes", "checkpoints"):
                cursor.execute(_PRUNE.format(table=table), (thread_id, thread_id))

    def all_turns(self) -> Iterator[dict[str, Any]]:
        """The turns of all threads."""
        with self._lock:
            threads = self._connection.execute("SELECT DISTINCT thread_id FROM checkpoints").fetchall()
        for (thread_id,) in threads:
            with suppress(NotFound):  # it has gone meanwhile
                yield from self.turns(thread_id)

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
