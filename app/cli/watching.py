"""Looks at folders for changes. Polled: events do not come from network drives and some file systems."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

LOOK_SECONDS: Final = 1.0
_REST: Final = 20
"""A look is followed by at least this many times as long of rest."""
_UNSETTLED_SECONDS: Final = 30.0
"""After so long, a folder in which something is always being written is taken in all the same."""

State = dict[str, tuple[int, int]]
"""Time of change and size of each file that may hold a note."""


class Watch:
    """Tells which paths have changed since they were last taken in.

    A path that had files and has none any more is away, as a disk is that was unmounted: that is no change.

    Attributes:
        pause: Seconds to wait until the next look.
    """

    def __init__(self, paths: Sequence[Path], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.pause = LOOK_SECONDS
        self._taken = {path: look(path) for path in paths}
        self._before = self._now = self._taken
        self._away: frozenset[Path] = frozenset()
        self._since: float | None = None

    def due(self) -> list[Path]:
        """Looks: the paths to take in now, of which at least one has changed; mostly none."""
        started = self._clock()
        self._before, self._now = self._now, {path: look(path) for path in self._taken}
        ended = self._clock()
        self.pause = max(LOOK_SECONDS, _REST * (ended - started))
        there = [path for path, state in self._now.items() if state]
        if all(self._now[path] == self._taken[path] for path in there):
            self._since = None
            return []
        self._since = ended if self._since is None else self._since
        # an editor may write a file in several steps: wait until two looks agree
        settled = all(self._now[path] == self._before[path] for path in there)
        return there if settled or ended - self._since >= _UNSETTLED_SECONDS else []

    def gone(self) -> list[Path]:
        """The paths that have been away since the last look and were there before."""
        away = frozenset(path for path, state in self._now.items() if not state and self._taken[path])
        new, self._away = away - self._away, away
        return sorted(new)

    def take(self) -> None:
        """What the last look saw has been taken in."""
        self._taken |= {path: state for path, state in self._now.items() if state}
        self._since = None


def look(path: Path) -> State:
    """The files at `path`; none where it is gone."""
    if path.is_dir():
        return _files_below(str(path))
    try:
        status = path.stat()
    except OSError:
        return {}
    return {str(path): (status.st_mtime_ns, status.st_size)}


def _files_below(top: str) -> State:
    from ingest.read import KINDS

    found: State = {}
    folders = [top]
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError:  # gone, or closed to us, since it was listed
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.name[entry.name.rfind(".") :].lower() in KINDS:
                    status = entry.stat()
                    found[entry.path] = (status.st_mtime_ns, status.st_size)
            except OSError:  # gone since it was listed, or a link to nothing
                continue
    return found
