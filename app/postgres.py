"""Conversations in a PostgreSQL server, which several machines may share."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from app.checkpoints import Note, Stored, ThreadsAway
from terakoya.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from langgraph.checkpoint.postgres import PostgresSaver
    from psycopg import Connection
    from psycopg.rows import DictRow

INSTALL: Final = "pip install 'terakoya[postgres]'"
_PACKAGES: Final = ("psycopg", "langgraph.checkpoint.postgres")
_SETUP: Final = 7_262_015_411
"""The advisory lock of whoever makes the tables."""
_SETUP_WITHIN: Final = 30.0
_ADVICE: Final = "Is the server running on"
"""A line of PostgreSQL's client that our sentence says in words of its own."""
_SLOW: Final = 1.0
"""Seconds from which on a connection that failed took long."""
_PATIENCE: Final = 15.0
"""Seconds for which one that failed slowly is not tried again: each step of a question would wait for it anew."""
_KEPT_ALIVE: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "terakoya",
}
"""A server that is gone without a word is noticed within seconds. What the address says goes before these."""
_READY: Final = """
    SELECT to_regclass('checkpoint_migrations') IS NOT NULL AS made,
           to_regclass('terakoya_conversations') IS NOT NULL AS ours
"""
_ABOUT: Final = """
    CREATE TABLE IF NOT EXISTS terakoya_conversations (
        thread_id TEXT PRIMARY KEY, branched INTEGER, second_message TEXT
    )
"""
_LATEST: Final = """
    SELECT thread_id, max(checkpoint_id) AS last FROM checkpoints WHERE checkpoint_ns = ''
    GROUP BY thread_id ORDER BY last DESC LIMIT %s
"""
_NOTE: Final[Mapping[Note, Any]] = {
    "branched": """
        INSERT INTO terakoya_conversations (thread_id, branched) VALUES (%s, %s)
        ON CONFLICT (thread_id) DO UPDATE SET branched = excluded.branched
    """,
    "second_message": """
        INSERT INTO terakoya_conversations (thread_id, second_message) VALUES (%s, %s)
        ON CONFLICT (thread_id) DO UPDATE SET second_message = excluded.second_message
    """,
}
_BLOBS: Final = """
    SELECT checkpoint_ns, channel, version, type, blob FROM checkpoint_blobs
    WHERE thread_id = %s AND blob IS NOT NULL AND type <> 'empty'
"""
_WRITES: Final = """
    SELECT checkpoint_ns, checkpoint_id, task_id, idx::text AS idx, channel, type, blob FROM checkpoint_writes
    WHERE thread_id = %s AND type IS NOT NULL
"""
_PUT_BLOB: Final = """
    UPDATE checkpoint_blobs SET type = %s, blob = %s
    WHERE thread_id = %s AND checkpoint_ns = %s AND channel = %s AND version = %s
"""
_PUT_WRITE: Final = """
    UPDATE checkpoint_writes SET type = %s, blob = %s
    WHERE thread_id = %s AND checkpoint_ns = %s AND checkpoint_id = %s AND task_id = %s AND idx = %s::integer
"""


def place_of(url: str) -> str:
    """The address as it may be shown: without password and without options.

    Raises:
        BadInput: It is no address; what it says is not told, for it may hold a password.
    """
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError:
        raise BadInput("threads_setting") from None
    user, host = parts.get("user"), str(parts.get("host") or "")
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"postgresql://{f'{user}@' if user else ''}{host}{port}/{parts.get('dbname') or ''}"


