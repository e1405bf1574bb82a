"""Syncing: the store follows the folders, note by note, and touches nothing else."""

import json
import os
import random
import threading
from pathlib import Path

import pytest

from ingest import sync as syncing
from ingest.forget import forget
from ingest.plain import plain
from ingest.sequence import context_of
from ingest.store import Store
from ingest.sync import Ingest
from terakoya.errors import BadInput, Busy
from terakoya.text.analyser import Analyser


def sources(store: Store) -> list[str]:
    return [note.source for note in store.notes()]


def dump(store: Store) -> dict[str, list[tuple]]:
    """All rows that hold notes, without the numbers that differ from one ingest to the next."""
    cursor = store.cursor()
    return {
        "notes": cursor.execute("SELECT path, digest, view FROM notes ORDER BY ALL").fetchall(),
        "chunks": cursor.execute(
            """SELECT n.path, c.* EXCLUDE (id, note) FROM chunks c JOIN notes n ON n.id = c.note ORDER BY ALL"""
        ).fetchall(),
        "postings": cursor.execute(
            "SELECT p.field, p.term, c.key, p.count FROM postings p JOIN chunks c ON c.id = p.chunk ORDER BY ALL"
        ).fetchall(),
        "aliases": cursor.execute(
            "SELECT n.path, a.* EXCLUDE (note) FROM aliases a JOIN notes n ON n.id = a.note ORDER BY ALL"
        ).fetchall(),
    }


def orphans(store: Store) -> int:
    (count,) = store.cursor().execute(
        """SELECT (SELECT count(*) FROM chunks WHERE note NOT IN (SELECT id FROM notes))
                + (SELECT count(*) FROM postings WHERE chunk NOT IN (SELECT id FROM chunks))
                + (SELECT count(*) FROM aliases WHERE note NOT IN (SELECT id FROM notes))
                + (SELECT count(*) FROM notes WHERE root NOT IN (SELECT id FROM roots))"""
    ).fetchone() or (None,)
    return count


def test_new_changed_deleted_and_unchanged_notes_are_told_apart(store: Store, write, sync) -> None:
    folder = write({"a.md": "alpha", "b.md": "beta", "sub/c.md": "gamma"})
    assert sync(folder).added == ["a.md", "b.md", "sub/c.md"]

    write({"a.md": "alpha and more", "d.md": "delta"})
    (folder / "b.md").unlink()
    report = sync(folder)
    assert (report.added, report.changed, report.deleted, report.unchanged) == (
        ["d.md"],
        ["a.md"],
        ["b.md"],
        1,
    )
    assert sources(store) == ["a.md", "d.md", "sub/c.md"]
    assert store.note("a.md").view.text == "alpha and more"


def test_nothing_is_written_when_nothing_changed(store: Store, write, sync) -> None:
    folder = write({"a.md": "alpha", "b.md": "beta"})
    sync(folder)
    before = store.cursor().execute("SELECT id FROM notes ORDER BY id").fetchall()
    os.utime(folder / "a.md", ns=(1, 1))
    report = sync(folder)
    assert (report.unchanged, report.chunks, report.changed) == (2, 0, [])
    assert store.cursor().execute("SELECT id FROM notes ORDER BY id").fetchall() == before


def test_a_renamed_note_is_told_as_renamed(store: Store, write, sync) -> None:
    folder = write({"a.md": "alpha", "b.md": "beta"})
    sync(folder)
    (folder / "a.md").rename(folder / "z.md")
    report = sync(folder)
    assert (report.renamed, report.added, report.deleted) == (["a.md -> z.md"], [], [])
    assert sources(store) == ["b.md", "z.md"]


