"""Backup and restore: one file, while the service runs; whole, or nothing changed."""

import contextlib
import json
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from running import clean_environment, until

from app.installation import Installation
from app.restoring import KEPT, finish_restore, restore
from app.settings import RESTORE_JOURNAL, Settings, load_settings
from app.tracing import read_trace
from app.wiring import open_installation
from terakoya.client import ServiceClient
from terakoya.errors import BadInput, Busy, TerakoyaError

QUESTION = "光合成を行うのは?"
OWN = {"tuned.toml": "# evidence\n", "mcp.json": '{"mcpServers": {}}', "prompts/kept.txt": "later\n"}
"""Other files in which a person, or `eval tune`, sets something."""


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in os.environ:
        if name.startswith(("TERAKOYA_", "LANGFUSE_")):
            monkeypatch.delenv(name)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "cell.md").write_text("# 細胞\n\n- 葉緑体: 光合成を行う細胞小器官\n", encoding="utf-8")
    return folder


def opened(home: Path) -> Installation:
    return open_installation(Settings(home=home, embedder="none"), write=True)


@pytest.fixture
def trace_id(home: Path, notes: Path) -> str:
    """A home with a note, a conversation, a thumb, an upload and settings; the id of its one trace."""
    installation = opened(home)
    try:
        installation.ingest([notes])
        outcome = installation.ask(QUESTION, thread_id="t-1")
    finally:
        installation.close()
    (home / "uploads" / "下").mkdir(parents=True)
    (home / "uploads" / "下" / "メモ.md").write_text("# メモ\n", encoding="utf-8")
    (home / "terakoya.toml").write_text('embedder = "none"\npassages = 3\n')
    (home / "prompts").mkdir()
    for name, content in OWN.items():
        (home / name).write_text(content)
    (home / "logs").mkdir()
    (home / "logs" / "service.log").write_text("a log\n")
    return outcome.trace_id


@pytest.fixture
def made(home: Path, trace_id: str, tmp_path: Path) -> Path:
    path = tmp_path / "kept.backup"
    installation = opened(home)
    try:
        installation.backup(path)
    finally:
        installation.close()
    return path


def assert_is_what_it_was(home: Path, trace_id: str) -> None:
    settings = load_settings(home)
    assert settings.passages == 3
    installation = open_installation(settings, write=True)
    try:
        assert [note.source for note in installation.notes()] == ["cell.md"]
        assert [turn.question for turn in installation.thread("t-1").turns] == [QUESTION]
        assert "葉緑体" in installation.ask(QUESTION).answer
    finally:
        installation.close()
    assert {name: (home / name).read_text() for name in OWN} == OWN
    assert read_trace(home / "traces", trace_id)
    assert (home / "uploads" / "下" / "メモ.md").read_text(encoding="utf-8") == "# メモ\n"


def state(home: Path) -> dict[str, bytes]:
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.name not in ("service.lock",)
    }


def test_a_backup_brings_everything_back_into_an_empty_home(
    made: Path, trace_id: str, tmp_path: Path
) -> None:
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    other = tmp_path / "other"
    backup, before = restore(other, made)
    assert (backup.files, before) == (8, None)
    assert_is_what_it_was(other, trace_id)
    assert not (other / "logs").exists()
    assert stat.S_IMODE(other.stat().st_mode) == 0o700
    for path in other.rglob("*.sqlite"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_there_is_replaced_and_put_aside(made: Path, home: Path, trace_id: str, notes: Path) -> None:
    (notes / "later.md").write_text("# Later\n\nLater words.\n")
    installation = opened(home)
    installation.ingest([notes])
    installation.close()
    (home / "uploads" / "later.md").write_text("later")
    (home / "terakoya.toml").write_text("this is no TOML")
    _, before = restore(home, made)
    assert_is_what_it_was(home, trace_id)
    assert not (home / "uploads" / "later.md").exists()
    assert (home / "logs" / "service.log").exists(), "what no backup holds stays"
    assert before
    assert (before / "uploads" / "later.md").read_text() == "later"
    assert not list(home.glob(".restore-*"))
    assert not (home / RESTORE_JOURNAL).exists()


def test_a_backup_replaces_nothing_and_leaves_nothing_behind_where_it_fails(
    made: Path, home: Path, tmp_path: Path
) -> None:
    before = made.read_bytes()
    installation = opened(home)
    try:
        with pytest.raises(BadInput, match=r"kept\.backup"):
            installation.backup(made)
        with pytest.raises(BadInput):
            installation.backup(tmp_path / "nowhere" / "b")
        with pytest.raises(BadInput):
            installation.backup(Path("relative"))
    finally:
        installation.close()
    assert made.read_bytes() == before
    assert not list(home.glob(".backup-*"))
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".kept")]


