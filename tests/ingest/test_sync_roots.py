"""Folders that are synced: each is a root of its own, and none is taken in twice."""

import shutil
from pathlib import Path

from ingest.store import Store


def sources(store: Store) -> list[str]:
    return [note.source for note in store.notes()]


def test_one_root_is_never_touched_by_another(store: Store, write, sync, notes: Path, tmp_path: Path) -> None:
    write({"a.md": "alpha"})
    other = write({"b.md": "beta"}, tmp_path / "other")
    sync(notes)
    (notes / "a.md").write_text("changed meanwhile")
    report = sync(other)
    assert report.added == ["other/b.md"]
    assert sources(store) == ["notes/a.md", "other/b.md"]
    assert store.note("notes/a.md").view.text == "alpha"


def test_sources_begin_with_the_folder_s_name_once_there_are_several(
    store: Store, write, sync, notes: Path, tmp_path: Path
) -> None:
    sync(write({"a.md": "alpha"}))
    assert sources(store) == ["a.md"]
    same_name = write({"a.md": "another"}, tmp_path / "elsewhere" / "notes")
    sync(same_name)
    assert sources(store) == ["notes-2/a.md", "notes/a.md"]
    assert [store.note(s).view.text for s in sources(store)] == ["another", "alpha"]


def test_a_sub_folder_of_a_known_root_is_part_of_it(store: Store, write, sync, notes: Path) -> None:
    write({"a.md": "alpha", "sub/b.md": "beta", "sub/c.md": "gamma"})
    sync(notes)
    write({"a.md": "changed", "sub/b.md": "changed too"})
    (notes / "sub" / "c.md").unlink()
    report = sync(notes / "sub")
    assert (report.changed, report.deleted, report.unchanged) == (["sub/b.md"], ["sub/c.md"], 0)
    assert store.note("a.md").view.text == "alpha"


def test_a_single_file_of_a_known_root_is_part_of_it(store: Store, write, sync, notes: Path) -> None:
    write({"a.md": "alpha", "b.md": "beta"})
    sync(notes)
    write({"a.md": "changed", "b.md": "changed too", "new.md": "new"})
    assert sync(notes / "a.md").changed == ["a.md"]
    assert sync(notes / "new.md").added == ["new.md"]
    assert (sources(store), store.note("b.md").view.text) == (["a.md", "b.md", "new.md"], "beta")


def test_a_single_file_of_an_unknown_folder_leaves_its_neighbours_out(
    store: Store, write, sync, notes: Path
) -> None:
    write({"a.md": "alpha", "b.md": "beta"})
    sync(notes / "a.md")
    assert sources(store) == ["a.md"]
    sync(notes)
    assert sources(store) == ["a.md", "b.md"]


def test_a_folder_and_its_sub_folder_at_once_are_taken_in_once(
    store: Store, write, sync, notes: Path
) -> None:
    write({"a.md": "alpha", "sub/b.md": "beta"})
    report = sync(notes, notes / "sub", notes)
    assert report.added == ["a.md", "sub/b.md"]
    assert sources(store) == ["a.md", "sub/b.md"]


def test_the_folder_above_a_known_root_does_not_take_its_notes_again(
    store: Store, write, sync, notes: Path
) -> None:
    write({"a.md": "alpha", "sub/b.md": "beta"})
    sync(notes / "sub")
    sync(notes)
    assert sources(store) == ["notes/a.md", "sub/b.md"]


def test_a_folder_that_was_moved_and_renamed_has_the_same_notes(
    store: Store, write, sync, notes: Path, tmp_path: Path
) -> None:
    write({"a.md": "alpha", "b/c.md": "gamma"})
    sync(notes)
    elsewhere = tmp_path / "archive" / "school"
    elsewhere.parent.mkdir()
    notes.rename(elsewhere)
    for how in ({"dry_run": True}, {"dry_run": True}, {}):
        report = sync(elsewhere, **how)
        assert (report.added, report.unchanged) == ([], 2)
    assert sources(store) == ["a.md", "b/c.md"]
    (elsewhere / "a.md").write_text("alpha, and more")
    assert sync(elsewhere).changed == ["a.md"]


def test_a_copy_of_a_folder_that_is_still_there_is_another(
    store: Store, write, sync, notes: Path, tmp_path: Path
) -> None:
    write({"a.md": "alpha"})
    sync(notes)
    copy = write({"a.md": "alpha"}, tmp_path / "copy")
    assert sync(copy).added == ["copy/a.md"]


def test_other_notes_are_not_those_of_a_folder_that_is_gone(
    store: Store, write, sync, notes: Path, tmp_path: Path
) -> None:
    write({"a.md": "alpha", "b.md": "beta"})
    sync(notes)
    shutil.rmtree(notes)
    other = write({"a.md": "alpha"}, tmp_path / "other")
    assert sync(other).added == ["other/a.md"]
    assert len(sources(store)) == 3