@pytest.mark.parametrize("content", [b"\x00\x01\x02\x03" * 200, b"x" * 5000])
def test_a_file_that_becomes_unreadable_keeps_its_old_rows_and_is_listed(
    store: Store, write, sync, notes: Path, content: bytes
) -> None:
    write({"a.md": "alpha", "b.md": "beta"})
    sync(notes)
    write({"a.md": content, "b.md": "beta changed"})
    report = sync(notes, max_bytes=2000)
    assert [path for path, _ in report.problems] == ["a.md"]
    assert report.changed == ["b.md"]
    assert (store.note("a.md").view.text, store.note("b.md").view.text) == ("alpha", "beta changed")


def test_bad_files_are_listed_and_good_ones_go_in(store: Store, write, sync, notes: Path) -> None:
    write(
        {
            "good.md": "alpha",
            "binary.md": b"\x00\xff" * 500,
            "large.txt": "x" * 3000,
            "picture.png": b"\x89PNG",
        }
    )
    (notes / "caf\udce9.md").write_text("name in another encoding")
    report = sync(notes, max_bytes=2000)
    assert (report.added, sources(store)) == (["good.md"], ["good.md"])
    assert {path: error.key for path, error in report.problems} == {
        "binary.md": "note_binary",
        "large.txt": "note_large",
        "caf\ufffd.md": "note_name",
    }
    assert all(error.message("ja") and error.message("en") for _, error in report.problems)


def test_hidden_files_and_folders_are_passed_over(store: Store, write, sync, notes: Path) -> None:
    write({"a.md": "alpha", ".hidden.md": "x", ".git/b.md": "x", "sub/.obsidian/c.md": "x"})
    sync(notes)
    assert sources(store) == ["a.md"]


def test_links_neither_loop_nor_break_a_folder(
    store: Store, write, sync, notes: Path, tmp_path: Path
) -> None:
    write({"a.md": "alpha", "sub/b.md": "beta"})
    (notes / "sub" / "loop").symlink_to(notes, target_is_directory=True)
    (notes / "gone.md").symlink_to(tmp_path / "nowhere.md")
    (notes / "self.md").symlink_to(notes / "self.md")
    (notes / "folder.md").mkdir()
    os.mkfifo(notes / "pipe.md")
    sync(notes)
    assert sources(store) == ["a.md", "sub/b.md"]


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("missing", "path_missing"),
        ("empty", "folder_empty"),
        ("picture.png", "note_kind"),
        ("a.md/x", "path_unreadable"),
        ("a\x00b", "path_unreadable"),
        ("loop.md", "path_loop"),
    ],
)
def test_a_path_that_cannot_be_used_is_bad_input_and_writes_nothing(
    store: Store, write, sync, notes: Path, path: str, key: str
) -> None:
    write({"a.md": "alpha", "picture.png": "x"})
    (notes / "empty").mkdir()
    (notes / "loop.md").symlink_to(notes / "loop.md")
    with pytest.raises(BadInput) as caught:
        sync(notes / path)
    assert caught.value.key == key
    assert (store.counts(), store.root_names()) == ((0, 0), {})


def test_one_missing_path_among_several_stops_before_anything_is_written(
    store: Store, write, sync, notes: Path
) -> None:
    write({"a.md": "alpha"})
    with pytest.raises(BadInput):
        sync(notes, notes / "missing")
    assert store.counts() == (0, 0)


def test_a_single_file_that_cannot_be_read_is_bad_input_and_makes_no_root(
    store: Store, write, sync, notes: Path, tmp_path: Path
) -> None:
    sync(write({"a.md": "alpha"}))
    large = write({"b.md": "x" * 3000}, tmp_path / "other") / "b.md"
    with pytest.raises(BadInput) as caught:
        sync(large, max_bytes=2000)
    assert caught.value.key == "note_large"
    assert sources(store) == ["a.md"]


