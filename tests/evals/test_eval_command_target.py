"""Commands as targets: real programs that speak the lines, and some that do not."""

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evals import Suite, run_suite
from evals.targets import CommandTarget
from terakoya.errors import BadInput, TargetLost, TerakoyaError, Unavailable

ECHO = """
import json, sys
for line in sys.stdin:
    reply = {"question": line.strip(), "answer": "said " + line.strip(), "answered": True, "extra": 1,
             "citations": [{"source": "db.md", "start_line": 3, "end_line": 3, "quote": "An index"}],
             "usage": {"input": 7}, "logprobs": [-0.5, 0]}
    print(json.dumps(reply), flush=True)
"""
SEARCH = """
import json, sys
for line in sys.stdin:
    hits = [{"source": f"{n}.md", "start_line": n, "end_line": n + 1} for n in (1, 2, 3)]
    print(json.dumps({"query": line.strip(), "hits": hits}), flush=True)
"""


def answering(body: str) -> str:
    """A program that does `body` with each `line`, `say` being a way to write an object."""
    lines = "\n".join(f"    {each}" for each in body.strip().splitlines())
    return f"""
import json, os, sys, time
def say(value): print(json.dumps(value), flush=True)
for line in sys.stdin:
    line = line.strip()
{lines}
"""


Make = Callable[..., CommandTarget]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[CommandTarget] = []

    def go(program: str, *arguments: str, **options: object) -> CommandTarget:
        path = tmp_path / "a program.py"
        path.write_text(program)
        command = shlex.join([sys.executable, str(path), *arguments])
        target = CommandTarget(command, notes=tmp_path / "my notes", **{"timeout": 60.0, **options})  # type: ignore[arg-type]
        made.append(target)
        return target

    yield go
    for target in made:
        target.close()


def test_a_command_answers_line_by_line(make: Make) -> None:
    target = make(ECHO)
    first, second = target.ask("What is\nan index?"), target.ask("ビューとは")
    assert (first.answer, second.answer) == ("said What is an index?", "said ビューとは")
    assert (first.citations[0].source, first.citations[0].start_line) == ("db.md", 3)
    assert first.usage == {"input": 7}
    assert first.log_probabilities == (-0.5, 0.0)


def test_a_command_that_searches_gives_hits_in_its_order(make: Make) -> None:
    ranking = make(SEARCH, part="search").search("q", k=2)
    assert [(h.passage.source, h.passage.start_line) for h in ranking.hits] == [("1.md", 1), ("2.md", 2)]
    assert ranking.hits[0].score > ranking.hits[1].score


def test_the_note_folder_is_filled_in_and_no_shell_is_run(make: Make, tmp_path: Path) -> None:
    program = answering("say({'answer': ' '.join(sys.argv[1:]), 'answered': True})")
    said = make(program, "{notes}", "$HOME", ";", "a b").ask("q").answer
    assert said == f"{tmp_path / 'my notes'} $HOME ; a b"


def test_a_suite_runs_against_a_command(make: Make, suite: Suite) -> None:
    report = run_suite(suite, make(ECHO))
    assert report.total("failures").value == 0.0
    assert report.total("citation_validity").value == 1.0
    assert report.total("tokens_in").value == 7.0
    assert report.total("recall@5").value is None


ENDING = answering(
    """
if line == 'last':
    print('out of memory', file=sys.stderr)
    sys.exit(7)
say({'answer': line, 'answered': True})
"""
)


def test_a_command_that_ends_is_one_error_with_its_last_words(make: Make) -> None:
    target = make(ENDING)
    assert target.ask("first").answer == "first"
    with pytest.raises(TargetLost, match=r"exit code 7.*out of memory") as caught:
        target.ask("last")
    assert caught.value.exit_code == 3


def test_a_run_ends_with_the_command(make: Make, suite: Suite) -> None:
    with pytest.raises(TargetLost, match="exit code 3"):
        run_suite(suite, make("import sys; sys.stdin.readline(); sys.exit(3)"))


def test_a_command_that_is_killed_says_by_what(make: Make) -> None:
    with pytest.raises(TargetLost, match="SIGKILL"):
        make(answering("os.kill(os.getpid(), 9)")).ask("q")


SLOW = answering(
    """
if line == 'slow':
    time.sleep(600)
say({'answer': str(os.getpid()), 'answered': True})
"""
)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (OSError, ProcessLookupError):
        return not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_question_that_takes_too_long_fails_alone(make: Make) -> None:
    target = make(SLOW, timeout=5.0)
    first = int(target.ask("q").answer)
    with pytest.raises(Unavailable, match="within 5 s") as caught:
        target.ask("slow")
    assert not isinstance(caught.value, TargetLost)
    assert gone(first)
    assert int(target.ask("q").answer) != first


def test_closing_ends_the_command_and_what_it_started(make: Make) -> None:
    program = """
import json, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
for line in sys.stdin:
    print(json.dumps({"answer": str(child.pid), "answered": True}), flush=True)
"""
    target = make(program)
    child = int(target.ask("q").answer)
    target.close()
    deadline = time.monotonic() + 30
    while not gone(child) and time.monotonic() < deadline:
        time.sleep(0.02)  # until init has buried it
    assert gone(child)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("print('Loading ...', flush=True)", "'Loading ...'"),
        ("say([1])", "not an object"),
        ("say({'answer': 'x'})", "no key `answered`"),
        ("say({'answer': 'x', 'answered': None})", "no key `answered`"),
        ("say({'answer': 'x', 'answered': True, 'citations': [{'source': 'a'}]})", "start_line"),
        ("say({'question': 'another', 'answer': 'x', 'answered': True})", "'another' where it was asked 'q'"),
    ],
)
def test_a_command_that_does_not_speak_the_lines_is_one_error(make: Make, body: str, said: str) -> None:
    with pytest.raises(TargetLost, match=said):
        make(answering(body)).ask("q")


def test_a_command_that_writes_more_lines_than_it_is_asked_is_found_out(make: Make) -> None:
    target = make(answering("for _ in range(2): say({'answer': line, 'answered': True})"))

    def ask_on() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:  # as soon as a line too many has arrived in time
            target.ask("q")
            time.sleep(0.001)

    with pytest.raises(TargetLost, match="before a question"):
        ask_on()


def test_a_command_that_never_stops_writing_is_ended(make: Make) -> None:
    target = make("while True: print('{}', flush=True)")
    with pytest.raises(TargetLost):
        target.ask("q")
    target.close()


def test_a_command_may_fail_a_question_alone(make: Make) -> None:
    target = make(
        answering("say({'error': 'no such page'} if line == 'bad' else {'answer': 'x', 'answered': False})")
    )
    with pytest.raises(Unavailable, match="no such page") as caught:
        target.ask("bad")
    assert not isinstance(caught.value, TargetLost)
    assert target.ask("good").answered is False


def test_a_conversation_is_no_question_for_a_command(make: Make) -> None:
    with pytest.raises(BadInput, match="one question a line"):
        make(ECHO).ask("And when?", earlier=("Who?",))


@pytest.mark.parametrize("command", ["", "  ", "no-such-program-of-anyone", "'unbalanced"])
def test_what_is_no_command_is_one_sentence(tmp_path: Path, command: str) -> None:
    with pytest.raises(TerakoyaError, match="cannot be started"):
        CommandTarget(command, notes=tmp_path).ask("q")
