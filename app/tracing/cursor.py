"""How far delivery has come, on disk."""

import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Cursor:
    """Everything before an offset is delivered, and so is what `done` names behind it.

    Attributes:
        offsets: Bytes of each trace file, by its name.
        done: Traces and scores that stand behind an offset, held back by one that has not ended.
    """

    offsets: dict[str, int] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    @classmethod
    def load(cls, path: Path) -> "Cursor":
        """The cursor at `path`; a new one when it is not there or cannot be read."""
        try:
            data = json.loads(path.read_bytes())
            return cls(
                offsets={str(name): int(offset) for name, offset in data["offsets"].items()},
                done={str(key) for key in data["done"]},
            )
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            log.warning("%s cannot be read: all traces on disk are delivered again, under the same ids", path)
            return cls()

    def save(self, path: Path) -> None:
        """Replaces the file at `path` in one step.

        Raises:
            OSError: The disk does not take it; the old file is as it was.
        """
        fresh = path.with_name(f"{path.name}.new")
        data = json.dumps({"version": 1, "offsets": self.offsets, "done": sorted(self.done)}).encode()
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """Holds the lock file at `path` while the block runs; gives False when another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            _lock(descriptor)
        except OSError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
