"""The folder that holds all state of one installation."""

import errno
import os
import secrets
from pathlib import Path

from terakoya.errors import BadInput


def prepare_home(home: Path) -> None:
    """Makes the folder where it is missing, and closes it to other users.

    Raises:
        BadInput: It cannot be made or written to.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if home.stat().st_mode & 0o077:
            home.chmod(0o700)
    except OSError as error:
        raise BadInput("home_unusable", path=home, reason=error.strerror) from error
    if not os.access(home, os.W_OK | os.X_OK):
        raise BadInput(
            "home_unusable", path=home, reason=os.strerror(errno.EROFS if read_only(home) else errno.EACCES)
        )


def read_only(home: Path) -> bool:
    """Whether the home is on a file system that nobody can write to: a backup, a medium, a container's volume."""
    return home.exists() and bool(os.statvfs(home).f_flag & os.ST_RDONLY)


def write_private(path: Path, content: str) -> None:
    """Replaces a file in one step by one that only its owner can read."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
