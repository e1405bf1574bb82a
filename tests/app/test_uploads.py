"""What was uploaded is kept as long as it is a note, and goes when it is forgotten."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.installation import Installation
from app.settings import Settings
from app.wiring import open_installation
from terakoya.api import ForgetRequest, IngestReport
from terakoya.errors import BadInput

BINARY = bytes(range(256)) * 40


@pytest.fixture
def installation(home: Path) -> Iterator[Installation]:
    opened = open_installation(Settings(home=home, embedder="none"), write=True)
    yield opened
    opened.close()


def upload(installation: Installation, **files: bytes) -> IngestReport:
    folder = installation.settings.uploads_path
    folder.mkdir(exist_ok=True)
    saved = []
    for name, content in files.items():
        saved.append(folder / name.replace("_", "."))
        saved[-1].write_bytes(content)
    return installation.ingest_uploads(saved)


def kept(installation: Installation) -> list[str]:
    return sorted(path.name for path in installation.settings.uploads_path.iterdir())


def zipped(**members: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return made.getvalue()


def test_a_file_that_cannot_be_read_is_told_and_not_kept(installation: Installation) -> None:
    report = upload(installation, good_md=b"# Good\n\ntext\n", bad_md=BINARY)
    assert (report.added, [problem.path for problem in report.problems]) == (["good.md"], ["bad.md"])
    assert report.dropped == ["bad.md"]
    assert kept(installation) == ["good.md"]


def test_where_nothing_can_be_read_nothing_is_kept(installation: Installation) -> None:
    assert upload(installation, bad_md=BINARY).dropped == ["bad.md"]
    with pytest.raises(BadInput):
        upload(installation, torn_zip=b"PK")
    assert kept(installation) == []


def test_an_archive_is_kept_for_the_notes_that_can_be_read(installation: Installation) -> None:
    report = upload(installation, week_zip=zipped(a_md=b"alpha", b_md=BINARY))
    assert (report.added, [problem.path for problem in report.problems]) == (
        ["week.zip/a.md"],
        ["week.zip/b.md"],
    )
    assert (report.dropped, kept(installation)) == ([], ["week.zip"])


def test_a_report_tells_of_no_problem_of_an_earlier_upload(
    installation: Installation, tmp_path: Path
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("alpha")
    installation.ingest([tmp_path / "notes"])  # sources of uploads begin with the folder's name now
    upload(installation, week_zip=zipped(a_md=b"alpha", b_md=BINARY))
    report = upload(installation, new_md=b"beta")
    assert (report.added, report.problems) == (["uploads/new.md"], [])
    assert [problem.path for problem in upload(installation, torn_pdf=b"%PDF").problems] == [
        "uploads/torn.pdf"
    ]


def test_an_uploaded_note_that_is_forgotten_does_not_come_back(
    installation: Installation, tmp_path: Path
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("alpha")
    installation.ingest([tmp_path / "notes"])
    upload(installation, gone_md=b"gamma", stays_md=b"delta")
    assert [note.upload for note in installation.notes()] == ["", "uploads/gone.md", "uploads/stays.md"]
    assert installation.forget(ForgetRequest(source="uploads/gone.md", dry_run=True)).on_disk == []
    assert kept(installation) == ["gone.md", "stays.md"]
    assert installation.forget(ForgetRequest(source="uploads/gone.md")).on_disk == []
    assert kept(installation) == ["stays.md"]
    assert upload(installation, more_md=b"epsilon").added == ["uploads/more.md"]
    assert installation.forget(ForgetRequest(source="notes/a.md")).on_disk == ["notes/a.md"]
    assert (tmp_path / "notes" / "a.md").exists()


def test_an_uploaded_archive_goes_with_the_last_of_its_notes(installation: Installation) -> None:
    upload(installation, week_zip=zipped(a_md=b"alpha", b_md=b"beta"))
    assert [note.upload for note in installation.notes()] == ["week.zip", "week.zip"]
    assert installation.forget(ForgetRequest(source="week.zip/a.md")).on_disk == ["week.zip/a.md"]
    assert kept(installation) == ["week.zip"]
    assert installation.forget(ForgetRequest(source="week.zip")).on_disk == []
    assert kept(installation) == []


def test_uploads_of_a_home_that_was_moved_are_not_taken_in_twice(
    installation: Installation, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("alpha")
    installation.ingest([tmp_path / "notes"])
    upload(installation, first_md=b"beta", week_zip=zipped(in_md=b"gamma"))
    installation.close()
    home.rename(tmp_path / "moved")
    moved = open_installation(Settings(home=tmp_path / "moved", embedder="none"), write=True)
    try:
        assert [note.upload for note in moved.notes()] == ["", "uploads/first.md", "uploads/week.zip"]
        report = upload(moved, second_md=b"delta")
        assert (report.added, report.unchanged) == (["uploads/second.md"], 2)
    finally:
        moved.close()


def test_a_folder_that_only_has_the_name_of_the_uploads_stays_where_it_is(
    installation: Installation, home: Path, tmp_path: Path
) -> None:
    own = tmp_path / "uploads"
    own.mkdir()
    (own / "a.md").write_text("alpha")
    installation.ingest([own])
    (home / "uploads").mkdir()
    (home / "uploads" / "a.md").write_text("another text of this name")
    installation.close()
    again = open_installation(Settings(home=home, embedder="none"), write=True)
    try:
        assert [note.upload for note in again.notes()] == [""]
    finally:
        again.close()
