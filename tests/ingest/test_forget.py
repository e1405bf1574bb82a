"""Taking notes out of the store: exactly what is named goes, and no file is touched."""

import shutil
from pathlib import Path

import pytest

from ingest.forget import forget
from ingest.store import Store
from terakoya.errors import BadInput, Busy, NotFound

NOTES = {"a.md": "alpha", "bio/cell.md": "細胞", "bio/deep/gene.md": "遺伝", "biology.md": "other"}


@pytest.fixture
def folder(write, sync) -> Path:
    made: Path = write(NOTES)
    sync(made)
    return made


def sources(store: Store) -> list[str]:
    return [note.source for note in store.notes()]


def rows(store: Store) -> dict[str, int]:
    tables = ("roots", "notes", "chunks", "postings")
    return {table: store.rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def test_a_note_goes_with_all_its_rows_and_its_file_stays(store: Store, folder: Path) -> None:
    before = rows(store)
    gone = forget(store, "a.md")
    assert (gone.sources, gone.folders, gone.on_disk) == (("a.md",), (), ("a.md",))
    assert sources(store) == ["bio/cell.md", "bio/deep/gene.md", "biology.md"]
    assert (folder / "a.md").read_text() == "alpha"
    assert {table for table, count in rows(store).items() if count < before[table]} == {
        "notes",
        "chunks",
        "postings",
    }


def test_a_folder_goes_and_no_name_that_only_begins_like_it(store: Store, folder: Path) -> None:
    assert forget(store, "bio/").sources == ("bio/cell.md", "bio/deep/gene.md")
    assert sources(store) == ["a.md", "biology.md"]


def test_a_root_that_is_gone_from_disk_goes_by_its_path(store: Store, folder: Path) -> None:
    shutil.rmtree(folder)
    gone = forget(store, "somewhere", folder)
    assert (len(gone.sources), gone.folders, gone.on_disk) == (4, (str(folder),), ())
    assert set(rows(store).values()) == {0}


def test_a_root_goes_with_its_last_note(store: Store, folder: Path) -> None:
    forget(store, "bio")
    forget(store, "biology.md")
    assert forget(store, "a.md").folders == (str(folder),)
    assert rows(store)["roots"] == 0


def test_a_path_below_a_root_names_what_is_below_it(store: Store, folder: Path) -> None:
    assert forget(store, "x", folder / "bio" / "deep").sources == ("bio/deep/gene.md",)
    assert forget(store, "x", folder / "a.md").sources == ("a.md",)


def test_the_folder_above_a_root_names_nothing(store: Store, folder: Path) -> None:
    with pytest.raises(NotFound, match=str(folder)):
        forget(store, "x", folder.parent)
    assert len(sources(store)) == 4


def test_of_several_roots_one_goes_and_the_others_stay(
    store: Store, folder: Path, write, sync, tmp_path: Path
) -> None:
    sync(write({"a.md": "another"}, tmp_path / "other"))
    assert forget(store, "other").folders == (str(tmp_path / "other"),)
    assert sources(store) == sorted(NOTES)


def test_a_source_is_preferred_to_a_path(store: Store, folder: Path) -> None:
    assert forget(store, "a.md", folder).sources == ("a.md",)


def test_a_dry_run_tells_the_same_and_keeps_all(store: Store, folder: Path) -> None:
    told = forget(store, "bio", dry_run=True)
    assert sources(store) == sorted(NOTES)
    assert forget(store, "bio") == told


def test_a_forgotten_note_comes_back_with_the_next_ingest(store: Store, folder: Path, sync) -> None:
    forget(store, "bio")
    assert sync(folder).added == ["bio/cell.md", "bio/deep/gene.md"]


def test_the_member_of_an_archive_is_on_disk_as_long_as_the_archive_is(
    store: Store, notes: Path, write, sync, tmp_path: Path
) -> None:
    write({"in.md": "alpha"}, tmp_path / "packed")
    write({"a.md": "beta"})
    shutil.make_archive(str(notes / "week"), "zip", tmp_path / "packed")
    sync(notes)
    assert forget(store, "week.zip", dry_run=True).on_disk == ("week.zip/in.md",)
    (notes / "week.zip").unlink()
    assert forget(store, "week.zip").on_disk == ()


@pytest.mark.parametrize("name", ["none.md", "%", "a_md", "'; DROP TABLE notes; --", "🙂", "A.MD"])
def test_what_is_not_there_is_not_found_and_nothing_goes(store: Store, folder: Path, name: str) -> None:
    with pytest.raises(NotFound):
        forget(store, name)
    assert len(sources(store)) == 4


@pytest.mark.parametrize("name", ["", "/", "//"])
def test_nothing_is_no_name(store: Store, folder: Path, name: str) -> None:
    with pytest.raises(BadInput) as refused:
        forget(store, name, folder)
    assert refused.value.key == "forget_nothing"
    assert len(sources(store)) == 4


def test_nothing_goes_while_an_ingest_is_under_way(store: Store, folder: Path) -> None:
    with store.ingesting, pytest.raises(Busy):
        forget(store, "a.md")
    assert len(sources(store)) == 4
