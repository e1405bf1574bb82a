"""Conversations: kept as checkpoints of the graph, and read back for people."""

import sqlite3
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from app.checkpoints import UNKEPT, Checkpoints, SqliteCheckpoints, Stored
from app.damage import told
from app.open_questions import OpenQuestions
from terakoya.catalogue import text as sentence
from terakoya.errors import NotFound
from terakoya.text.language import language_of
from terakoya.types import SecondMessage
from workflows.graph import Graph
from workflows.state import BETWEEN


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


def _open_questions(path: Path) -> OpenQuestions:
    """Those in the file, which is for its owner alone; in memory where it cannot be written."""
    try:
        opened = OpenQuestions(path)
        path.chmod(0o600)
    except (sqlite3.DatabaseError, OSError):
        return OpenQuestions(":memory:")
    return opened


class Threads:
    """The conversations of one installation. Safe in several threads and processes.

    Attributes:
        trouble: Why the file cannot be written or read, so that this process keeps conversations in memory only: a
            full disk is no reason to leave a question without its answer. None where all is well.
        place: The server that they are in, as it may be shown; empty where they are in the file.

    Args:
        path: The file of conversations, and of the questions that processes of this machine are about to answer.
        server: Address of the PostgreSQL database that has the conversations instead, a secret.

    Raises:
        BadInput: `server` is no address.
        Unavailable: The packages for it are not installed.
    """

    def __init__(self, path: Path, *, server: str = "") -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self.trouble: sqlite3.DatabaseError | None = None
        self._titles: dict[tuple[str, str], tuple[str, str]] = {}
        self.place = ""
        self._kept: Checkpoints
        if server:
            from app.postgres import PostgresCheckpoints

            kept = PostgresCheckpoints(server)
            self._kept, self.place = kept, kept.server.place
            self.open_questions = _open_questions(path)
            return
        try:
            self._open(path)
        except sqlite3.DatabaseError as error:
            self.trouble = error
            self._open(":memory:")

    def _open(self, place: Path | str) -> None:
        self._kept = SqliteCheckpoints(place)
        try:
            self.open_questions = OpenQuestions(place)
        except BaseException:
            self._kept.close()
            raise

    @property
    def saver(self) -> BaseCheckpointSaver[Any]:
        """Reads and writes checkpoints for the graph."""
        return self._kept.saver

    def close(self) -> None:
        """Lets go of file and server."""
        self.open_questions.close()
        self._kept.close()

    @contextmanager
    def readable(self) -> Iterator[None]:
        """Around what a person reads of the conversations, which a damaged file must not show as none.

        Raises:
            Unavailable: The file is damaged, or cannot be read now.
        """
        try:
            if self.trouble is not None and not isinstance(self.trouble, sqlite3.OperationalError):
                raise self.trouble
            yield
        except sqlite3.DatabaseError as error:
            raise told(self.path, error) from None

    def require(self) -> None:
        """Sees that what is read here is what is kept, and not the memory of this process.

        Raises:
            Unavailable: The file cannot be read or written.
        """
        if self.trouble is not None:
            raise told(self.path, self.trouble)

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

    def summary(self, thread_id: str) -> Mapping[str, Any] | None:
        """What a model is told of the first turns of a thread: `text`, `summarised` (turns), `by`.

        None where it is told the turns themselves, or there is no such thread.
        """
        state = self.saver.get_tuple({"configurable": {"thread_id": thread_id}})
        values = state.checkpoint["channel_values"] if state else {}
        summary: Mapping[str, Any] = values.get("summary") or {}
        return summary if 0 < int(summary.get("summarised", 0)) <= len(values.get("turns", [])) else None

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
        return self._kept.noted("second_message").get(thread_id)

    def choose_second_message(self, thread_id: str, policy: SecondMessage | None) -> None:
        """Says what becomes of a message while another one of the thread is being answered; None takes it back."""
        self._kept.note(thread_id, "second_message", policy)

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
        self._kept.note(made, "branched", turns)
        return made

    def prune(self, thread_id: str) -> None:
        """Drops all checkpoints of a thread but the last one, which holds all of its turns.

        A place that cannot be written keeps them.
        """
        with suppress(*UNKEPT):
            self._kept.prune(thread_id)

    def all_turns(self) -> Iterator[dict[str, Any]]:
        """The turns of all threads."""
        for thread_id in self._kept.threads():
            with suppress(NotFound):  # it has gone meanwhile
                yield from self.turns(thread_id)

    def count(self) -> int:
        """How many there are.

        Raises:
            Unavailable: They cannot be read, or not be written.
        """
        self.require()
        with self.readable():
            return len(self._kept.threads())

    def has(self, thread_id: str) -> bool:
        """Whether there is such a thread."""
        return self._kept.has(thread_id)

    def forget(self, thread_id: str) -> None:
        """Deletes a thread; what it leaves in a file is overwritten."""
        self._kept.forget(thread_id)
        self.open_questions.forget(thread_id)

    def quoting(self, sources: Collection[str]) -> list[str]:
        """Threads that cite one of these notes."""
        return [thread for thread in self._kept.threads() if self._rewritten(thread, sources)]

    def forget_quotes(self, thread_id: str, sources: Collection[str]) -> None:
        """Takes answers that cite these notes out of a thread, every earlier state of it too."""
        self._kept.replace(self._rewritten(thread_id, sources))

    def _rewritten(self, thread_id: str, sources: Collection[str]) -> list[Stored]:
        """Everything in a thread that has to change, as it has to be."""
        stored, changed = self._kept.values(thread_id), []
        serde = self.saver.serde
        for each in stored:
            before = serde.loads_typed((each.kind, each.value))
            after = without_quotes(before, sources)
            if after is not before:
                changed.append(each.holding(*serde.dumps_typed(after)))
        # what sums up turns may say what one of them said
        summaries = [each for each in stored if each.channel == "summary"] if changed else []
        return [*changed, *(each.holding(*serde.dumps_typed({})) for each in summaries)]

    def copy_to(self, path: Path) -> None:
        """Copies the file as one state into a new one; others may go on writing. See `place`."""
        if isinstance(self._kept, SqliteCheckpoints):
            self._kept.copy_to(path)
            return
        with closing(sqlite3.connect(self.path)) as file, closing(sqlite3.connect(path)) as copy:
            file.backup(copy)

    def latest(self, limit: int = 1000) -> list[tuple[str, str, str]]:
        """(thread, title, time of the last change in ISO 8601) of the latest threads.

        The title is the first question; of a branch the first that its beginning does not share.
        """
        branched = self._kept.noted("branched")
        # A thread is read again only where it has changed: reading one means reading all of its turns.
        known, found = self._titles, {}
        for row in self._kept.latest(limit):
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
