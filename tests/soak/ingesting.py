"""Real ingests as processes, with every process that they start in a group of their own."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from terakoya.client import ServiceClient

ROOT = Path(__file__).parents[2]
LONGEST = 900.0
"""Seconds after which a process counts as hung, on a machine that is busy with other things too."""


def environment(home: Path, *, embedder: str = "none", **added: str) -> dict[str, str]:
    """Without the settings of the person who runs the tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TERAKOYA_", "LANGFUSE_"))}
    ours = {"TERAKOYA_HOME": str(home), "TERAKOYA_LANGUAGE": "en", "TERAKOYA_EMBEDDER": embedder}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1", **ours, **added}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended.

    Attributes:
        code: Exit code; negative where a signal ended it.
        seconds: From its start.
        out: What it wrote to stdout.
        err: What it wrote to stderr.
    """

    code: int
    seconds: float
    out: str
    err: str


class Running:
    """`terakoya` with these arguments, as a process. A context manager that leaves no process behind.

    With `file_bytes`, no file that it writes may grow beyond so many bytes.
    """

    def __init__(
        self,
        home: Path,
        *arguments: str | Path,
        embedder: str = "none",
        file_bytes: int | None = None,
        **added: str,
    ) -> None:
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app.cli.program", "--json", *map(str, arguments)],
            env=environment(home, embedder=embedder, **added),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=lambda: _begin(file_bytes),
        )

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.others():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.kill()
        self.process.communicate()

    def runs_for(self, seconds: float) -> bool:
        """Whether it still runs `seconds` after its start."""
        try:
            self.process.wait(max(0.0, self.began + seconds - time.monotonic()))
        except subprocess.TimeoutExpired:
            return True
        return False

    def others(self) -> list[int]:
        """The processes that it started and that are not gone."""
        return [process for process in group(self.process.pid) if process != self.process.pid]

    def ended(self) -> Ended:
        """Waits for its end, and for the end of all that it started."""
        try:
            self.process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # it says where it stands
            raise AssertionError(f"hangs: {self.process.communicate()[1].decode()}") from None
        seconds = time.monotonic() - self.began
        until(lambda: not self.others(), seconds=LONGEST / 10, what="processes left over")
        out, err = (stream.decode("utf-8", "replace") for stream in self.process.communicate())
        return Ended(code=self.process.returncode, seconds=seconds, out=out, err=err)


def terakoya(
    home: Path,
    *arguments: str | Path,
    embedder: str = "none",
    file_bytes: int | None = None,
    **added: str,
) -> Ended:
    """Runs the command line to its end."""
    with Running(home, *arguments, embedder=embedder, file_bytes=file_bytes, **added) as running:
        return running.ended()


def ingested(home: Path, folder: Path, *, embedder: str = "none") -> tuple[dict[str, object], float]:
    """The report of a whole ingest, and its seconds."""
    done = terakoya(home, "ingest", folder, embedder=embedder)
    assert done.code == 0, done.err
    return json.loads(done.out), done.seconds


def client_of(service: Running, home: Path) -> ServiceClient:
    """The client of a service, once it answers."""
    found: list[ServiceClient] = []

    def look() -> bool:
        assert service.process.poll() is None, service.ended()
        client = ServiceClient.discover(home, language="en")
        found.extend([client] if client else [])
        return bool(found)

    until(look, seconds=LONGEST / 3, what="the service does not answer")
    return found[0]


def group(leader: int) -> list[int]:
    """Processes of a process group that have not ended, where the system has /proc."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # ended since it was listed
            state, _, pgid = place.read_text(errors="replace").rpartition(")")[2].split()[:3]
            if int(pgid) == leader and state not in "ZX":
                found.append(int(place.parent.name))
    return sorted(found)


def until(look, *, seconds: float, what: str) -> None:
    """Waits until `look` gives something."""
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def _begin(file_bytes: int | None) -> None:
    """In the new process: Ctrl-C ends it also where these tests run in the background of a shell."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, resource.RLIM_INFINITY))
