import subprocess
from pathlib import Path

import pytest

from app import codebase
from app.codebase import file_digest, sources_digest, versions


def test_a_model_s_digest_follows_its_content_and_size(tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    content = bytearray(20 * 2**20)
    model.write_bytes(content)
    before = file_digest(model)
    model.touch()
    assert file_digest(model) == before
    content[-1] = 1
    model.write_bytes(content)
    changed = file_digest(model)
    model.write_bytes(content + b"\0")
    assert len({before, changed, file_digest(model)}) == 3


def test_a_folder_s_digest_follows_its_files(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    before = file_digest(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    assert file_digest(tmp_path) != before


def test_a_name_that_is_no_file_has_no_digest(tmp_path: Path) -> None:
    assert file_digest(tmp_path / "all-MiniLM-L6-v2") == ""


def test_the_code_s_digest_is_of_the_packages_named() -> None:
    assert sources_digest(("terakoya",)) == sources_digest(("terakoya",))
    assert sources_digest(("terakoya",)) != sources_digest(("terakoya", "evals"))


def test_a_distribution_that_is_not_installed_has_no_version() -> None:
    assert versions(["no-such-distribution"]) == ["no-such-distribution "]


def test_the_commit_says_whether_files_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "terakoya"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.setattr(codebase, "_folder", lambda name: package)
    assert codebase.commit() == ""
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "-qm", "first"],
    ):
        subprocess.run(["git", "-C", tmp_path, *command], check=True, capture_output=True)
    clean = codebase.commit()
    assert len(clean) == 12
    (package / "__init__.py").write_text("x = 1\n")
    assert codebase.commit() == f"{clean}+"
