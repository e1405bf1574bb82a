"""Streams as they come: closed, full, or left by whoever read them."""

import shlex
import subprocess
import sys

import pytest
from fakes import WORDS
from running import FAKES, clean_environment


def shell(home, line, stdin=""):
    """Runs `line` in a shell, in which `terakoya` is the command line over the installation in memory."""
    command = shlex.join([sys.executable, str(FAKES), "cli", "--home", str(home)])
    return subprocess.run(
        ["bash", "-c", line.replace("terakoya", command)],
        env=clean_environment(),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_stdin_that_is_closed_is_one_without_a_line(home):
    asked = shell(home, "terakoya ask x <&-")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.startswith("".join(WORDS))
    assert shell(home, "terakoya chat <&-").returncode == 0
    assert shell(home, "terakoya ask --batch - <&-").stdout == ""


@pytest.mark.parametrize("command", ["ask x", "ask x --json", "notes"])
def test_output_that_finds_no_room_is_told_in_a_sentence(home, command):
    done = shell(home, f"terakoya {command} > /dev/full")
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith("terakoya: The disk is full: not all")
    assert "Traceback" not in done.stderr


def test_a_conversation_that_nobody_reads_any_more_ends(processes, home):
    chatting = processes.start(FAKES, "cli", "--home", home, "chat")
    chatting.stdin.write("one\n")
    chatting.stdin.flush()
    chatting.stdout.readline()
    chatting.stdout.close()
    chatting.stdin.write("two\nthree\n")
    chatting.stdin.close()
    assert chatting.wait(30) == 141
    assert chatting.stderr.read() == ""
