import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios

import pytest
from fakes import WORDS
from rich.cells import cell_len
from running import FAKES, clean_environment

ANSWER = "".join(WORDS)


@pytest.fixture
def watched(home):
    """Runs the command line where a person watches; gives what appeared on the terminal.

    `presses` are texts; Ctrl-C is pressed when the next of them has appeared.
    """

    def run(*arguments, typed="", columns=80, code=0, presses=(), **environment):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        wanted = list(presses)
        process = subprocess.Popen(
            [sys.executable, str(FAKES), "cli", "--home", str(home), *arguments],
            env=clean_environment(TERM="xterm-256color", **environment),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        os.write(ours, typed.encode())
        seen = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # how Linux tells that the other side is closed
                break
            if not piece:
                break
            seen += piece
            if wanted and wanted[0].encode() in seen:
                wanted.pop(0)
                process.send_signal(signal.SIGINT)
        os.close(ours)
        assert process.wait(30) == code, seen
        return seen.decode().replace("\r\n", "\n")

    return run


def test_an_answer_grows_and_its_quotes_are_dim(watched):
    seen = watched("ask", "How?")
    assert seen.startswith(f"{ANSWER}\n\n[1] biology/cell.md:12-13")
    assert "\x1b[2m    エンドウの実験。" in seen


def test_who_wants_no_colour_gets_none(watched):
    assert "\x1b" in watched("search", "x")
    assert "\x1b" not in watched("search", "x", NO_COLOR="1")


def test_matched_terms_stand_out_in_the_passage(watched):
    seen = watched("search", "x", "-k", "1")
    assert seen.count("\x1b[1;33mMendel\x1b[0m") == 1
    assert "100 %" not in seen
    plain = re.sub(r"\x1b\[[0-9;]*m", "", seen)
    assert "     エンドウの実験。\n     Mendel grew peas [1].\n" in plain


def test_an_answer_that_a_check_changed_is_shown_as_changed(watched):
    seen = watched("ask", "replace", NO_COLOR="1")
    assert seen.index(ANSWER) < seen.index("changed after checking") < seen.index("Something else [1]")
    assert seen.count("Something else [1]") == 1


def test_json_is_the_same_where_a_person_watches(watched):
    assert watched("ask", "How?", "--json").startswith('{"question": "How?", ')


def test_an_ingest_shows_its_progress_and_then_what_it_did(watched, tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    for n in range(3):
        (folder / f"{n}.md").write_text("x")
    seen = watched("ingest", str(folder))
    assert "3/3" in seen
    assert "3 added, 0 changed" in seen


@pytest.mark.parametrize("columns", [30, 50, 80, 120])
def test_the_bar_stays_on_its_line_and_names_steer_nothing(watched, tmp_path, columns):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / ("とても長い名前のノート" * 5 + "\x1b[31m\n🙂.md")).write_text("x")
    seen = watched("ingest", str(folder), columns=columns, TERAKOYA_LANGUAGE="ja")
    shown = seen.partition("追加 1")[0]
    assert "1/1" in shown
    assert "\x1b[31m" not in seen
    frames = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown))
    assert max(map(cell_len, frames)) < columns


@pytest.mark.parametrize("served", [False, True])
def test_ctrl_c_is_answered_at_once_and_a_second_one_does_not_wait(watched, tmp_path, served, request):
    if served:
        request.getfixturevalue("own_service")
    folder = tmp_path / "deaf"
    folder.mkdir()
    (folder / "a.md").write_text("x")
    seen = watched("ingest", str(folder), code=130, presses=["1/1", "Stopping; "])
    assert "added" not in seen
    assert "Traceback" not in seen
    (folder / "open").touch()


def test_the_list_of_notes_is_as_wide_as_the_terminal(watched):
    lines = watched("notes", NO_COLOR="1", TERAKOYA_LANGUAGE="ja").splitlines()
    assert lines[0].split() == ["ノート", "題名", "言語", "文字コード", "箇所"]
    assert lines[1].split() == ["biology/cell.md", "細胞", "ja", "utf-8", "3"]


def test_a_note_has_line_numbers_where_a_person_reads_it(watched):
    assert watched("notes", "show", "biology/cell.md").startswith("1  エンドウの実験。\n2  Mendel")


def test_a_conversation_asks_until_it_is_quit(watched):
    seen = watched("chat", typed="How?\n/quit\n")
    assert ANSWER in seen
    assert "/quit ends" in seen
