"""The process that takes PDFs apart, kept for the next file; see `ingest.formats.pdf.pages`."""

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from typing import Any, Final

from terakoya.errors import BadInput, Unavailable

SECONDS: Final = 120
"""Time that one file may take."""
_OVER_TIME: Final = getattr(signal, "SIGXCPU", 0) or 1_000
"""The signal of the limit on CPU time; Windows has none."""
_START: Final = (
    "import sys; sys.path.append(sys.argv.pop(1)); from ingest.formats.pdf.pages import main; main()"
)
ROOT: Final = str(Path(__file__).parents[3])
"""Where the product lies, which need not be on the path of another interpreter."""


class PdfProcess:
    """Starts the process with the first file, and again after a file that ended it. Safe for several threads.

    Args:
        command: What to start; the product's own process by default.
        seconds: Time that one file may take, in seconds.
    """

    def __init__(self, command: list[str] | None = None, *, seconds: int = SECONDS) -> None:
        self._command = command or [sys.executable, "-P", "-c", _START, ROOT, str(seconds)]
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def pages(self, data: bytes, *, path: str) -> dict[str, Any]:
        """What `pages.pages_of` finds in a file.

        Raises:
            BadInput: The file is damaged, encrypted, takes too long, or ends the process.
            Unavailable: The process cannot be started, or lacks its library.
        """
        with self._lock:
            if self._owner != os.getpid():  # a fork: the pipes are the parent's
                self._process = None
            answer = self._asked(data, path) if self._process else None
            if answer is None:
                self._start()
                answer = self._asked(data, path)
        try:
            found: Any = json.loads(answer or b"")
        except ValueError:
            raise BadInput("note_damaged", path=path) from None
        if found.get("problem") == "library":
            raise Unavailable("pdf_process", reason="pypdfium2")
        if "problem" in found:
            raise BadInput(f"note_{found['problem']}", path=path)
        return dict(found)

    @property
    def number(self) -> int:
        """Of the process, 0 where none is alive."""
        return self._process.pid if self._process else 0

    def close(self) -> None:
        """Ends the process."""
        if self._process and self._owner == os.getpid():
            self._process.kill()
            self._process.communicate()
        self._process = None

    def _start(self) -> None:
        self.close()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the product's own file, without a shell
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise Unavailable("pdf_process", reason=error.strerror or error) from None
        self._owner = os.getpid()

    def _asked(self, data: bytes, path: str) -> bytes | None:
        """The answer; None where the process had gone to rest before it came to this file."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return None
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self._seconds, stop)
        timer.start()
        try:
            process.stdin.write(len(data).to_bytes(8, "big") + data)
            process.stdin.flush()
            size = int.from_bytes(process.stdout.read(8), "big")
            answer = process.stdout.read(size)
        except OSError:
            answer, size = b"", 1
        finally:
            timer.cancel()
        if size and len(answer) == size:
            return answer
        status = process.wait()
        self.close()
        if late.is_set() or status == -_OVER_TIME:
            raise BadInput("note_slow", path=path, seconds=self._seconds)
        if status:  # it crashed, or ran out of memory
            raise BadInput("note_damaged", path=path)
        return None


@cache
def shared() -> PdfProcess:
    """The one of this process."""
    process = PdfProcess()
    atexit.register(process.close)
    return process
