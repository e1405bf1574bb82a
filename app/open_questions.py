"""Questions without an answer yet, noted down so that they outlive the process that answers them."""

import os
import secrets
import sqlite3
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from terakoya.errors import NotFound
from terakoya.types import Effort

_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS open_questions (
        id TEXT PRIMARY KEY,
        thread_id TEXT NOT NULL,
        question TEXT NOT NULL,
        effort TEXT NOT NULL,
        asked TEXT NOT NULL,       -- ISO 8601
        owner TEXT NOT NULL        -- the process that answers it
    )
"""
_PUT: Final = "INSERT INTO open_questions VALUES (?, ?, ?, ?, ?, ?)"
_ALL: Final = "SELECT id, thread_id, question, effort, asked, owner FROM open_questions ORDER BY asked, rowid"
_ADOPT: Final = "UPDATE open_questions SET owner = ? WHERE id = ? AND owner = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    """A question that was asked and has no answer.

    Attributes:
        id: Names it.
        thread_id: Its conversation.
        question: As it was asked.
        effort: That it was asked with.
        asked: When, in ISO 8601.
        owner: The process that answers it, or did until it ended.
    """

    id: str
    thread_id: str
    question: str
    effort: Effort
    asked: str
    owner: str


class OpenQuestions:
    """The open questions of one home. Safe in several threads and processes.

    Where the file cannot be used, nothing is noted: a full disk is no reason to leave a question unanswered.

    Args:
        path: The file of the conversations, or `:memory:`.
    """

    def __init__(self, path: Path | str) -> None:
        self._me = owner(os.getpid())
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, timeout=10, isolation_level=None)
        # What is written outlives the process, though not a power cut: waiting for the disk would slow each question.
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        with suppress(sqlite3.DatabaseError):
            self._connection.execute(_TABLE)

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._connection.close()

    def add(self, thread_id: str, question: str, effort: Effort) -> str:
        """Notes a question that this process answers; its id."""
        made = secrets.token_hex(8)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._write(_PUT, (made, thread_id, question, effort, now, self._me))
        return made

    def remove(self, id: str) -> None:
        """It is answered, or nobody wants it any more."""
        self._write("DELETE FROM open_questions WHERE id = ?", (id,))

    def forget(self, thread_id: str) -> None:
        """Those of a conversation are wanted no more."""
        self._write("DELETE FROM open_questions WHERE thread_id = ?", (thread_id,))

    def left(self, thread_id: str = "") -> list[OpenQuestion]:
        """Those whose process has ended, of one conversation or of all, the oldest first."""
        with self._lock, suppress(sqlite3.DatabaseError):
            rows = self._connection.execute(_ALL).fetchall()
            names = ("id", "thread_id", "question", "effort", "asked", "owner")
            found = [OpenQuestion(**dict(zip(names, row, strict=True))) for row in rows]
            return [
                each for each in found if thread_id in ("", each.thread_id) and not _answering(each.owner)
            ]
        return []

    def adopt(self, id: str) -> OpenQuestion:
        """This process answers it from now on.

        Raises:
            NotFound: There is no such question, or somebody else goes on with it.
        """
        for each in self.left():
            if each.id == id and self._write(_ADOPT, (self._me, id, each.owner)):
                return each
        raise NotFound("open_question_unknown", id=id[:64])

    def _write(self, sql: str, values: tuple[str, ...]) -> int:
        with self._lock, suppress(sqlite3.DatabaseError):
            return self._connection.execute(sql, values).rowcount
        return 0


def owner(pid: int) -> str:
    """A name for a process that no other process has had since the machine started, as far as the system tells."""
    return f"{pid}-{_stat(pid)[1]}"


def _answering(name: str) -> bool:
    """Whether the process of this name lives."""
    pid, _, began = name.partition("-")
    if not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    state, since = _stat(int(pid))
    return state != "Z" and since == began


def _stat(pid: int) -> tuple[str, str]:
    """State of a process and when it began, in ticks since the machine started; empty where there is no `/proc`."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return "", ""
    return fields[0], fields[19]
