"""The store: one file, whole or refused, open to one writing process."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from ingest.store import SCHEMA_VERSION, Store
from terakoya.errors import Busy, NotFound, Unavailable

HOLD = """
import sys
from pathlib import Path
from ingest.store import Store
store = Store(Path(sys.argv[1]), read_only=sys.argv[2] == "read")
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def elsewhere(tmp_path: Path):
    """Opens a store in another process until the test is over."""
    started = []

    def hold(path: Path, how: str) -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path), how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "open\n"

    yield hold
    for process in started:
        process.communicate("")


def test_a_store_that_another_process_writes_to_is_busy(store: Store, elsewhere) -> None:
    path = store.path
    store.close()
    elsewhere(path, "write")
    for read_only in (True, False):
        with pytest.raises(Busy) as caught:
            Store(path, read_only=read_only)
        assert (caught.value.key, caught.value.exit_code) == ("store_busy", 3)


def test_several_processes_may_read_and_none_may_write_meanwhile(store: Store, elsewhere) -> None:
    path = store.path
    store.close()
    elsewhere(path, "read")
    Store(path, read_only=True).close()
    with pytest.raises(Busy):
        Store(path, read_only=False)


def test_without_a_store_reading_says_that_there_are_no_notes(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        Store(tmp_path / "none.duckdb", read_only=True)
    assert caught.value.key == "store_empty"
    assert not (tmp_path / "none.duckdb").exists()


def test_a_store_of_another_schema_is_refused_and_left_as_it_is(store: Store) -> None:
    with store.transaction() as cursor:
        cursor.execute("UPDATE meta SET value = '0' WHERE key = 'schema'")
    store.close()
    for read_only in (True, False):
        with pytest.raises(Unavailable) as caught:
            Store(store.path, read_only=read_only)
        assert (caught.value.key, caught.value.values["found"]) == ("store_schema", "0")
        assert SCHEMA_VERSION in str(caught.value)


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("name", ["terakoya.duckdb", "locks-and-blocks.duckdb"])
def test_a_file_that_is_no_store_is_told_as_damaged(tmp_path: Path, name: str, read_only: bool) -> None:
    path = tmp_path / name
    path.write_bytes(os.urandom(20_000))
    with pytest.raises(Unavailable) as caught:
        Store(path, read_only=read_only)
    assert caught.value.key == "store_damaged"


@pytest.mark.parametrize("share", [0.0, 0.005, 0.3, 0.6])
def test_a_damaged_store_is_told_as_damaged_wherever_it_is_read(
    store: Store, write, sync, share: float
) -> None:
    sync(write({f"{n}.md": f"# Note {n}\n\n" + "Some text. " * 200 for n in range(10)}))
    path = store.path
    store.close()
    content = bytearray(path.read_bytes())
    start = int(len(content) * share)
    content[start:] = bytes(b ^ 0x5A for b in content[start:])
    path.write_bytes(content)

    def look() -> None:
        with Store(path, read_only=True) as damaged:
            damaged.notes()
            damaged.note("1.md")

    with pytest.raises(Unavailable) as caught:
        look()
    assert type(caught.value) is Unavailable
    assert caught.value.key == "store_damaged"


def test_a_transaction_is_whole_or_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.transaction() as cursor:  # noqa: PT012 - the block is the transaction
        cursor.execute("INSERT INTO roots VALUES (1, '/x', 'x')")
        raise RuntimeError
    assert store.root_names() == {}


def test_sql_reaches_no_other_file(store: Store, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    with pytest.raises(duckdb.Error):
        store.cursor().execute(f"SELECT * FROM read_csv('{secret}')")
    with pytest.raises(duckdb.Error):
        store.cursor().execute(f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("source", ["none.md", "", "../secret", "'; DROP TABLE notes; --", "\x00", "\ud800"])
def test_an_unknown_note_is_not_found(store: Store, write, sync, source: str) -> None:
    sync(write({"a.md": "alpha"}))
    with pytest.raises(NotFound):
        store.note(source)
    assert store.counts() == (1, 1)


def test_a_note_is_shown_as_a_person_sees_it(store: Store, write, sync) -> None:
    sync(write({"a.md": "# Title\n<b>bold</b> text\n"}))
    note = store.note("a.md")
    assert (note.title, note.view.text) == ("Title", "# Title\nbold text\n")


def test_passages_come_in_the_order_asked_for_and_those_that_are_gone_are_left_out(
    store: Store, write, sync
) -> None:
    sync(write({"a.md": "# A\n\nalpha\n\n# B\n\nbeta\n\n# C\n\ngamma\n"}))
    keys = [
        row[0] for row in store.cursor().execute("SELECT key FROM chunks ORDER BY ordinal DESC").fetchall()
    ]
    assert [p.heading for p in store.passages([*keys, "gone"])] == [("C",), ("B",), ("A",)]
    assert store.passages([]) == []


def test_a_later_thumb_on_the_same_answer_replaces_the_first(store: Store) -> None:
    for value in (1, 0):
        store.add_feedback("t1", value, f"comment {value}")
    rows = store.cursor().execute("SELECT value, comment FROM feedback").fetchall()
    assert rows == [(0, "comment 0")]


def test_more_memory_than_is_allowed_is_told_with_the_setting(tmp_path: Path) -> None:
    with Store(tmp_path / "terakoya.duckdb", read_only=False, memory_mb=64) as store:
        with pytest.raises(Unavailable) as caught:
            store.rows("SELECT len(list(i)) FROM range(40_000_000) t(i)")
        assert caught.value.key == "store_memory"
        assert "TERAKOYA_MEMORY_MB" in caught.value.message("en")
        assert "64" in caught.value.message("ja")
        assert store.counts()[0] == 0, "the store is as usable as before"


def test_only_their_owner_reads_a_new_store(tmp_path) -> None:
    file = tmp_path / "fresh.duckdb"
    Store(file, read_only=False).close()
    assert file.stat().st_mode & 0o777 == 0o600
