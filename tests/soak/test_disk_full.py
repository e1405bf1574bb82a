"""A disk that is full: a clear sentence, nothing lost, and once there is space, work goes on."""

import json
import os
import random
import resource
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from terakoya.catalogue import text
from terakoya.errors import Unavailable
from tests.soak.folder import ChangingFolder
from tests.soak.ingesting import Running, client_of, ingested, terakoya
from tests.soak.scale import SEED, log, size
from tests.soak.store_rows import assert_same, assert_whole

ROOM = 48 * 2**20
FIRST_BLOCK, BLOCK = 3 * 4096, 2**18
"""Where the blocks of a DuckDB file begin, and how long each is."""


class Limited:
    """A disk that takes no more from one process: by its limit on the size of files, which needs no rights.

    A write over the limit is cut off there. A full disk does that to what is new; but not to a place that is in a
    file already, and DuckDB writes its catalogue to such places, a block at a time. So the limit lies between two
    blocks.
    """

    name = "limit on files"
    scarce = 500_000
    """Bytes that are too few for some ingests, and enough for others."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.limit: int | None = None

    def leave(self, free: int) -> None:
        """Leaves room for up to `free` bytes in the log that DuckDB begins anew with each process."""
        self.limit = FIRST_BLOCK + free // BLOCK * BLOCK if free else 0

    def clear(self, running: Running | None = None) -> None:
        """Makes room again, for a process that runs too."""
        self.limit = None
        if running:
            resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)

    def close(self) -> None:
        self.clear()


class Small:
    """A small file system in memory, where this process may mount one."""

    name = "file system"
    scarce = 200_000

    def __init__(self, place: Path) -> None:
        self.place = place
        self.limit = None
        place.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "soak", place], check=True)

    def leave(self, free: int) -> None:
        """Fills all but `free` bytes."""
        self.clear()
        state = os.statvfs(self.place)
        with (self.place / "filler").open("wb") as file:
            file.write(b"\0" * max(0, state.f_bavail * state.f_frsize - free))

    def clear(self, running: Running | None = None) -> None:
        """Makes room again."""
        (self.place / "filler").unlink(missing_ok=True)

    def close(self) -> None:
        subprocess.run(["umount", self.place], check=True)


Disk = Limited | Small


def disks() -> list[type[Disk]]:
    """The file system too where mounting is allowed: root outside of a container, mostly."""
    allowed = os.geteuid() == 0 and mountable()
    return [Limited, Small] if allowed else [Limited]


def mountable() -> bool:
    """Tried in a namespace of its own, which leaves nothing behind."""
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "-o", "size=64k", "soak", "/mnt"]
    with suppress(OSError):
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    return False


@pytest.fixture(params=disks(), ids=lambda kind: kind.name)
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    made = request.param(tmp_path / "disk")
    made.place.mkdir(exist_ok=True)
    yield made
    made.close()


def test_a_full_disk_is_told_and_loses_nothing(disk: Disk, tmp_path: Path) -> None:
    print(f"to repeat: TERAKOYA_SOAK_SEED={SEED}")
    chance = random.Random(f"{SEED} {disk.name}")
    home = disk.place / "home"
    store = home / "terakoya.duckdb"
    folder = ChangingFolder(tmp_path / "notes", chance, files=20, sections=12)
    ingested(home, folder.place)
    full = fitted = 0
    for _ in range(size(full=20, short=2)):
        before = assert_whole(store)
        folder.change(12)
        disk.leave(int(chance.random() * disk.scarce))
        language = chance.choice(("en", "ja"))
        ended = terakoya(home, "ingest", folder.place, file_bytes=disk.limit, TERAKOYA_LANGUAGE=language)
        if ended.code:
            full += 1
            assert ended.code == 3, ended.err
            assert text("error.disk_full", language=language, path=store) in ended.err
            assert "Traceback" not in ended.err
        else:
            fitted += 1
        kept = {path for path, _ in before if ".zip/" not in path and (folder.place / path).exists()}
        held = {path for path, _ in assert_whole(store)}
        assert kept <= held
        # notes that are gone go first: after many full disks in a row none may be left
        assert terakoya(home, "search", "細胞", file_bytes=disk.limit).code == (0 if held else 3)
        disk.clear()
        if chance.random() < 0.5:
            ingested(home, folder.place)
    ingested(home, folder.place)
    ingested(tmp_path / "fresh", folder.place)
    assert_same(store, tmp_path / "fresh" / "terakoya.duckdb")
    log(f"disk full ({disk.name})", ingests=full + fitted, refused=full, that_fitted=fitted)


def test_a_question_is_answered_on_a_full_disk(disk: Disk, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "net.md").write_text("# UDP\n\nThe UDP header is 8 bytes long.\n")
    home = disk.place / "home"
    ingested(home, notes)
    for full in (False, True):
        if full:
            disk.leave(0)
        asked = terakoya(home, "ask", "How long is the UDP header?", file_bytes=disk.limit)
        assert asked.code == 0, asked.err
        assert "8 bytes" in json.loads(asked.out)["answer"]
        assert "Traceback" not in asked.err


def test_a_service_goes_on_after_its_disk_was_full(disk: Disk, tmp_path: Path) -> None:
    chance = random.Random(f"{SEED} service {disk.name}")
    home = disk.place / "home"
    folder = ChangingFolder(tmp_path / "notes", chance, files=10, sections=12)
    ingested(home, folder.place)
    disk.leave(50_000)
    with (
        Running(home, "serve", "--port", "0", file_bytes=disk.limit) as service,
        client_of(service, home) as client,
    ):
        before = len(client.notes())
        folder.change(10)
        with pytest.raises(Unavailable) as caught:
            client.result(client.ingest([folder.place]).run_id)
        assert caught.value.key == "disk_full"
        assert len(client.notes()) <= before
        assert client.search("細胞").hits
        disk.clear(service)
        client.result(client.ingest([folder.place]).run_id)
    assert_whole(home / "terakoya.duckdb")
    ingested(home, folder.place)
    ingested(tmp_path / "fresh", folder.place)
    assert_same(home / "terakoya.duckdb", tmp_path / "fresh" / "terakoya.duckdb")
