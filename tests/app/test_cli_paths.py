"""Paths as people mistype them: each costs one sentence that names it."""

import subprocess
import sys

import pytest
from running import FAKES, ROOT, clean_environment

from app.settings import Settings
from app.wiring import open_installation


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["ingest", "~nobody-of-that-name/notes"], "no user of this machine"),
        (["backup", "~nobody-of-that-name/file"], "no user of this machine"),
        (["--home", "~nobody-of-that-name", "notes"], "no user of this machine"),
        (["ingest", "a" * 300], "a: File name too long."),
        (["ingest", ""], "`PATH` cannot be ''"),
        (["--home", "", "notes"], "`--home` cannot be ''"),
        (["search", "--like", "note.md:" + "9" * 5000], "There is no note"),
    ],
)
def test_a_path_that_cannot_be_one_is_told(terakoya, arguments, told):
    done = terakoya(*arguments, home_first="--home" not in arguments)
    assert (done.returncode, told in done.err.replace("a` cannot be used", "a"), done.out) == (2, True, "")
    assert len(done.err.splitlines()) == 1
    japanese = terakoya(*arguments, home_first="--home" not in arguments, TERAKOYA_LANGUAGE="ja")
    assert japanese.err.endswith("。\n")


def test_a_folder_that_is_gone_is_told_to_whoever_stands_in_it(home, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    program = (
        "import os, subprocess, sys; os.rmdir(os.getcwd()); sys.exit(subprocess.run(sys.argv[1:]).returncode)"
    )
    command = [sys.executable, str(FAKES), "cli", "--home", str(home), "ingest", "notes"]
    done = subprocess.run(
        [sys.executable, "-c", program, *command],
        cwd=gone,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        2,
        "terakoya: The folder that you are in does not exist any more. "
        "Go to another one and run the command again.\n",
    )


def test_a_name_over_several_lines_stands_on_one(terakoya):
    told = terakoya("ask", "source:a.md\n[2] never-there.md").out.splitlines()
    assert [line for line in told if "never-there" in line] == [
        "[1] a.md [2] never-there.md:12-13  Biology > 遺伝"
    ]


def test_conversations_that_are_no_database_are_told(home):
    open_installation(Settings(home=home, embedder="none"), write=True).close()
    (home / "threads.sqlite").write_text("no database")
    done = subprocess.run(
        [sys.executable, "-m", "app.cli.program", "--home", str(home), "memory"],
        env=clean_environment(TERAKOYA_EMBEDDER="none"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    file = home / "threads.sqlite"
    assert done.stderr.startswith(f"terakoya: The conversations and facts in `{file}` cannot be read: ")
    assert done.stderr.endswith(f"mv {file} {file}.damaged\n")
