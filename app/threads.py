"""Conversations: kept as checkpoints of the graph in one SQLite file, and read back for people."""

import os
import sqlite3
import uuid
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")  # read when langgraph is imported

from langgraph.checkpoint.sqlite import SqliteSaver

from app.open_questions import OpenQuestions
from terakoya.catalogue import text as sentence
from terakoya.errors import NotFound
from terakoya.text.language import language_of
from terakoya.types import SecondMessage
from workflows.graph import Graph
from workflows.state import BETWEEN

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


def without_quotes(value: Any, sources: Collection[str]) -> Any:
    """A value of a checkpoint without answers that cite one of these notes; itself where there is none."""
    if isinstance(value, dict):
        cited = value.get("citations")
        if isinstance(cited, list) and any(_cites(citation, sources) for citation in cited):
            if "summarised" in value:  # of several turns: it is made anew from what is left of them
                return {}
            words = {
                name: sentence(
                    "answer.forgotten", language=language_of(str(value.get("question", "")) or text)
                )
                for name in ("answer", "text")
                if isinstance(text := value.get(name), str)
            }
            return {**value, **words, "citations": [c for c in cited if not _cites(c, sources)]}
        inner = {key: without_quotes(item, sources) for key, item in value.items()}
        if not any(inner[key] is not item for key, item in value.items()):
            return value
        # what sums up turns may say what one of them said
        return {**inner, "summary": {}} if isinstance(inner.get("summary"), dict) else inner
    if isinstance(value, list | tuple):
        items = [without_quotes(item, sources) for item in value]
        return type(value)(items) if any(a is not b for a, b in zip(items, value, strict=True)) else value
    return value