class Server:
    """One connection, made when it is needed and again where it was lost. Safe in several threads.

    Args:
        url: Its address, a secret.

    Raises:
        BadInput: `url` is no address.
    """

    def __init__(self, url: str) -> None:
        from psycopg.conninfo import conninfo_to_dict

        self.place = place_of(url)
        given = conninfo_to_dict(url)
        self._parameters: dict[str, Any] = {**_KEPT_ALIVE, **given}
        self._secrets = [str(v) for k, v in given.items() if "password" in k and v]
        self._lock = threading.RLock()
        self._open: Connection[DictRow] | None = None
        self._hopeless: tuple[float, ThreadsAway] | None = None

    def close(self) -> None:
        """Lets go of it."""
        with self._lock:
            self._drop()

    @contextmanager
    def connection(self) -> Iterator["Connection[DictRow]"]:
        """The connection, for the caller alone.

        Raises:
            ThreadsAway: The server does not answer, or refuses.
        """
        from psycopg import Error

        with self._lock:
            if self._hopeless and time.monotonic() < self._hopeless[0]:
                raise self._hopeless[1].with_traceback(None)
            try:
                yield self._alive() or self._connected()
            except Error as error:
                raise self.away(error) from None
            finally:
                if self._open is not None and self._open.broken:
                    self._drop()

    def away(self, error: Exception) -> ThreadsAway:
        """`error` in words, without the password."""
        lines = [line.strip() for line in str(error).splitlines() if _ADVICE not in line]
        reason = " ".join(lines).rstrip(".") or type(error).__name__
        for secret in self._secrets:
            reason = reason.replace(secret, "...")
        return ThreadsAway("threads_away", place=self.place, reason=reason[:500])

    def _alive(self) -> "Connection[DictRow] | None":
        from psycopg import Error
        from psycopg.pq import TransactionStatus

        if self._open is not None and self._open.info.transaction_status != TransactionStatus.IDLE:
            self._drop()  # who used it was cut short
        if self._open is not None:
            try:
                self._open.execute("SELECT 1")
            except Error:  # it went away while nobody asked, and may be back
                self._drop()
        return self._open

    def _connected(self) -> "Connection[DictRow]":
        from psycopg import Connection, Error
        from psycopg.rows import dict_row

        begun, self._hopeless = time.monotonic(), None
        try:
            made = Connection.connect(
                **self._parameters, autocommit=True, prepare_threshold=None, row_factory=dict_row
            )
        except Error as error:
            if time.monotonic() - begun > _SLOW:
                self._hopeless = time.monotonic() + _PATIENCE, self.away(error)
            raise
        try:
            self._make_ready(made)
        except BaseException:
            made.close()
            raise
        self._open = made
        return made

    def _make_ready(self, connection: "Connection[DictRow]") -> None:
        """Makes the tables where they are missing or of an earlier version; one process at a time does."""
        if self._is_ready(connection):
            return
        from langgraph.checkpoint.postgres import PostgresSaver
        from psycopg import OperationalError

        deadline = time.monotonic() + _SETUP_WITHIN
        # Waiting inside the server would deadlock with the indexes, which are made while nobody waits there.
        while not _first(connection, "SELECT pg_try_advisory_lock(%s) AS mine", _SETUP)["mine"]:
            if time.monotonic() > deadline:
                raise OperationalError("another process is making the tables")
            time.sleep(0.05)
        try:
            PostgresSaver(connection).setup()
            connection.execute(_ABOUT)
        finally:
            if not connection.broken:
                connection.execute("SELECT pg_advisory_unlock(%s)", (_SETUP,))

    def _is_ready(self, connection: "Connection[DictRow]") -> bool:
        from langgraph.checkpoint.postgres import PostgresSaver

        there = _first(connection, _READY)
        if not there["made"]:
            return False
        known = len(PostgresSaver.MIGRATIONS) - 1
        found = _first(connection, "SELECT coalesce(max(v), -1) AS v FROM checkpoint_migrations")["v"]
        if found > known:
            raise ThreadsAway("threads_later", place=self.place, found=found, known=known, command=INSTALL)
        return bool(there["ours"]) and found == known

    def _drop(self) -> None:
        from psycopg import Error

        if self._open is not None:
            with suppress(Error):
                self._open.close()
            self._open = None


def _first(connection: "Connection[DictRow]", sql: Any, *values: object) -> Mapping[str, Any]:
    row = connection.execute(sql, values).fetchone()
    return {} if row is None else row


