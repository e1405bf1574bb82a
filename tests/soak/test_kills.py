"""Processes that are hurt while they ingest: the store holds whole notes only, and the next run completes."""

import os
import random
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ingest.read import digest_of
from ingest.store import Store
from terakoya.errors import Unavailable
from tests.soak.folder import ENGLISH, JAPANESE, ChangingFolder
from tests.soak.ingesting import Ended, Running, client_of, ingested
from tests.soak.scale import SEED, log, size
from tests.soak.store_rows import assert_same, assert_whole

MINILM = "all-MiniLM-L6-v2"
WORK = {"sections": 30, "files": size(full=120, short=40)}
"""Enough that an ingest starts worker processes."""


@dataclass(slots=True)
class Tally:
    """When the hurts of one kind came.

    Attributes:
        hits: How many came in time.
        ended: How many of them ended the ingest.
        tenths: In which tenth of the run each was asked for.
        stored: How often none, some or all of the new notes were in the store afterwards.
    """

    hits: int = 0
    ended: int = 0
    tenths: Counter[int] = field(default_factory=Counter)
    stored: Counter[str] = field(default_factory=Counter)

    def told(self) -> dict[str, object]:
        """For the log."""
        return {
            "hits": self.hits,
            "ended by it": self.ended,
            "by tenth of the run": " ".join(str(self.tenths[n]) for n in range(10)),
            **{f"with {what} of the new notes stored": self.stored[what] for what in ("none", "some", "all")},
        }


