"""Appends trace lines to files on disk, behind the back of whoever produces them."""

import atexit
import contextlib
import logging
import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

FILE_BYTES: Final = 64 * 2**20
"""A file that reaches this size is followed by the next one of the day."""
TOTAL_BYTES: Final = 512 * 2**20
"""Beyond this, the oldest files are dropped."""
QUEUE_BYTES: Final = 16 * 2**20
"""Lines that wait in memory while the disk does not take them; beyond this, the oldest are dropped."""
WRITE_WITHIN: Final = 0.25
"""Seconds after which a line is written to its file; the end of a trace is written at once."""
SYNC_WITHIN: Final = 0.5
"""Seconds after which a written line is forced to the disk."""
_OPEN_FLAGS: Final = (
    os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
)
_RETRY_AFTER: Final = 1.0
_BATCH_BYTES: Final = 2**20
_FILE_NAME: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.(\d+))?\.jsonl")


def trace_files(folder: Path) -> list[Path]:
    """The trace files of a folder, oldest first: `2027-01-31.jsonl`, `2027-01-31.1.jsonl` ..."""
    found = []
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if match := _FILE_NAME.fullmatch(path.name):
                found.append((match[1], int(match[2] or 0), path))
    return [path for _, _, path in sorted(found)]


class Spool:
    """One process's end of the trace files.

    `append` only puts the line into a queue in memory; a thread of its own writes. Several processes may
    append to the same files: a line is never torn by another's.
    """

    def __init__(
        self,
        folder: Path,
        *,
        file_bytes: int = FILE_BYTES,
        total_bytes: int = TOTAL_BYTES,
        queue_bytes: int = QUEUE_BYTES,
        on_written: Callable[[], None] = lambda: None,
        clean: Callable[[bytes], bytes] = bytes,
    ) -> None:
        """An end of the files in `folder`.

        Args:
            folder: Made when the first line comes.
            file_bytes: A file that reaches this size is followed by another.
            total_bytes: Of all files; beyond it the oldest go.
            queue_bytes: Of lines in memory; beyond it the oldest go.
            on_written: Called behind each write, in the thread that writes.
            clean: What becomes of each line before it is written, in that thread.
        """
        self.folder = folder
        self.file_bytes = file_bytes
        self.total_bytes = total_bytes
        self.queue_bytes = queue_bytes
        self.dropped_lines = 0
        self.dropped_files = 0
        self.failures = 0
        self._on_written = on_written
        self._clean = clean
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._changed = threading.Condition()
        self._urgent = False
        self._busy = False
        self._flushing = 0
        self._closed = False
        self._thread: threading.Thread | None = None
        self._descriptor = -1
        self._path = folder
        self._size = 0
        self._torn = False
        self._failing = False
        self._unsynced = False
        self._synced_at = 0.0

    def append(self, line: bytes, *, urgent: bool = False) -> None:
        """Takes one line without its line break; `urgent` has it written without waiting for others."""
        with self._changed:
            if self._closed:
                self.dropped_lines += 1
                return
            self._queue.append(line)
            self._queued += len(line)
            while self._queued > self.queue_bytes:
                self._queued -= len(self._queue.popleft())
                self.dropped_lines += 1
            if urgent or len(self._queue) == 1:
                self._urgent = self._urgent or urgent
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="trace-spool", daemon=True)
                    self._thread.start()
                    atexit.register(self.flush, 0.5)
                self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Waits until all lines taken so far are on the disk; False when `timeout` seconds were too few."""
        deadline = time.monotonic() + timeout
        with self._changed:
            self._flushing += 1
            try:
                while self._thread is not None and (self._queue or self._busy or self._unsynced):
                    self._changed.notify_all()
                    if self._failing or not self._changed.wait(deadline - time.monotonic()):
                        return False
            finally:
                self._flushing -= 1
        return True

    def close(self, timeout: float) -> None:
        """Writes what waits, within `timeout` seconds; later lines are dropped and counted."""
        self.flush(timeout)
        with self._changed:
            self._closed = True
            thread, self._thread = self._thread, None
            self._changed.notify_all()
        if thread is not None:
            atexit.unregister(self.flush)
            thread.join(min(timeout, 0.2))

    def _run(self) -> None:
        while True:
            batch = self._next_batch()
            if batch is None:
                break
            try:
                written = self._write([self._clean(line) for line in batch])
                self._sync()
            except OSError as error:
                self._failed(error)
            else:
                if self._failing:
                    log.info("traces are written again: %s", self.folder)
                self._failing = False
                if written:
                    with contextlib.suppress(Exception):
                        self._on_written()
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()
        with contextlib.suppress(OSError):
            self._let_go()

    def _next_batch(self) -> list[bytes] | None:
        """Waits for lines worth writing, or for the time of the next sync; None when closed."""
        with self._changed:
            while not self._queue and not self._closed:
                if self._unsynced and self._flushing:
                    break
                left = self._synced_at + SYNC_WITHIN - time.monotonic() if self._unsynced else None
                if left is not None and left <= 0:
                    break
                self._changed.wait(left)
            if self._closed and (self._failing or not self._queue):
                return None
            if self._queue:
                self._changed.wait_for(lambda: self._urgent or self._flushing or self._closed, WRITE_WITHIN)
            if self._failing:
                self._changed.wait_for(lambda: self._closed, _RETRY_AFTER)
            self._urgent = False
            self._busy = True
            batch, size = [], 0
            while self._queue and size < _BATCH_BYTES:
                batch.append(self._queue.popleft())
                size += len(batch[-1])
            self._queued -= size
            return batch

    def _write(self, batch: list[bytes]) -> bool:
        """Appends whole lines; what could not be written goes back to the head of the queue."""
        rest = batch
        try:
            while rest:
                self._open()
                data = b"".join(line + b"\n" for line in rest)
                if self._torn:
                    data = b"\n" + data
                count = os.write(self._descriptor, data)
                self._size += count
                self._unsynced = True
                if count == len(data):
                    self._torn = False
                    rest = []
                else:
                    rest = self._unwritten(rest, count - self._torn)
        finally:
            if rest:
                with self._changed:
                    self._queue.extendleft(reversed(rest))
                    self._queued += sum(map(len, rest))
        return bool(batch)

    def _unwritten(self, lines: list[bytes], count: int) -> list[bytes]:
        """After a short write: the lines that are not whole in the file. The torn one is written anew."""
        for index, line in enumerate(lines):
            if count < len(line) + 1:
                self._torn = self._torn or count > 0
                return lines[index:]
            count -= len(line) + 1
            self._torn = False
        return []

    def _sync(self) -> None:
        now = time.monotonic()
        if self._unsynced and (self._closed or self._flushing or now - self._synced_at >= SYNC_WITHIN):
            os.fsync(self._descriptor)
            self._unsynced = False
            self._synced_at = now

    def _open(self) -> None:
        """Makes sure that the descriptor is that of today's file, that it is there, and not too large."""
        day = datetime.now(UTC).date().isoformat()
        if self._descriptor >= 0:
            try:
                same = os.path.samestat(os.fstat(self._descriptor), self._path.stat())
            except FileNotFoundError:
                same = False
            if same and self._path.name.startswith(day) and self._size < self.file_bytes:
                return
            self._let_go()
        self._make_folder()
        self._path, index = self.folder / f"{day}.jsonl", 0
        today = [path for path in trace_files(self.folder) if path.name.startswith(day)]
        if today:
            self._path = today[-1]
            index = int(self._path.name.split(".")[1]) if self._path.name.count(".") == 2 else 0
            if self._path.stat().st_size >= self.file_bytes:
                self._path = self.folder / f"{day}.{index + 1}.jsonl"
        self._descriptor = os.open(self._path, _OPEN_FLAGS, 0o600)
        self._path.chmod(0o600)
        self._size = os.fstat(self._descriptor).st_size
        self._torn = self._size > 0 and self._last_byte() != b"\n"
        self._drop_old()

    def _last_byte(self) -> bytes:
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1)

    def _make_folder(self) -> None:
        for folder in (self.folder.parent, self.folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)

    def _drop_old(self) -> None:
        sizes = {}
        for path in trace_files(self.folder):
            with contextlib.suppress(FileNotFoundError):
                sizes[path] = path.stat().st_size
        excess = sum(sizes.values()) + self.file_bytes - self.total_bytes
        for path, size in sizes.items():
            if excess <= 0 or path == self._path:
                break
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
                excess -= size
                self.dropped_files += 1
                log.warning("dropped the oldest trace file %s (%d bytes): the folder is full", path, size)

    def _let_go(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            try:
                if self._unsynced:
                    os.fsync(descriptor)
            finally:
                self._unsynced = False
                os.close(descriptor)

    def _failed(self, error: OSError) -> None:
        self.failures += 1
        if not self._failing:
            log.warning("traces cannot be written to %s: %s", self.folder, error)
        self._failing = True
        with contextlib.suppress(OSError):
            self._let_go()
