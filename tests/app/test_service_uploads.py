import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.service.uploads import MAX_FILES, safe_name, save
from terakoya.errors import BadInput


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("../../etc/passwd.md", "passwd.md"),
        ("..\\..\\windows.txt", "windows.txt"),
        ("/root/.ssh/notes.md", "notes.md"),
        ("a\u202emd.exe.md", "amd.exe.md"),
        ("か\u3099.md", "が.md"),
        ("tab\there.markdown", "tabhere.markdown"),
        ("x" * 400 + ".md", "x" * 177 + ".md"),
    ],
)
def test_an_upload_keeps_its_name_without_folders_and_controls(given_name, name):
    assert safe_name(given_name) == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".md", ".hidden.md", "a.exe", "md", "a.md/", "CON.md", " .md", "a.md.", "\0.md"]
)
def test_a_name_that_is_nothing_hidden_or_no_note_is_refused(name):
    with pytest.raises(BadInput):
        safe_name(name)


@given(st.text(max_size=300), st.sampled_from([".md", ".TXT", ".markdown"]))
def test_a_safe_name_stays_in_its_folder(stem, suffix):
    try:
        name = safe_name(stem + suffix)
    except BadInput:
        return
    assert "/" not in name
    assert "\\" not in name
    assert not name.startswith(".")
    assert "\0" not in name
    assert len(name.encode()) <= 180


def test_another_content_under_a_taken_name_gets_a_number_and_the_same_one_does_not(tmp_path):
    def send(content):
        return save(tmp_path, [("a.md", io.BytesIO(content))], max_mb=1)[0].name

    assert [send(b"1"), send(b"2"), send(b"1"), send(b"2"), send(b"3")] == [
        "a.md",
        "a-2.md",
        "a.md",
        "a-2.md",
        "a-3.md",
    ]


def test_a_link_with_the_name_of_an_upload_is_not_followed(tmp_path):
    outside = tmp_path / "outside.md"
    outside.write_bytes(b"1")
    folder = tmp_path / "uploads"
    folder.mkdir()
    (folder / "a.md").symlink_to(outside)
    assert save(folder, [("a.md", io.BytesIO(b"1"))], max_mb=1) == [folder / "a-2.md"]


def test_nothing_is_written_when_one_of_the_files_is_refused(tmp_path):
    folder = tmp_path / "uploads"
    for bad in (("b.exe", b""), ("b.md", b"x" * 2_000_000)):
        with pytest.raises(BadInput):
            save(folder, [("a.md", io.BytesIO(b"1")), (bad[0], io.BytesIO(bad[1]))], max_mb=1)
    assert not folder.exists()


def test_the_number_of_files_is_bounded(tmp_path):
    for count in (0, MAX_FILES + 1):
        with pytest.raises(BadInput):
            save(tmp_path, [("a.md", io.BytesIO(b""))] * count, max_mb=1)