def _cites(citation: Any, sources: Collection[str]) -> bool:
    return isinstance(citation, dict) and citation.get("source") in sources


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
        self._titles: dict[tuple[str, ...], tuple[str, str]] = {}
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
            self._connection.execute(_ABOUT)
            self.open_questions = OpenQuestions(place)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Lets go of the file."""
        self.open_questions.close()
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

    def unfinished(self, graph: Graph, thread_id: str) -> dict[str, Any] | None:
        """The question of a thread at whose checkpoint a process died: `question`, `effort`, `trace_id`.

        None where nothing in it was left unfinished.
        """
        state = graph.get_state({"configurable": {"thread_id": thread_id}})
        if not state.next:
            return None
        return {key: state.values[key] for key in ("question", "effort", "trace_id")}

    def drop_unfinished(self, graph: Graph, thread_id: str) -> None:
        """Leaves nothing of a question that was left unfinished; a thread without a turn goes."""
        config: Any = {"configurable": {"thread_id": thread_id}}
        state = graph.get_state(config)
        if not state.values.get("turns"):
            if not self.open_questions.left(thread_id):
                self.forget(thread_id)
        elif state.next:
            graph.update_state(config, dict(BETWEEN), as_node="finish")
            self.prune(thread_id)

    def second_message(self, thread_id: str) -> SecondMessage | None:
        """What was chosen for a thread; None where nothing was."""
        with self.saver.lock:
            row = self._connection.execute(
                "SELECT second_message FROM conversations WHERE thread_id = ?", (thread_id,)
            ).fetchone()
        chosen: SecondMessage | None = row[0] if row else None
        return chosen

    def choose_second_message(self, thread_id: str, policy: SecondMessage | None) -> None:
        """Says what becomes of a message while another one of the thread is being answered; None takes it back."""
        self._note(thread_id, "second_message", policy)

    def _note(self, thread_id: str, column: str, value: object) -> None:
        with self.saver.lock, self._connection:
            self._connection.execute(_NOTE.format(column=column), (thread_id, value))

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
        self._note(made, "branched", turns)
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
        with self.saver.lock:
            threads = self._connection.execute("SELECT DISTINCT thread_id FROM checkpoints").fetchall()
        for (thread_id,) in threads:
            with suppress(NotFound):  # it has gone meanwhile
                yield from self.turns(thread_id)

    def has(self, thread_id: str) -> bool:
        """Whether there is such a thread."""
        with self.saver.cursor(transaction=False) as cursor:
            return bool(
                cursor.execute("SELECT 1 FROM checkpoints WHERE thread_id = ?", (thread_id,)).fetchone()
            )

    def forget(self, thread_id: str) -> None:
        """Deletes a thread, and overwrites what it leaves in the file."""
        with self._erasing():
            self.saver.delete_thread(thread_id)
            self.open_questions.forget(thread_id)
            with self.saver.lock, self._connection:
                self._connection.execute("DELETE FROM conversations WHERE thread_id = ?", (thread_id,))

    def quoting(self, sources: Collection[str]) -> list[str]:
        """Threads that cite one of these notes."""
        with self.saver.cursor(transaction=False) as cursor:
            rows = cursor.execute("SELECT DISTINCT thread_id FROM checkpoints ORDER BY thread_id").fetchall()
        return [thread for (thread,) in rows if self._rewritten(thread, sources)]

    def forget_quotes(self, thread_id: str, sources: Collection[str]) -> None:
        """Takes answers that cite these notes out of a thread, every earlier state of it too."""
        changed = self._rewritten(thread_id, sources)
        with self._erasing(), self.saver.cursor() as cursor:
            for table, column, row, kind, value in changed:
                cursor.execute(
                    f"UPDATE {table} SET type = ?, {column} = ? WHERE rowid = ?",  # noqa: S608 - constant names
                    (kind, value, row),
                )

    def _rewritten(self, thread_id: str, sources: Collection[str]) -> list[tuple[str, str, int, str, bytes]]:
        """Table, column, row, type and value of everything in a thread that has to change."""
        changed = []
        with self.saver.cursor(transaction=False) as cursor:
            for table, column in (("checkpoints", "checkpoint"), ("writes", "value")):
                sql = f"SELECT rowid, type, {column} FROM {table} WHERE thread_id = ?"  # noqa: S608 - constant names
                for row, kind, value in cursor.execute(sql, (thread_id,)).fetchall():
                    before = self.saver.serde.loads_typed((kind, value))
                    after = without_quotes(before, sources)
                    if after is not before:
                        changed.append((table, column, row, *self.saver.serde.dumps_typed(after)))
            sql = "SELECT rowid FROM writes WHERE thread_id = ? AND channel = 'summary'"
            for (row,) in cursor.execute(sql, (thread_id,)).fetchall() if changed else ():
                changed.append(("writes", "value", row, *self.saver.serde.dumps_typed({})))
        return changed

    @contextmanager
    def _erasing(self) -> Iterator[None]:
        """What is deleted or replaced within it is overwritten on the disk."""
        with self.saver.lock:
            self._connection.execute("PRAGMA secure_delete = ON")
        yield
        with self.saver.lock:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def copy_to(self, path: Path) -> None:
        """Copies all conversations as one state into a new file; others may go on writing."""
        with closing(sqlite3.connect(path)) as copy:
            self._connection.backup(copy)

    def latest(self, limit: int = 1000) -> list[tuple[str, str, str]]:
        """(thread, title, time of the last change in ISO 8601) of the latest threads.

        The title is the first question; of a branch the first that its beginning does not share.
        """
        with self.saver.lock:
            rows = self._connection.execute(_LATEST, (limit,)).fetchall()
            branched = dict(
                self._connection.execute("SELECT thread_id, branched FROM conversations").fetchall()
            )
        # A thread is read again only where it has changed: reading one means reading all of its turns.
        known, found = self._titles, {}
        for row in map(tuple, rows):
            titled = known.get(row) or self._titled(row[0], branched.get(row[0]) or 0)
            if titled:
                found[row] = titled
        self._titles = found
        return [(thread, *titled) for (thread, _), titled in found.items()]

    def _titled(self, thread_id: str, branched: int) -> tuple[str, str] | None:
        state = self.saver.get_tuple({"configurable": {"thread_id": thread_id}})
        turns = state.checkpoint["channel_values"].get("turns", []) if state else []
        if not (state and turns):
            return None
        return str(turns[min(branched, len(turns) - 1)]["question"]), str(state.checkpoint["ts"])