class Soak:
    """One home and one folder, ingested again and again, and hurt while it goes on."""

    def __init__(
        self, place: Path, name: str, *, files: int, sections: int, embedder: str = "none", **how
    ) -> None:
        print(f"to repeat: TERAKOYA_SOAK_SEED={SEED}")
        self.name = name
        self.chance = random.Random(f"{SEED} {name}")
        self.place = place
        self.home = place / "home"
        self.store = self.home / "terakoya.duckdb"
        self.embedder = embedder
        self.folder = ChangingFolder(place / "notes", self.chance, files=files, sections=sections, **how)
        self._measure()

    def _measure(self) -> None:
        """An undisturbed run over all files and one over a single file tell how long others will take."""
        _, whole = ingested(self.home, self.folder.place, embedder=self.embedder)
        everything = sum(file.stat().st_size for file in self.folder.files)
        one = self.folder.edit().stat().st_size
        _, self.least = ingested(self.home, self.folder.place, embedder=self.embedder)
        self.rate = max(0.0, (whole - self.least) / max(1, everything - one))

    def expected(self) -> float:
        """Seconds that an ingest of what is not in the store will take."""
        held = {digest for _, digest in assert_whole(self.store)}
        files = [(file.stat().st_size, digest_of(file.read_bytes())) for file in self.folder.files]
        return self.least + self.rate * sum(length for length, digest in files if digest not in held)

    def run(self, plan: Mapping[str, int]) -> None:
        """Changes the folder and hurts an ingest of it at a random moment, until all of `plan` came in time."""
        tallies = {kind: Tally() for kind in plan}
        rest = [kind for kind, times in plan.items() for _ in range(times)]
        self.chance.shuffle(rest)
        while rest:
            if self.chance.random() < 0.15:  # the first ingest of a home has moments of its own
                shutil.rmtree(self.home)
            elif self.chance.random() < 0.1:
                self._age()
            self.folder.change(max(2, len(self.folder.files) // 2))
            if self._hurt(rest[-1], tallies[rest[-1]]):
                rest.pop()
        self.complete()
        for kind, tally in tallies.items():
            assert tally.ended or tally.hits < 5 or CODES[kind] == {0}, f"{kind} ends nothing"
            log(f"{self.name}, {kind}", **tally.told())

    def _age(self) -> None:
        """The store as an older release left it: postings and vectors are made anew, for every note."""
        if assert_whole(self.store):
            with Store(self.store, read_only=False) as store, store.transaction() as cursor:
                cursor.execute(
                    "UPDATE meta SET value = value || ' old' WHERE key IN ('analyser', 'embedder')"
                )

    def _hurt(self, kind: str, tally: Tally) -> bool:
        """One ingest; whether it was hurt before its end."""
        before, expected, part = assert_whole(self.store), self.expected(), self.chance.random()
        with Running(self.home, "ingest", self.folder.place, embedder=self.embedder) as running:
            hit = running.runs_for(part * expected) and HURTS[kind](running, self)
            ended = running.ended()
        print(f"{kind} at {part:.2f} of {expected:.1f} s: exit {ended.code} after {ended.seconds:.1f} s")
        assert ended.code in CODES[kind] | {0} if hit else ended.code == 0, ended.err
        assert_orderly(ended)
        state = self._stored(before)
        hit = hit and ended.code in CODES[kind]  # else the signal found a process that was at its end
        if hit:
            tally.hits += 1
            tally.ended += ended.code != 0
            tally.tenths[int(part * 10)] += 1
            tally.stored[state] += 1
        return hit

    def _stored(self, before: set[tuple[str, str]]) -> str:
        wanted = {
            (file.relative_to(self.folder.place).as_posix(), digest_of(file.read_bytes()))
            for file in self.folder.files
            if file.suffix != ".zip"
        } - before
        missing = wanted - assert_whole(self.store)
        return "all" if not missing else "none" if missing == wanted else "some"

    def complete(self) -> None:
        """A run to the end, then a fresh ingest of the same folder: the stores are the same."""
        ingested(self.home, self.folder.place, embedder=self.embedder)
        again, _ = ingested(self.home, self.folder.place, embedder=self.embedder)
        assert (again["added"], again["changed"], again["renamed"], again["deleted"]) == ([], [], [], [])
        assert_whole(self.store)
        ingested(self.place / "fresh", self.folder.place, embedder=self.embedder)
        assert_same(self.store, self.place / "fresh" / "terakoya.duckdb")


ORPHANED_AT_ITS_START = re.compile(
    r"^Traceback \(most recent call last\):\n"
    r"(?:  File \"<string>\", line 1, in <module>\n|  File \".*/multiprocessing/spawn\.py\", .*\n|    .*\n)+"
    r"EOFError: Ran out of input\n",
    re.MULTILINE,
)
"""What Python itself says in a worker whose parent was killed before it could say what the work is.

No line of ours runs in that worker yet, so none can put it into a sentence.
"""


def assert_orderly(ended: Ended) -> None:
    """Nothing on stderr but sentences."""
    said = ORPHANED_AT_ITS_START.sub("", ended.err) if ended.code == -signal.SIGKILL else ended.err
    assert "Traceback" not in said, ended.err


def kill(running: Running, soak: Soak) -> bool:
    """SIGKILL to the ingest alone: what it started must notice by itself."""
    running.process.kill()
    return True


def kill_at_a_write(running: Running, soak: Soak) -> bool:
    """SIGKILL up to 30 ms after one of the next moments at which the store's files change."""

    def state() -> list[tuple[int, int]]:
        found = []
        for path in (soak.store, soak.store.with_name(soak.store.name + ".wal")):
            with suppress(FileNotFoundError):
                found.append((path.stat().st_size, path.stat().st_mtime_ns))
        return found

    changes, seen = soak.chance.randrange(1, 8), state()
    while changes:
        if running.process.poll() is not None:
            return False
        now = state()
        changes -= now != seen
        seen = now
    time.sleep(soak.chance.random() * 0.03)
    running.process.kill()
    return True


def kill_a_worker(running: Running, soak: Soak) -> bool:
    """SIGKILL to a process that the ingest started, where there is one at the moment."""
    workers = [worker for worker in running.others() if b"resource_tracker" not in _command(worker)]
    with suppress(ProcessLookupError):
        for worker in workers[: soak.chance.randrange(1, 3)]:
            os.kill(worker, signal.SIGKILL)
    return bool(workers)


def _command(process: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def interrupt(running: Running, soak: Soak) -> bool:
    """SIGINT to the command alone, as `kill -INT` sends it."""
    running.process.send_signal(signal.SIGINT)
    return True


def press_ctrl_c(running: Running, soak: Soak) -> bool:
    """SIGINT to the command and all that it started, as a terminal sends it."""
    os.killpg(running.process.pid, signal.SIGINT)
    return True


def press_ctrl_c_twice(running: Running, soak: Soak) -> bool:
    """The same again a moment later, by a person who does not wait."""
    press_ctrl_c(running, soak)
    if running.runs_for(time.monotonic() - running.began + soak.chance.random() * 0.3):
        press_ctrl_c(running, soak)
    return True


def terminate(running: Running, soak: Soak) -> bool:
    """SIGTERM to the command alone, as a system that shuts down sends it."""
    running.process.terminate()
    return True


HURTS: Mapping[str, Callable[[Running, Soak], bool]] = {
    "SIGKILL": kill,
    "SIGKILL at a write": kill_at_a_write,
    "SIGKILL to a worker": kill_a_worker,
    "SIGTERM": terminate,
    "SIGINT": interrupt,
    "Ctrl-C": press_ctrl_c,
    "Ctrl-C twice": press_ctrl_c_twice,
}
STOPPED = {130, 0, -signal.SIGINT}
"""An ingest that is asked to stop may be at its end; Python dies of SIGINT before its first and after its last line."""
CODES = {
    "SIGKILL": {-signal.SIGKILL},
    "SIGKILL at a write": {-signal.SIGKILL},
    "SIGKILL to a worker": {0},
    "SIGTERM": {-signal.SIGTERM},
    "SIGINT": STOPPED,
    "Ctrl-C": STOPPED,
    "Ctrl-C twice": STOPPED,
}


def test_an_ingest_that_is_ended_at_any_moment_leaves_whole_notes_and_the_next_completes(
    tmp_path: Path,
) -> None:
    Soak(
        tmp_path, "ingest", **WORK, kinds=(".md", ".md", ".txt", ".html", ".ipynb", ".docx", ".zip", ".pdf")
    ).run(
        {
            "SIGKILL": size(full=100, short=5),
            "SIGKILL at a write": size(full=50, short=2),
            "SIGKILL to a worker": size(full=20, short=1),
            "SIGTERM": size(full=10, short=1),
            "SIGINT": size(full=20, short=1),
            "Ctrl-C": size(full=20, short=1),
            "Ctrl-C twice": size(full=20, short=1),
        }
    )


def test_an_ingest_that_is_ended_while_passages_are_embedded_leaves_whole_notes(tmp_path: Path) -> None:
    Soak(
        tmp_path,
        "ingest with MiniLM",
        files=size(full=20, short=6),
        sections=4,
        embedder=MINILM,
        kinds=(".md", ".txt", ".zip"),
        languages=(ENGLISH, JAPANESE),
    ).run({"SIGKILL": size(full=30, short=2), "Ctrl-C": size(full=6, short=0)})


def test_a_service_that_is_killed_while_it_ingests_leaves_whole_notes(tmp_path: Path) -> None:
    soak = Soak(tmp_path, "service", **WORK)
    hits, tally = size(full=15, short=1), Tally()
    while tally.hits < hits:
        soak.folder.change(max(2, len(soak.folder.files) // 2))
        seconds, part = soak.expected() - soak.least + 0.5, soak.chance.random()
        before = assert_whole(soak.store)
        with Running(soak.home, "serve", "--port", "0") as service:
            with client_of(service, soak.home) as client:
                run = client.ingest([soak.folder.place])
                time.sleep(part * seconds)
                running = client.run(run.run_id).status == "running"
                service.process.kill()
                with pytest.raises(Unavailable):
                    client.notes()
            ended = service.ended()
        assert_orderly(ended)
        state = soak._stored(before)
        if running:
            tally.hits += 1
            tally.ended += 1
            tally.tenths[int(part * 10)] += 1
            tally.stored[state] += 1
    with Running(soak.home, "serve", "--port", "0") as service, client_of(service, soak.home) as client:
        client.result(client.ingest([soak.folder.place]).run_id)
        service.process.kill()
    soak.complete()
    log("service, SIGKILL", **tally.told())
