"""What Python says of paths and files, as an error with a sentence."""

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.damage import told
from terakoya.errors import BadInput, TerakoyaError, Unavailable

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_HOME: Final = "Could not determine home directory."
"""How pathlib says that `~name` is nobody's."""


def in_words(error: Exception, home: Callable[[], Path]) -> TerakoyaError | None:
    """The error with a sentence that stands for `error`; None where nobody expected it. `home` gives the home."""
    if isinstance(error, TerakoyaError):
        return error
    if isinstance(error, RuntimeError) and str(error) == _NO_HOME:
        return BadInput("path_user")
    if isinstance(error, sqlite3.DatabaseError):
        return told(home() / "threads.sqlite", error)
    if not isinstance(error, OSError) or error.strerror is None:
        return None
    if error.filename is None:  # what is open already, such as the output of the command
        if error.errno in _FULL:
            return Unavailable("output_full")
        # of what takes paths, only asking for the current folder tells none
        return BadInput("folder_gone") if isinstance(error, FileNotFoundError) else None
    if error.errno in _FULL:
        return Unavailable("disk_full", path=error.filename)
    return BadInput("file_unusable", path=error.filename, reason=error.strerror)
