"""The map: the same results in the same order wherever they are made, and no worker outlives its work."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ingest.mapping import InThisProcess, LocalProcesses
from ingest.store import Store
from ingest.sync import Ingest
from terakoya.errors import BadInput, Unavailable
from terakoya.protocols import Mapper
from terakoya.text.analyser import Analyser
from tests.ingest.work import die_of_seven, die_once, refuse, square, told

MAPPERS: list[Mapper] = [InThisProcess(), LocalProcesses(2), LocalProcesses(2, patience=0.0)]
PARENT = """
import sys, time
from ingest.mapping import LocalProcesses
from tests.ingest.work import told
for pid in LocalProcesses(2, patience=0.0).map(told, range(1000)):
    print(pid, flush=True)
    time.sleep(600)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("mapper", MAPPERS)
def test_results_come_in_the_order_of_the_items(mapper: Mapper) -> None:
    assert list(mapper.map(square, range(100))) == [n * n for n in range(100)]
    assert list(mapper.map(square, [])) == []


def test_items_are_taken_a_few_at_a_time() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(10_000):
            taken += 1
            yield number

    with closing(LocalProcesses(2, patience=0.0).map(square, items())) as results:
        for _ in range(10):
            next(results)
    assert taken <= 10 + 2 * 4 + 1


def test_short_work_starts_no_process() -> None:
    assert set(LocalProcesses(2, patience=60.0).map(told, range(50))) == {os.getpid()}


def test_long_work_is_spread() -> None:
    assert os.getpid() not in list(LocalProcesses(2, patience=0.0).map(told, range(50)))[1:]


@pytest.mark.parametrize("mapper", MAPPERS)
def test_what_the_function_raises_is_raised(mapper: Mapper) -> None:
    with pytest.raises(BadInput) as caught:
        list(mapper.map(refuse, range(3)))
    assert caught.value.key == "query_long"


def test_an_item_that_kills_its_worker_has_an_error_in_its_place() -> None:
    found = list(LocalProcesses(2, patience=0.0).map(die_of_seven, range(20)))
    assert [n for n in found if isinstance(n, int)] == [n for n in range(20) if n != 7]
    assert isinstance(found[7], Unavailable)
    assert "7" in found[7].message("en")


def test_an_item_whose_worker_died_by_chance_is_tried_again(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for place in (first, second):
        place.mkdir()
    (first / "died").touch()  # what is done in this process must not die
    assert list(LocalProcesses(1, patience=0.0).map(die_once, [first, second])) == ["alive", "alive"]


def test_workers_end_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        parent.stdout.readline()
        workers = [int(p) for p in Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()]
    finally:
        parent.kill()
        parent.wait()
        parent.stdout and parent.stdout.close()
    deadline = time.monotonic() + 30
    while (left := [pid for pid in workers if alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


def test_rows_are_the_same_whatever_reads_the_files(tmp_path: Path, write, analyser: Analyser) -> None:
    folder = write({f"n{n:02}.md": f"# 章 {n}\n\n- 項目 {n}\n  - GPU使用率\n\n" * 5 for n in range(40)})
    write({"bad.pdf": b"no pdf", "z.ipynb": b"{}"})
    tables = []
    for number, mapper in enumerate(MAPPERS):
        with Store(tmp_path / f"home{number}" / "terakoya.duckdb", read_only=False) as store:
            report = Ingest(store, analyser, None, max_bytes=2**20, mapper=mapper).run([folder])
            tables.append(
                (
                    report.added,
                    [(path, error.key) for path, error in report.problems],
                    store.rows("SELECT * EXCLUDE (mtime_ns) FROM notes ORDER BY id"),
                    store.rows("SELECT * FROM chunks ORDER BY id"),
                    store.rows("SELECT * FROM postings ORDER BY ALL"),
                )
            )
    assert tables[0] == tables[1] == tables[2]
    assert len(tables[0][3]) >= 40
