"""What runs of suites and the arena keep of notes, forgotten with them."""

import shutil
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.tracing.erasing import erase, traces_where
from terakoya.errors import Unavailable
from terakoya.text.statements import statements

if TYPE_CHECKING:
    from ingest.forget import Forgotten

_PREPARED: Final = "SELECT 1 FROM notes WHERE digest IN (SELECT unnest($digests::VARCHAR[])) LIMIT 1"


def forget_in_evals(home: Path, gone: "Forgotten") -> int:
    """Forgets notes in prepared stores, kept results, history, votes, and traces of suites.

    Returns:
        How many answers and votes were emptied in the history.

    Raises:
        Busy: A run is under way.
    """
    folder = home / "evals"
    if not folder.is_dir():
        return 0
    said = frozenset().union(*map(statements, gone.texts))
    _forget_prepared(folder / "stores", gone.digests)
    _forget_results(folder / "results.sqlite")
    quoting = traces_where(folder / "traces", lambda line: bool(said & statements(line)))
    erase(folder / "traces", quoting)
    _forget_threads(folder / "arena" / "threads.sqlite", gone.sources)
    return _forget_history(folder / "history.duckdb", said)


def _forget_prepared(stores: Path, digests: Sequence[str]) -> None:
    """Removes the stores that hold one of these notes; the next run prepares them anew from the suite's files."""
    import duckdb

    for store in stores.glob("*/terakoya.duckdb") if stores.is_dir() else ():
        try:
            with closing(duckdb.connect(store, read_only=True)) as connection:
                held = bool(connection.execute(_PREPARED, {"digests": list(digests)}).fetchall())
        except duckdb.Error:  # damaged, or of another version: nobody can tell
            held = True
        if held:
            shutil.rmtree(store.parent, ignore_errors=True)


def _forget_results(path: Path) -> None:
    """All of them: they are kept under what determines them, which says nothing of what they quote."""
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path, timeout=10)) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            with connection:
                connection.execute("DELETE FROM results")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.DatabaseError as error:
        raise Unavailable("eval_cache", path=path, reason=error) from None


def _forget_threads(path: Path, sources: Collection[str]) -> None:
    from app.threads import Threads

    if path.exists():
        threads = Threads(path)
        try:
            with threads.readable():
                for thread in threads.quoting(sources):
                    threads.forget_quotes(thread, sources)
        finally:
            threads.close()


def _forget_history(path: Path, said: Collection[str]) -> int:
    from evals.forgetting import forget_quotes
    from evals.history import History

    if not path.exists():
        return 0
    with History(path, write=True) as history:
        changed = forget_quotes(history, said)
        if changed:
            history.write_anew()
    return changed
