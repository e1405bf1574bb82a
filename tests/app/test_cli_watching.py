"""Watching folders: a change is taken in once it has settled, and what is away is no change."""

import os
from pathlib import Path

import pytest

from app.cli.watching import Watch, look


class Clock:
    """Every look takes as long as `look`."""

    def __init__(self) -> None:
        self.now = 100.0
        self.look = 0.0

    def __call__(self) -> float:
        self.now += self.look / 2
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notes" / "sub").mkdir(parents=True)
    (tmp_path / "notes" / "a.md").write_text("alpha")
    (tmp_path / "notes" / "sub" / "b.txt").write_text("beta")
    return tmp_path / "notes"


def write(file: Path, content: str, *, at: int) -> None:
    file.write_text(content)
    os.utime(file, ns=(at, at))


def test_a_look_sees_what_an_ingest_reads(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "c.md").write_text("hidden")
    (folder / ".d.md").write_text("hidden")
    (folder / "e.log").write_text("no note")
    (folder / "UPPER.MD").write_text("a note")
    (folder / "gone.md").symlink_to(folder / "nothing")
    (folder / "loop").symlink_to(folder)
    names = sorted(Path(name).name for name in look(folder))
    assert names == ["UPPER.MD", "a.md", "b.txt"]
    assert list(look(folder / "a.md")) == [str(folder / "a.md")]
    assert look(folder / "none") == {}


def test_where_nothing_changes_nothing_is_due(folder: Path) -> None:
    watch = Watch([folder])
    assert [watch.due() for _ in range(3)] == [[], [], []]


def test_a_change_is_due_when_two_looks_agree_and_until_it_is_taken(folder: Path) -> None:
    watch = Watch([folder])
    write(folder / "a.md", "changed", at=1)
    assert watch.due() == []
    write(folder / "a.md", "changed again", at=2)
    assert watch.due() == []
    assert watch.due() == [folder]
    assert watch.due() == [folder]
    watch.take()
    assert watch.due() == []


@pytest.mark.parametrize("change", ["new", "rename", "delete", "below"])
def test_every_kind_of_change_is_seen(folder: Path, change: str) -> None:
    watch = Watch([folder])
    match change:
        case "new":
            (folder / "new.md").write_text("x")
        case "rename":
            (folder / "a.md").rename(folder / "z.md")
        case "delete":
            (folder / "a.md").unlink()
        case _:
            write(folder / "sub" / "b.txt", "beta", at=1)
    assert watch.due() == []
    assert watch.due() == [folder]


def test_a_change_while_it_is_taken_in_is_not_lost(folder: Path) -> None:
    watch = Watch([folder])
    write(folder / "a.md", "changed", at=1)
    watch.due()
    assert watch.due() == [folder]
    write(folder / "a.md", "changed while an ingest ran", at=2)
    watch.take()
    assert watch.due() == []
    assert watch.due() == [folder]


def test_a_folder_that_never_settles_is_due_in_the_end(folder: Path) -> None:
    clock = Clock()
    watch = Watch([folder], clock)
    due: list[Path] = []
    for n in range(100):
        write(folder / "a.md", "x" * n, at=n)
        clock.now += 1
        due = watch.due()
        if due:
            break
    assert due == [folder]
    assert 25 <= n <= 40


@pytest.mark.parametrize("how", ["moved away", "emptied"])
def test_a_path_without_notes_is_away_and_nothing_is_due(folder: Path, how: str) -> None:
    watch = Watch([folder])
    folder.rename(folder.with_name("elsewhere"))
    if how == "emptied":  # as a mount point is when its disk is gone
        folder.mkdir()
    assert [watch.due(), watch.due()] == [[], []]
    assert watch.gone() == [folder]
    assert watch.due() == []
    assert watch.gone() == []


def test_what_comes_back_as_it_was_is_not_due_and_what_changed_is(folder: Path) -> None:
    watch = Watch([folder])
    away = folder.rename(folder.with_name("elsewhere"))
    watch.due()
    away.rename(folder)
    assert [watch.due(), watch.due()] == [[], []]
    folder.rename(away)
    watch.due()
    assert watch.gone() == [folder]
    write(away / "a.md", "changed meanwhile", at=1)
    away.rename(folder)
    assert [watch.due(), watch.due()] == [[], [folder]]


def test_of_two_folders_the_one_that_is_there_goes_on(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "c.md").write_text("gamma")
    watch = Watch([folder, other])
    folder.rename(tmp_path / "elsewhere")
    write(other / "c.md", "changed", at=1)
    watch.due()
    assert watch.due() == [other]
    assert watch.gone() == [folder]


def test_looks_that_take_long_come_seldom(folder: Path) -> None:
    clock = Clock()
    watch = Watch([folder], clock)
    clock.look = 0.4
    watch.due()
    assert watch.pause == pytest.approx(20 * clock.look / 2)
    clock.look = 0.0
    watch.due()
    assert watch.pause == 1.0
