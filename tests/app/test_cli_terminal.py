import os
import pty
import subprocess
import sys

import pytest
from fakes import WORDS
from running import FAKES, clean_environment

ANSWER = "".join(WORDS)


@pytest.fixture
def watched(home):
    """Runs the command line where a person watches; gives what appeared on the terminal."""

    def run(*arguments, typed="", **environment):
        ours, theirs = pty.openpty()
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
        os.close(ours)
        assert process.wait(30) == 0, seen
        return seen.decode().replace("\r\n", "\n")

    return run


def test_an_answer_grows_and_its_quotes_are_dim(watched):
    seen = watched("ask", "How?")
    assert seen.startswith(f"{ANSWER}\n\n[1] biology/cell.md:12-13")
    assert "\x1b[2m    エンドウの実験。" in seen


def test_who_wants_no_colour_gets_none(watched):
    assert "\x1b" in watched("search", "x")
    assert "\x1b" not in watched("search", "x", NO_COLOR="1")


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


def test_a_conversation_asks_until_it_is_quit(watched):
    seen = watched("chat", typed="How?\n/quit\n")
    assert ANSWER in seen
    assert "/quit ends" in seen
