"""A mapper that starts worker processes only where they would be done sooner than this one."""

import os
import time
from collections.abc import Callable, Generator, Iterable
from typing import Final, TypeVar

from ingest.mapping import LocalProcesses
from terakoya.errors import Unavailable

T = TypeVar("T")
R = TypeVar("R")

START_SECONDS: Final = 6.0
"""What a worker takes to import the product, and torch where an embedder is needed."""
GAIN: Final = 0.6
"""How much of a core a further worker gains: one process alone keeps more than one busy, by DuckDB and torch."""
_LOOK: Final = 2.0
"""Seconds of work from which the rest is foretold."""


class WhereQuicker:
    """Works in this process, and spreads what is left over workers where that pays.

    The first item loads models and files, here as in every worker, so its time adds to what a worker costs; the
    time of the others tells what is left.

    Args:
        workers: Number of processes; one for each core that this process may use by default.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or _cores()

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Generator[R | Unavailable, None, None]:
        """See `terakoya.protocols.Mapper`."""
        waiting = list(items)
        done = 0
        first = spent = 0.0
        for item in waiting:
            clock = time.perf_counter()
            result = function(item)
            took = time.perf_counter() - clock
            yield result
            done += 1
            first, spent = (took, 0.0) if done == 1 else (first, spent + took)
            if done > 1 and spent >= _LOOK:
                left = len(waiting) - done
                if pays(left * spent / (done - 1), first, self._workers):
                    break
        if done < len(waiting):
            yield from LocalProcesses(self._workers, patience=0.0).map(function, waiting[done:])


def pays(left: float, first: float, workers: int) -> bool:
    """Whether `workers` are clearly quicker than this process: it is running, and they have to start.

    Args:
        left: Seconds that this process would need.
        first: Seconds that the first item took.
        workers: Number of processes.
    """
    return workers > 1 and START_SECONDS + first + left / (GAIN * workers) < 0.8 * left


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # what a container leaves to this process
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