def test_a_problem_in_one_folder_does_not_refuse_a_sound_file_beside_it(
    store: Store, write, sync, notes: Path, tmp_path: Path
) -> None:
    write({"a.md": "alpha", "large.md": "x" * 3000})
    single = write({"b.md": "beta"}, tmp_path / "other") / "b.md"
    sync(single)
    assert sync(notes, single, max_bytes=2000).unchanged == 1


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_folder_that_is_empty_now_loses_nothing_until_it_is_forgotten(
    dry_run: bool, store: Store, write, sync, notes: Path
) -> None:
    write({"a.md": "alpha", "sub/b.md": "beta"})
    sync(notes)
    (notes / "a.md").unlink()
    (notes / "sub" / "b.md").unlink()
    for folder, count in ((notes / "sub", 1), (notes, 2)):
        with pytest.raises(BadInput) as caught:
            sync(folder, dry_run=dry_run)
        assert (caught.value.key, caught.value.values) == ("folder_emptied", {"path": folder, "notes": count})
    assert sources(store) == ["a.md", "sub/b.md"]
    forget(store, str(notes), notes)
    assert store.counts() == (0, 0)
    with pytest.raises(BadInput) as caught:
        sync(notes, dry_run=dry_run)
    assert caught.value.key == "folder_empty"


def test_all_notes_of_a_folder_may_go_where_others_come(store: Store, write, sync, notes: Path) -> None:
    sync(write({"a.md": "alpha"}))
    (notes / "a.md").unlink()
    assert sync(write({"b.md": "beta"})).deleted == ["a.md"]
    assert sources(store) == ["b.md"]


def test_a_dry_run_tells_all_and_writes_nothing(store: Store, write, sync, notes: Path) -> None:
    write({"a.md": "alpha", "b.md": "beta", "c.md": "gamma"})
    assert sync(notes, dry_run=True).added == ["a.md", "b.md", "c.md"]
    assert (store.counts(), store.root_names()) == ((0, 0), {})
    sync(notes)
    before = dump(store)
    write({"a.md": "changed", "d.md": "delta"})
    (notes / "b.md").unlink()
    (notes / "c.md").rename(notes / "z.md")
    report = sync(notes, dry_run=True)
    assert (report.added, report.changed) == (["d.md"], ["a.md"])
    assert (report.deleted, report.renamed, report.dry_run) == (["b.md"], ["c.md -> z.md"], True)
    assert dump(store) == before


def test_a_second_ingest_at_the_same_time_is_refused(store: Store, write, sync, notes: Path) -> None:
    write({"a.md": "alpha"})
    refused = []

    def meanwhile(done: int, total: int, what: str) -> None:
        def second() -> None:
            try:
                sync(notes)
            except Busy as error:
                refused.append(error.key)

        other = threading.Thread(target=second)
        other.start()
        other.join()

    sync(notes, progress=meanwhile)
    assert set(refused) == {"ingest_busy"}
    assert sync(notes).unchanged == 1


def test_a_thumb_can_be_given_while_an_ingest_runs(store: Store, write, sync, notes: Path) -> None:
    write({"a.md": "alpha"})
    threads = []

    def meanwhile(done: int, total: int, what: str) -> None:
        thread = threading.Thread(target=store.add_feedback, args=("t", 1, ""))
        thread.start()
        thread.join(timeout=30)
        threads.append(thread.is_alive())

    sync(notes, progress=meanwhile)
    assert not any(threads)
    assert store.cursor().execute("SELECT count(*) FROM feedback").fetchone() == (1,)


def test_a_cancelled_ingest_leaves_whole_notes_and_the_next_completes(
    store: Store, write, sync, notes: Path
) -> None:
    write({f"{n}.md": f"# Note {n}\n\ntext {n}\n" for n in range(9)})
    seen: list[str] = []
    sync(notes, progress=lambda done, total, what: seen.append(what), cancelled=lambda: len(seen) >= 4)
    assert sources(store) == ["0.md", "1.md", "2.md", "3.md"]
    assert len(sync(notes).added) == 5
    assert orphans(store) == 0


