"""A crash in the middle of an ingest: whole notes only, and the next run completes."""

import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from ingest.store import Store
from ingest.sync import Ingest
from terakoya.text.analyser import Analyser
from tests.soak.ingesting import group, until
from tests.soak.store_rows import assert_whole

CHILD = """
import sys
from pathlib import Path
from ingest import sync
from ingest.mapping import InThisProcess, LocalProcesses
from ingest.store import Store
from terakoya.text.analyser import Analyser
sync._BATCH_CHUNKS = 6
mapper = {"here": InThisProcess(), "workers": LocalProcesses(2, patience=0)}[sys.argv[3]]
store = Store(Path(sys.argv[1]), read_only=False)
def progress(done, total, what):
    print(done, flush=True)
ingest = sync.Ingest(store, Analyser(), None, max_bytes=2**20, mapper=mapper)
ingest.run([Path(sys.argv[2])], progress=progress)
"""
NOTES = 60
SECTIONS = 3
TABLES = {
    "chunks": "SELECT count(*) FROM chunks WHERE note NOT IN (SELECT id FROM notes)",
    "postings": "SELECT count(*) FROM postings WHERE chunk NOT IN (SELECT id FROM chunks)",
    "unindexed": "SELECT count(*) FROM chunks WHERE id NOT IN (SELECT chunk FROM postings)",
}


@pytest.mark.parametrize(("seed", "where"), [(0, "here"), (1, "here"), (2, "workers"), (3, "workers")])
def test_a_kill_at_any_moment_leaves_whole_notes_and_the_next_run_completes(
    write, tmp_path: Path, analyser: Analyser, seed: int, where: str
) -> None:
    folder = write(
        {
            f"{n:03}.md": "\n\n".join(
                f"# 節 {s}\n\nこの文は{n}の{s}番。" + "言葉が続く。" * 20 for s in range(SECTIONS)
            )
            for n in range(NOTES)
        }
    )
    path = tmp_path / "home" / "terakoya.duckdb"
    stop = random.Random(seed).randrange(5, NOTES - 5)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(folder), where],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    )
    assert child.stdout
    for line in child.stdout:
        if int(line) >= stop:
            child.send_signal(signal.SIGKILL)
            break
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()
    until(lambda: not group(child.pid), seconds=20, what="workers left over")

    with Store(path, read_only=False) as store:
        notes = store.notes()
        assert 0 < len(notes) < NOTES
        assert {note.chunks for note in notes} == {SECTIONS}
        assert {
            name: store.cursor().execute(sql).fetchone() for name, sql in TABLES.items()
        } == dict.fromkeys(TABLES, (0,))
        report = Ingest(store, analyser, None, max_bytes=2**20).run([folder])
        assert (len(report.added), report.unchanged) == (NOTES - len(notes), len(notes))
        assert store.counts() == (NOTES, NOTES * SECTIONS)


MAKER = """
import sys
from pathlib import Path
from ingest.store import Store
print("ready", flush=True)
Store(Path(sys.argv[1]), read_only=False)
"""


def test_a_kill_while_the_store_is_made_leaves_one_that_opens_or_none(tmp_path: Path) -> None:
    chance = random.Random(0)
    for number in range(8):
        path = tmp_path / str(number) / "terakoya.duckdb"
        with subprocess.Popen(
            [sys.executable, "-c", MAKER, str(path)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        ) as maker:
            assert maker.stdout
            maker.stdout.readline()
            with suppress(subprocess.TimeoutExpired):
                maker.wait(chance.random() * 0.3)
            maker.kill()
        assert assert_whole(path) == set()
        with Store(path, read_only=False) as store:
            assert store.counts() == (0, 0)