def damaged(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    match how:
        case "cut":
            path.write_bytes(content[: len(content) // 2])
        case "empty":
            path.write_bytes(b"")
        case "other":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("hello.txt", "hello")
        case "flipped":
            with zipfile.ZipFile(path) as archive:
                info = archive.getinfo("terakoya.duckdb")
            at = info.header_offset + info.compress_size // 2
            content[at] ^= 0xFF
            path.write_bytes(content)
        case _:
            rewritten(path, how)


def rewritten(path: Path, how: str) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest: dict[str, Any] = json.loads(members["manifest.json"])
    known = manifest["files"]["terakoya.toml"]
    match how:
        case "changed":
            members["terakoya.toml"] = members["terakoya.toml"].replace(b"3", b"4")
        case "later":
            manifest["format"] = 2
        case "missing":
            del members["threads.sqlite"]
        case "bomb":
            members["terakoya.toml"] = b"#" * 10_000_000
        case name:
            manifest["files"][name] = known
            members[name] = members["terakoya.toml"]
    members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


DAMAGES = ["cut", "empty", "other", "flipped", "changed", "later", "missing", "bomb"]
NAMES = ["../outside", "/etc/outside", "traces/../../outside", "service.json", "traces\\x", "uploads//x"]


@pytest.mark.parametrize("how", [*DAMAGES, *NAMES])
def test_a_damaged_backup_changes_nothing(made: Path, home: Path, how: str, tmp_path: Path) -> None:
    damaged(made, how)
    before = state(home)
    with pytest.raises(BadInput):
        restore(home, made)
    assert state(home) == before
    assert not list(home.glob(".restore-*"))
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize("crash", range(1, 12))
def test_a_crash_at_any_step_leaves_all_of_the_old_or_becomes_all_of_the_new(
    made: Path, home: Path, trace_id: str, notes: Path, monkeypatch: pytest.MonkeyPatch, crash: int
) -> None:
    (notes / "later.md").write_text("# Later\n\nLater words.\n")
    installation = opened(home)
    installation.ingest([notes])
    installation.close()
    steps = 0

    class Crash(BaseException):
        """The process is gone."""

    for name in ("rename", "replace", "unlink"):
        real = getattr(Path, name)

        def step(self: Path, *args: Any, real: Any = real, **kw: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps == crash:
                raise Crash
            return real(self, *args, **kw)

        monkeypatch.setattr(Path, name, step)
    with contextlib.suppress(Crash):
        restore(home, made)
    monkeypatch.undo()
    if (home / RESTORE_JOURNAL).exists():
        settings = load_settings(home)  # as every command does first
        assert not (home / RESTORE_JOURNAL).exists()
        assert settings.passages == 3
    installation = open_installation(Settings(home=home, embedder="none"), write=True)
    sources = [note.source for note in installation.notes()]
    installation.close()
    assert sources in (["cell.md"], ["cell.md", "later.md"])
    if sources == ["cell.md"]:
        assert_is_what_it_was(home, trace_id)
        assert len(list(home.glob(f"{KEPT}*"))) == 1


def test_a_home_whose_store_is_in_use_is_not_restored(made: Path, home: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from ingest.store import Store
store = Store(Path({str(home / "terakoya.duckdb")!r}), read_only=True)
print("open", flush=True)
sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment()
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == b"open\n"
        before = state(home)
        with pytest.raises(Busy):
            restore(home, made)
        assert state(home) == before
    finally:
        process.kill()
        process.communicate()


def cli(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli.program", "--home", str(home), *arguments],
        env=clean_environment(TERAKOYA_EMBEDDER="none", **environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_while_the_service_answers_a_backup_is_whole_and_a_restore_is_refused(
    home: Path, trace_id: str, tmp_path: Path, processes: Any
) -> None:
    service = processes.start(
        "-m", "app.cli.program", "--home", home, "serve", "--port", "0", TERAKOYA_EMBEDDER="none"
    )
    client = until(lambda: ServiceClient.discover(home) if service.poll() is None else pytest.fail("ended"))
    stop = threading.Event()
    asked = []

    def ask() -> None:
        while not stop.is_set():
            asked.append(client.answer(QUESTION, effort="fast", thread_id=None).trace_id)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        until(lambda: asked)
        paths = [tmp_path / f"{n}.backup" for n in range(2)]
        for path in paths:
            done = cli(home, "--json", "backup", str(path))
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["files"] >= 5
        refused = cli(home, "restore", str(paths[0]))
        assert refused.returncode == 3
        assert "Stop it" in refused.stderr
    finally:
        stop.set()
        thread.join()
    for n, path in enumerate(paths):
        other = tmp_path / f"other-{n}"
        assert cli(other, "restore", str(path)).returncode == 0
        assert_is_what_it_was(other, trace_id)
        assert sqlite3.connect(other / "threads.sqlite").execute("PRAGMA integrity_check").fetchone() == (
            "ok",
        )


def test_the_command_line_speaks_japanese_and_says_where_the_old_state_is(
    made: Path, home: Path, tmp_path: Path
) -> None:
    done = cli(home, "restore", str(made), TERAKOYA_LANGUAGE="ja")
    assert done.returncode == 0, done.stderr
    assert "復元しました" in done.stdout
    assert KEPT in done.stderr
    missing = cli(home, "restore", str(tmp_path / "none"), TERAKOYA_LANGUAGE="ja")
    assert missing.returncode == 2
    assert "none" in missing.stderr


def test_a_full_disk_is_told_before_anything_changes(
    made: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(home)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    before = state(home)
    with pytest.raises(TerakoyaError, match="MiB"):
        restore(home, made)
    assert state(home) == before


def test_without_a_journal_nothing_is_finished(home: Path) -> None:
    home.mkdir()
    finish_restore(home)
    assert list(home.iterdir()) == []
