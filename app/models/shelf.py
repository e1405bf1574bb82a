"""State of threads that had to leave the context: in memory first, then, where that is allowed, on disk."""

import contextlib
import os
import shutil
import tempfile
from array import array
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

State = NDArray[np.uint8]

_MOST = 200
"""Entries; each prompt is compared with all of them."""


class Shelf:
    """Keeps states within a budget; what was put there longest ago goes first.

    Args:
        memory: Bytes in memory.
        disk: Bytes on disk; 0 writes nothing.
        folder: Where a folder for the files is made, mode 700, when the first is written.
    """

    def __init__(self, *, memory: int, disk: int = 0, folder: Path | None = None) -> None:
        self._memory = memory
        self._disk = disk
        self._parent = folder
        self._folder: Path | None = None
        self._entries: dict[int, tuple[array[int], State | Path, int]] = {}
        self._numbers = count(1)

    def entries(self) -> "Iterator[tuple[int, array[int]]]":
        """Number and tokens of each."""
        return ((number, tokens) for number, (tokens, _, _) in self._entries.items())

    @property
    def in_memory(self) -> int:
        """Bytes of states in memory."""
        return sum(size for _, state, size in self._entries.values() if not isinstance(state, Path))

    @property
    def on_disk(self) -> int:
        """Bytes of states on disk."""
        return sum(size for _, state, size in self._entries.values() if isinstance(state, Path))

    def has_room(self, size: int) -> bool:
        """Whether a state of so many bytes finds room in memory, and nothing has to leave for it."""
        return len(self._entries) < _MOST and self.in_memory + size <= self._memory

    def takes(self, size: int) -> bool:
        """Whether a state of so many bytes is kept at all."""
        return size <= max(self._memory, self._disk)

    def put(self, tokens: "array[int]", size: int, save: Callable[[], State | None]) -> None:
        """Takes a state of `size` bytes, which `save` gives; does not ask for one that has no room."""
        if not self.takes(size):
            return
        state = save()
        if state is None:
            return
        while len(self._entries) >= _MOST:
            self.take(next(iter(self._entries)))
        self._entries[next(self._numbers)] = (tokens[:], state, len(state))
        self._settle()

    def take(self, number: int) -> "tuple[array[int], State | None]":
        """Tokens and state of an entry, which leaves the shelf; None for a state that cannot be read."""
        tokens, state, size = self._entries.pop(number)
        if not isinstance(state, Path):
            return tokens, state
        try:
            data = np.fromfile(state, dtype=np.uint8)
        except OSError:
            return tokens, None
        finally:
            _remove(state)
        return tokens, data if len(data) == size else None

    def sweep(self) -> None:
        """Removes the folder with all files in it."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _settle(self) -> None:
        """Moves the oldest states from memory to disk, and from disk away, until all are within bounds."""
        for number in list(self._entries):
            if self.in_memory <= self._memory:
                break
            tokens, state, size = self._entries[number]
            if isinstance(state, Path):
                continue
            path = self._written(number, state) if size <= self._disk else None
            if path is None:
                del self._entries[number]
            else:
                self._entries[number] = (tokens, path, size)
        for number in list(self._entries):
            if self.on_disk <= self._disk:
                break
            _, state, _ = self._entries[number]
            if isinstance(state, Path):
                _remove(state)
                del self._entries[number]

    def _written(self, number: int, state: State) -> Path | None:
        try:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="threads-", dir=self._parent))
            path = self._folder / f"{number}.state"
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                state.tofile(file)
        except OSError:  # a full disk costs the thread a second reading, and nobody an answer
            return None
        return path


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
