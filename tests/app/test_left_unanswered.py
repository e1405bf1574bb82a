"""Questions whose process was killed: gone on with once, or dropped."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from slow_answers import PEAS, Waiting, ask, asker_over

from app.asking import Asker
from app.threads import Threads
from terakoya.errors import NotFound
from workflows.testing import ScriptedRetriever


@pytest.fixture
def threads(tmp_path: Path, server: str) -> Iterator[Threads]:
    opened = Threads(tmp_path / "threads.sqlite", server=server)
    yield opened
    opened.close()


@pytest.fixture
def asker(threads: Threads) -> Callable[..., Asker]:
    return partial(asker_over, threads)


DYING = """
import os, signal, sys
from pathlib import Path
from slow_answers import PEAS, asker_over
from app.threads import Threads
from workflows.testing import ScriptedRetriever

class Dying:
    name = "dying"
    def answer(self, question, passages, **given):
        os.kill(os.getpid(), signal.SIGKILL)

asking = asker_over(Threads(Path(sys.argv[1]), server=sys.argv[3]), Dying(), retriever=ScriptedRetriever(known=[PEAS]))
place = asking.line_up("What did Mendel grow?", thread_id="t", effort=sys.argv[2])
asking.line_up("And when?", thread_id="t", effort="fast")
asking.ask(place, listen=lambda kind, data: None)
"""


@pytest.fixture
def killed(tmp_path: Path, server: str) -> Callable[[str], None]:
    """Asks two questions in the thread `t` with an effort, and dies while the first is answered."""

    def die(effort: str) -> None:
        done = subprocess.run(
            [sys.executable, "-c", DYING, str(tmp_path / "threads.sqlite"), effort, server],
            cwd=Path(__file__).parent,
            check=False,
            capture_output=True,
            timeout=120,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr

    return die


def go_on(asker: Asker, threads: Threads) -> Any:
    return asker.ask(asker.adopt(threads.open_questions.left("t")[0].id), listen=lambda kind, data: None)


def test_a_question_whose_process_was_killed_is_gone_on_with_from_its_last_checkpoint(
    asker, threads: Threads, killed
) -> None:
    killed("deep")
    answerer, retriever = Waiting(), ScriptedRetriever(known=[PEAS])
    answerer.go.set()
    asking = asker(answerer, retriever=retriever)
    assert [left.question for left in threads.open_questions.left()] == ["What did Mendel grow?", "And when?"]
    assert go_on(asking, threads).answered
    assert retriever.asked == []  # what was done is not done again
    assert [t["question"] for t in threads.turns("t")] == ["What did Mendel grow?"]
    go_on(asking, threads)
    assert [t["question"] for t in threads.turns("t")] == ["What did Mendel grow?", "And when?"]
    assert threads.open_questions.left() == []


def test_a_plain_question_whose_process_was_killed_is_asked_again(asker, threads: Threads, killed) -> None:
    killed("normal")
    answerer = Waiting()
    answerer.go.set()
    assert go_on(asker(answerer), threads).answered
    assert [t["question"] for t in threads.turns("t")] == ["What did Mendel grow?"]


@pytest.mark.parametrize("effort", ["deep", "normal"])
def test_what_was_left_can_be_dropped_and_an_empty_thread_goes(
    asker, threads: Threads, killed, effort: str
) -> None:
    killed(effort)
    asking = asker(Waiting())
    for left in threads.open_questions.left():
        asking.drop(left.id)
    assert threads.open_questions.left() == []
    assert not threads.has("t")
    with pytest.raises(NotFound):
        asking.drop(left.id)


def test_dropping_leaves_the_turns_before_and_the_thread_usable(asker, threads: Threads, killed) -> None:
    answerer = Waiting()
    answerer.go.set()
    asking = asker(answerer)
    ask(asking, "Who was Mendel?")
    killed("deep")
    for left in threads.open_questions.left():
        asking.drop(left.id)
    assert ask(asking, "Where did Mendel live?").answered
    assert [t["question"] for t in threads.turns("t")] == ["Who was Mendel?", "Where did Mendel live?"]


def test_only_one_goes_on_with_what_was_left(asker, threads: Threads, killed) -> None:
    killed("normal")
    asking = asker(Waiting())
    left = threads.open_questions.left()[0]
    place = asking.adopt(left.id)
    with pytest.raises(NotFound):
        asking.adopt(left.id)
    asking.give_up(place)
