"""What is told where the file of conversations, facts and calls of tools is damaged, or cannot be written."""

import sqlite3
from pathlib import Path

from terakoya.errors import Unavailable


def told(path: Path, error: sqlite3.DatabaseError) -> Unavailable:
    """`error` in a sentence that names the file and what mends it.

    Args:
        path: The file, `threads.sqlite` of a home.
        error: What SQLite says of it.
    """
    # A table of another shape comes right by itself as little as bytes that are gone.
    lasting = not isinstance(error, sqlite3.OperationalError) or "no such column" in str(error)
    return Unavailable("threads_damaged" if lasting else "threads_unusable", path=path, reason=error)
