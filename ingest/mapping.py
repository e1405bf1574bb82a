"""Runs a function over many items: here, or in worker processes of this machine.

Both are `terakoya.protocols.Mapper`; a cluster's would be a third. What comes out is the same whichever ran.
"""

import atexit
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any, Final, TypeVar

from terakoya.errors import Unavailable

T = TypeVar("T")
R = TypeVar("R")

PATIENCE: Final = 1.0
"""Seconds that work is done in this process before workers are started, which costs them about as long."""
_AHEAD: Final = 4
"""Items a worker that wait or are done and not yet taken: what bounds the memory."""
_work: list[Callable[[Any], Any]] = []  # in a worker: what it was started for


class InThisProcess:
    """One item after the other, in the thread that asks."""

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Generator[R | Unavailable, None, None]:
        """See `terakoya.protocols.Mapper`."""
        yield from map(function, items)


class LocalProcesses:
    """Worker processes of this machine, started when the work turns out to be long.

    A worker imports the program's main module anew, so a program that uses this keeps its own work behind
    `if __name__ == "__main__"`.

    Args:
        workers: Number of processes; one for each core that this process may use by default.
        patience: Seconds of work in this process before they are started.
    """

    def __init__(self, workers: int | None = None, *, patience: float = PATIENCE) -> None:
        self._workers = workers or _cores()
        self._patience = patience

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Generator[R | Unavailable, None, None]:
        """See `terakoya.protocols.Mapper`."""
        started = time.monotonic()
        rest = iter(items)
        for item in rest:
            yield function(item)
            if time.monotonic() - started >= self._patience:
                break
        yield from self._spread(function, rest)

    def _spread(
        self, function: Callable[[T], R], items: Iterator[T]
    ) -> Generator[R | Unavailable, None, None]:
        pending: deque[tuple[T, Future[R]]] = deque()
        pool: ProcessPoolExecutor | None = None
        try:
            while True:
                while len(pending) < self._workers * _AHEAD and (item := next(items, _END)) is not _END:
                    if pool is None:
                        pool = _pool(self._workers, function)
                        if not _starts(pool):  # no semaphores in a sandbox, no memory for another process
                            yield function(item)
                            yield from map(function, items)
                            return
                    pending.append((item, _submitted(pool, item)))
                if not pending:
                    return
                item, future = pending.popleft()
                try:
                    yield future.result()
                except BrokenProcessPool:
                    # nobody can tell whose fault it was: each that was under way is tried again, alone
                    again = [item, *(each for each, _ in pending)]
                    pending.clear()
                    if pool:
                        pool.shutdown()
                    pool = None
                    for each in again:
                        yield _alone(function, each)
        finally:
            if pool:
                pool.shutdown(cancel_futures=True)


_END: Final[Any] = object()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # what a container or `taskset` leaves to this process
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _pool(workers: int, function: Callable[[T], R]) -> ProcessPoolExecutor:
    # `spawn`: a fork of a process with threads may hold a lock for ever
    return ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(function,)
    )


def _starts(pool: ProcessPoolExecutor) -> bool:
    try:
        with _deaf():
            first = pool.submit(_ready)
        return first.result()
    except (BrokenProcessPool, OSError):
        return False


def _ready() -> bool:
    return True


def _submitted(pool: ProcessPoolExecutor, item: Any) -> Future[Any]:
    try:
        with _deaf():
            return pool.submit(_run, item)
    except (
        BrokenProcessPool
    ) as error:  # it broke since the last result: this item shares the fate of the rest
        broken: Future[Any] = Future()
        broken.set_exception(error)
        return broken


def _alone(function: Callable[[T], R], item: T) -> R | Unavailable:
    with _pool(1, function) as pool:
        try:
            return _submitted(pool, item).result()  # type: ignore[no-any-return]
        except BrokenProcessPool:
            return Unavailable("worker_died", what=str(item))


@contextmanager
def _deaf() -> Iterator[None]:
    """A process that is started within never hears Ctrl-C, which reaches the whole group: its parent ends it.

    Had it to ignore the signal by itself, it would die of one that comes while it is still importing.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(function: Callable[[Any], Any]) -> None:
    _work.append(function)
    atexit.register(
        os._exit, 0
    )  # at the end nothing is left to do, and DuckDB's module complains of what it holds
    parent = multiprocessing.parent_process()
    if parent:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """A worker of a parent that was killed would wait for work for ever."""
    wait([sentinel])
    os._exit(1)


def _run(item: Any) -> Any:
    return _work[0](item)