def test_progress_counts_up_to_the_end(write, sync, notes: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    sync(write({"a.md": "a", "b.md": "b"}), progress=lambda *step: seen.append(step))
    assert seen == [(0, 2, "a.md"), (1, 2, "b.md"), (2, 2, "b.md")]


@pytest.mark.parametrize("seed", range(3))
def test_after_any_sequence_of_changes_the_store_equals_a_fresh_one(
    store: Store, analyser: Analyser, sync, write, notes: Path, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    words = [
        "光合成",
        "細胞",
        "サーバー",
        "index",
        "transaction",
        "鎌倉幕府",
        "gradient",
        "table",
        "仕訳",
        "毎日",
        "word",
    ]

    def content() -> str:
        lines = [f"# {chance.choice(words)}"]
        lines += [f"- {' '.join(chance.choices(words, k=4))}" for _ in range(chance.randrange(6))]
        return "\n".join(lines)

    for _ in range(8):
        for _ in range(chance.randrange(1, 4)):
            present = sorted(p.relative_to(notes).as_posix() for p in notes.rglob("*.md"))
            change = chance.random()
            if change < 0.55 or not present:
                write({chance.choice(["a.md", "b.md", "sub/c.md", "sub/d.md", "e.md"]): content()})
            elif change < 0.75:
                (notes / chance.choice(present)).unlink()
            else:
                (notes / chance.choice(present)).rename(notes / f"r{chance.randrange(99)}.md")
        if not any(notes.rglob("*.md")):
            write({"a.md": content()})
        sync(notes)
    with Store(tmp_path / "fresh" / "terakoya.duckdb", read_only=False) as fresh:
        Ingest(fresh, analyser, None, max_bytes=2**20).run([notes])
        assert dump(store) == dump(fresh)
    assert orphans(store) == 0


def test_postings_are_those_of_the_indexed_text(store: Store, analyser: Analyser, write, sync) -> None:
    sync(
        write(
            {
                "a.md": "---\ntitle: 題名\n---\n# 光合成\n\n- **葉緑体**で[行う](x.md)\n",
                "b.txt": "plain words",
                "c.md": "<td>leaf</td><td>root</td> <img src='x' alt='a stem'>",
            }
        )
    )
    rows = store.cursor().execute(
        "SELECT c.id, c.heading, c.ancestors, c.text, c.shown, n.title, c.context "
        "FROM chunks c JOIN notes n ON n.id = c.note"
    )
    for number, heading, ancestors, text, shown, title, context in rows.fetchall():
        assert context == context_of(title, json.loads(heading), json.loads(ancestors))
        shown = "\n".join((context, shown or plain(text)))
        for field, expected in ((0, analyser.words(shown)), (1, analyser.grams(shown))):
            found = store.cursor().execute(
                "SELECT term, count FROM postings WHERE chunk = ? AND field = ?", [number, field]
            )
            assert dict(found.fetchall()) == dict(expected)


def test_another_analyser_makes_the_postings_anew(
    store: Store, analyser: Analyser, write, sync, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(write({"a.md": "# 光合成\n\n葉緑体で行う。", "b.md": "words"}))
    before = dump(store)
    with store.transaction() as cursor:
        cursor.execute("UPDATE meta SET value = 'another' WHERE key = 'analyser'")
        cursor.execute("UPDATE terms SET term = 'x'")
        cursor.execute("UPDATE chunks SET sequence = '', words = 0, grams = 0")
    assert sync(notes).unchanged == 2
    assert dump(store) == before
    assert store.meta("analyser") == analyser.fingerprint


def test_another_reader_reads_all_notes_again(
    store: Store, write, sync, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({"a.md": "alpha", "b.md": "beta"})
    sync(notes)
    with store.transaction() as cursor:
        cursor.execute("UPDATE notes SET reader = 'older' WHERE path = 'a.md'")
    report = sync(notes)
    assert (report.changed, report.unchanged) == (["a.md"], 1)
    assert sync(notes).unchanged == 2


def test_more_notes_than_one_transaction_takes_go_in(store: Store, write, sync) -> None:
    count = syncing._BATCH_CHUNKS + 40
    report = sync(write({f"{n:04}.md": f"note {n}" for n in range(count)}))
    assert (len(report.added), store.counts()) == (count, (count, count))
