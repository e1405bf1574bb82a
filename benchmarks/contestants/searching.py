"""What every contestant of a search does: build once, then answer laps of queries until no more are asked for."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, TextIO

RESULTS = 10
"""Neighbours or passages wanted of a query."""
WARM = 2
"""Queries before the clock of a lap starts: another contestant was at work meanwhile."""
PAGE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Where everything lies.

    Attributes:
        data: Folder with what all contestants read, and what ours leaves there for the others.
        place: Folder of this contestant; empty before.
    """

    data: Path
    place: Path


class Finder(Protocol):
    """Made with everything imported and nothing built."""

    def build(self) -> None:
        """Makes whatever it searches, and leaves it on disk where it can."""

    def find(self, way: str, number: int) -> Sequence[int]:
        """What it finds for a query, best first. `way` is one of the ways of asking that it knows."""


def serve(finders: Mapping[str, Callable[[Task], Finder]], libraries: Sequence[str]) -> None:
    """Runs as the command says, in turns with whoever reads its standard output: a JSON object a line.

    Args:
        finders: By name.
        libraries: Distributions whose versions are told.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=tuple(finders))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--place", type=Path, required=True)
    options = parser.parse_args()
    replies = _replies()
    finder = finders[options.name](Task(data=options.data, place=options.place))
    idle, start = _resident("VmRSS"), time.perf_counter()
    finder.build()
    built = {
        "seconds": time.perf_counter() - start,
        "disk": sum(file.stat().st_size for file in options.place.rglob("*") if file.is_file()),
        "idle": idle,
        "peak": _resident("VmHWM"),
        "versions": {name: version(name) for name in libraries},
    }
    _tell(replies, built | getattr(finder, "told", {}))
    for line in sys.stdin:
        asked = json.loads(line)
        way, first, count = asked["way"], asked["first"], asked["count"]
        for number in range(first, first + min(WARM, count)):
            finder.find(way, number)
        times, found = [], []
        for number in range(first, first + count):
            start = time.perf_counter()
            ids = finder.find(way, number)
            times.append((time.perf_counter() - start) * 1e3)
            found.append([int(each) for each in ids])
        lap = {"times": times, "found": found, "resident": _resident("VmRSS"), "peak": _resident("VmHWM")}
        _tell(replies, lap)


def pages(file: Path) -> Iterator[tuple[int, Any]]:
    """The vectors of a `.npy` file with the number of the first of each page.

    They are read instead of mapped, so that the memory of a process is what the contestant itself takes.
    """
    import numpy as np

    with file.open("rb") as data:
        np.lib.format.read_magic(data)
        (rows, width), _, _ = np.lib.format.read_array_header_1_0(data)
        for at in range(0, rows, PAGE):
            size = min(PAGE, rows - at)
            yield at, np.fromfile(data, dtype=np.float32, count=size * width).reshape(size, width)


def _replies() -> TextIO:
    """The standard output, of which from now on nobody else has hold: libraries print to it."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return replies


def _tell(replies: TextIO, reply: Mapping[str, Any]) -> None:
    print(json.dumps(reply), file=replies, flush=True)


def _resident(field: str) -> int:
    """Bytes in memory, now (VmRSS) or at most so far (VmHWM); 0 where /proc is missing."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)