def _saver(server: Server) -> "PostgresSaver":
    from langgraph.checkpoint.postgres import PostgresSaver
    from psycopg import Cursor

    class Saver(PostgresSaver):
        """Uses the connection that is there now, and says in a sentence where none is."""

        @contextmanager
        def _cursor(self, *, pipeline: bool = False) -> Iterator[Cursor[Any]]:
            with server.connection() as connection:
                self.conn = connection
                with super()._cursor(pipeline=pipeline) as cursor:
                    yield cursor

    # It is given a connection for each cursor.
    return Saver(None)  # type: ignore[arg-type]


class PostgresCheckpoints:
    """Implements `app.checkpoints.Checkpoints` in a PostgreSQL database; nothing is asked of it before it is used.

    Args:
        url: `postgresql://user@host/database`, a secret.

    Raises:
        BadInput: `url` is no address.
        Unavailable: The packages for it are not installed.
    """

    def __init__(self, url: str) -> None:
        missing = next((name for name in _PACKAGES if not _installed(name)), None)
        if missing:
            raise Unavailable("threads_packages", package=missing, command=INSTALL)
        self.server = Server(url)
        self.saver = _saver(self.server)

    def close(self) -> None:
        """Lets go of the server."""
        self.server.close()

    def latest(self, limit: int) -> list[tuple[str, str]]:
        """Threads and the last checkpoint of each, that of the last change first."""
        return [(row["thread_id"], row["last"]) for row in self._rows(_LATEST, limit)]

    def threads(self) -> list[str]:
        """All threads."""
        rows = self._rows("SELECT DISTINCT thread_id FROM checkpoints ORDER BY thread_id")
        return [row["thread_id"] for row in rows]

    def has(self, thread_id: str) -> bool:
        """Whether there is such a thread."""
        return bool(self._rows("SELECT 1 FROM checkpoints WHERE thread_id = %s LIMIT 1", thread_id))

    def noted(self, column: Note) -> dict[str, Any]:
        """What is noted of each thread of which something is."""
        rows = self._rows("SELECT thread_id, branched, second_message FROM terakoya_conversations")
        return {row["thread_id"]: row[column] for row in rows if row[column] is not None}

    def note(self, thread_id: str, column: Note, value: object) -> None:
        """Notes `value`; None takes back what was."""
        with self.server.connection() as connection:
            connection.execute(_NOTE[column], (thread_id, value))

    def prune(self, thread_id: str) -> None:
        """Drops all checkpoints of a thread but the last one."""
        self.saver.prune([thread_id])

    def forget(self, thread_id: str) -> None:
        """Leaves nothing of a thread in the tables; the server's files hold it until they are vacuumed."""
        self.saver.delete_thread(thread_id)
        with self.server.connection() as connection:
            connection.execute("DELETE FROM terakoya_conversations WHERE thread_id = %s", (thread_id,))

    def values(self, thread_id: str) -> list[Stored]:
        """All that its checkpoints hold, encoded by the serde of `saver`; numbers and names are not among it."""
        found: list[Stored] = []
        for sql, parts in (
            (_BLOBS, ("checkpoint_ns", "channel", "version")),
            (_WRITES, ("checkpoint_ns", "checkpoint_id", "task_id", "idx")),
        ):
            for row in self._rows(sql, thread_id):
                place = (thread_id, *(row[part] for part in parts))
                found.append(Stored(place=place, channel=row["channel"], kind=row["type"], value=row["blob"]))
        return found

    def replace(self, changed: Iterable[Stored]) -> None:
        """Puts values in the place of others, all or none."""
        with self.server.connection() as connection, connection.transaction():
            for each in changed:
                sql = _PUT_BLOB if len(each.place) == 4 else _PUT_WRITE
                connection.execute(sql, (each.kind, each.value, *each.place))

    def _rows(self, sql: Any, *values: object) -> list[Any]:
        with self.server.connection() as connection:
            return connection.execute(sql, values).fetchall()


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # its parent is missing
        return False
