"""Questions on their way: cut short, interrupted by the next one, merged with it, branched, gone on with."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.asking import Asker
from app.threads import Threads
from app.tracing import NoTracer
from terakoya.errors import Busy, Cancelled, NotFound, Unavailable
from terakoya.protocols import Emit
from terakoya.text.analyser import Analyser
from terakoya.types import Draft, Passage, Turn
from workflows.nodes import Parts
from workflows.testing import ScriptedRetriever, citation, passage

PEAS = passage("Mendel grew peas.")
GOOD = Draft(text="Peas [1].", answered=True, citations=(citation(PEAS, "Mendel grew peas."),), model="m")


class Waiting:
    """Says a piece, waits until it is let go on, and goes on piece by piece."""

    name = "waiting"

    def __init__(self) -> None:
        self.said = threading.Event()
        self.go = threading.Event()
        self.asked: list[str] = []
        self.histories: list[tuple[str, ...]] = []

    def answer(
        self,
        question: str,
        passages: Sequence[Passage],
        *,
        others: Sequence[str] = (),
        history: Sequence[Turn] = (),
        emit: Emit,
    ) -> Draft:
        self.asked.append(question)
        self.histories.append(tuple(turn.question for turn in history))
        emit("Half ")
        self.said.set()
        deadline = time.monotonic() + 60
        while not self.go.is_set() and time.monotonic() < deadline:
            time.sleep(0.01)
            emit("")
        emit("an answer")
        return GOOD


class Slow(ScriptedRetriever):
    """Waits in the search until it is let go on."""

    def __init__(self) -> None:
        super().__init__(known=[PEAS])
        self.reached = threading.Event()
        self.go = threading.Event()

    def search(self, query: str, *, k: int = 10, filter: Any = None) -> Any:
        self.reached.set()
        assert self.go.wait(60)
        return super().search(query, k=k, filter=filter)


@pytest.fixture
def threads(tmp_path: Path, server: str) -> Iterator[Threads]:
    opened = Threads(tmp_path / "threads.sqlite", server=server)
    yield opened
    opened.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as made:
        yield made


def asker_over(threads: Threads, answerer: Any, policy: Any = "queue", retriever: Any = None) -> Asker:
    parts = Parts(
        retriever=retriever or ScriptedRetriever(known=[PEAS]),
        answerers=[answerer],
        analyser=Analyser(),
        tracer=NoTracer(),
        passages=3,
    )
    return Asker(parts, threads, NoTracer(), second_message=policy)


@pytest.fixture
def asker(threads: Threads) -> Callable[..., Asker]:
    return partial(asker_over, threads)


def ask(asker: Asker, question: str, thread: str = "t", **given: Any) -> Any:
    lining: dict[str, Any] = {"effort": given.pop("effort", "normal"), "thread_id": thread}
    place = asker.line_up(question, **lining, second_message=given.pop("second_message", None))
    return asker.ask(place, **{"listen": lambda kind, data: None} | given)


def test_what_is_cut_short_is_kept_as_far_as_it_came(asker, threads: Threads) -> None:
    answerer = Waiting()
    outcome = ask(asker(answerer), "What did Mendel grow?", cancelled=answerer.said.is_set)
    assert (outcome.answer, outcome.answered, outcome.interrupted) == ("Half", False, True)
    (turn,) = threads.turns("t")
    assert (turn["answer"], turn["interrupted"], turn["citations"]) == ("Half", True, [])


def test_what_is_cut_short_before_a_word_says_so(asker) -> None:
    outcome = ask(asker(Waiting()), "何を育てた？", cancelled=lambda: True)
    assert (outcome.answer, outcome.interrupted) == ("何も答えないうちに中止しました。", True)


def test_a_thread_goes_on_after_an_answer_that_was_cut_short(asker, threads: Threads) -> None:
    answerer = Waiting()
    asking = asker(answerer)
    ask(asking, "What did Mendel grow?", cancelled=answerer.said.is_set)
    answerer.go.set()
    assert ask(asking, "What did he grow?").answered
    assert [t.get("interrupted", False) for t in threads.turns("t")] == [True, False]


def test_a_cancelled_answer_ends_although_its_answerer_hangs(asker, pool: ThreadPoolExecutor) -> None:
    retriever = Slow()
    try:
        running = pool.submit(
            ask, asker(Waiting(), retriever=retriever), "What?", cancelled=retriever.reached.is_set
        )
        assert running.result(30).interrupted
    finally:
        retriever.go.set()


def test_queued_messages_are_answered_one_after_the_other(asker, pool, threads: Threads) -> None:
    answerer = Waiting()
    asking = asker(answerer)
    first = pool.submit(ask, asking, "What did Mendel grow?")
    assert answerer.said.wait(30)
    second = pool.submit(ask, asking, "Where did Mendel live?")
    answerer.go.set()
    assert first.result(30).answered
    assert second.result(30).answered
    assert answerer.histories[1] == ("What did Mendel grow?",)
    assert len(threads.turns("t")) == 2


def test_a_message_that_waits_can_be_cancelled_and_the_one_before_does_not_notice(asker, pool) -> None:
    answerer = Waiting()
    asking = asker(answerer)
    first = pool.submit(ask, asking, "What did Mendel grow?")
    assert answerer.said.wait(30)
    with pytest.raises(Cancelled):
        ask(asking, "Where?", cancelled=lambda: True)
    answerer.go.set()
    assert first.result(30).answered


def test_a_second_message_is_rejected_by_name(asker, pool) -> None:
    answerer = Waiting()
    asking = asker(answerer, "reject")
    first = pool.submit(ask, asking, "What did Mendel grow?")
    assert answerer.said.wait(30)
    with pytest.raises(Busy, match="What did Mendel grow"):
        ask(asking, "Where?")
    assert ask_elsewhere(asking, answerer).answered
    assert first.result(30).answered


def ask_elsewhere(asking: Asker, answerer: Waiting) -> Any:
    answerer.go.set()
    return ask(asking, "What did Mendel grow?", thread="another")


def test_a_second_message_interrupts_and_the_partial_answer_is_kept(asker, pool, threads: Threads) -> None:
    answerer = Waiting()
    asking = asker(answerer, "interrupt")
    first = pool.submit(ask, asking, "What did Mendel grow?")
    assert answerer.said.wait(30)
    second = pool.submit(ask, asking, "Where did Mendel live?")
    assert (first.result(30).answer, first.result().interrupted) == ("Half", True)
    answerer.go.set()
    assert second.result(30).answered
    assert [t["answer"] for t in threads.turns("t")] == ["Half", "Peas [1]."]


def test_two_messages_are_merged_while_the_answer_has_not_begun(asker, pool, threads: Threads) -> None:
    retriever, answerer = Slow(), Waiting()
    answerer.go.set()
    asking = asker(answerer, "merge", retriever)
    first = pool.submit(ask, asking, "What did Mendel grow?")
    assert retriever.reached.wait(30)
    second: Future[Any] = pool.submit(ask, asking, "And where?")
    time_out = time.monotonic() + 30
    while len(asking._floor._lines["t"]) < 2 and time.monotonic() < time_out:
        time.sleep(0.01)
    retriever.go.set()
    both = "What did Mendel grow?\nAnd where?"
    assert first.result(30) == second.result(30)
    assert [t["question"] for t in threads.turns("t")] == [both]


def test_once_the_answer_has_begun_a_message_waits_instead_of_being_merged(asker, pool, threads) -> None:
    answerer = Waiting()
    asking = asker(answerer, "merge")
    first = pool.submit(ask, asking, "What did Mendel grow?")
    assert answerer.said.wait(30)
    second = pool.submit(ask, asking, "Where did Mendel live?")
    answerer.go.set()
    assert (first.result(30).question, second.result(30).question) == (
        "What did Mendel grow?",
        "Where did Mendel live?",
    )


def test_what_a_node_raises_comes_out_by_its_name_and_leaves_the_thread_usable(asker, threads) -> None:
    class Broken(Waiting):
        def answer(self, *given: Any, **more: Any) -> Draft:
            raise Unavailable("model_closed", path="m")

    with pytest.raises(Unavailable) as caught:
        ask(asker(Broken()), "What?")
    assert caught.value.key == "model_closed"
    answerer = Waiting()
    answerer.go.set()
    assert ask(asker(answerer), "What did Mendel grow?").answered
    assert len(threads.turns("t")) == 1


def test_a_branch_begins_with_the_turns_before_and_leaves_its_thread_alone(asker, threads: Threads) -> None:
    answerer = Waiting()
    answerer.go.set()
    asking = asker(answerer)
    for question in ("What did Mendel grow?", "Where did Mendel live?", "When did Mendel live?"):
        ask(asking, question)
    made = asking.branch("t", 1)
    ask(asking, "Who was Mendel?", thread=made)
    assert [t["question"] for t in threads.turns(made)] == ["What did Mendel grow?", "Who was Mendel?"]
    assert len(threads.turns("t")) == 3
    for turns in (-1, 4):
        with pytest.raises(NotFound):
            asking.branch("t", turns)
    with pytest.raises(NotFound):
        asking.branch("nobody", 0)


def test_a_long_thread_keeps_one_checkpoint(asker, threads: Threads) -> None:
    answerer = Waiting()
    answerer.go.set()
    asking = asker(answerer)
    for _ in range(4):
        ask(asking, "What did Mendel grow?", effort="deep")
    assert len(list(threads.saver.list({"configurable": {"thread_id": "t"}}))) == 1
    assert len(threads.turns("t")) == 4


DYING = """
import os, signal, sys
from pathlib import Path
from test_asking import PEAS, asker_over
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


def test_a_message_or_else_its_thread_chooses_what_becomes_of_it(asker, pool, threads: Threads) -> None:
    answerer = Waiting()
    asking = asker(answerer)
    first = pool.submit(ask, asking, "What did Mendel grow?")
    assert answerer.said.wait(30)
    threads.choose_second_message("t", "reject")
    with pytest.raises(Busy):
        ask(asking, "Where?")
    steps: list[str] = []
    waiting = threading.Event()

    def listen(kind: str, data: dict[str, Any]) -> None:
        if kind == "step":
            steps.append(data["name"])
            waiting.set()

    second = pool.submit(ask, asking, "Where did Mendel live?", second_message="queue", listen=listen)
    assert waiting.wait(30)
    assert steps == ["waiting"]
    answerer.go.set()
    assert first.result(30).answered
    assert second.result(30).answered


def test_places_are_taken_in_the_order_of_the_messages(asker, threads: Threads) -> None:
    answerer = Waiting()
    answerer.go.set()
    asking = asker(answerer)
    asked = ["What did Mendel grow?", "Where did Mendel live?", "When did Mendel live?"]
    places = [asking.line_up(question, effort="fast", thread_id="t") for question in asked]
    with ThreadPoolExecutor(3) as pool:
        for place in reversed(places):
            pool.submit(asking.ask, place, listen=lambda kind, data: None)
    assert [t["question"] for t in threads.turns("t")] == asked


def test_a_branch_has_the_first_question_of_its_own_as_title(asker, threads: Threads) -> None:
    answerer = Waiting()
    answerer.go.set()
    asking = asker(answerer)
    ask(asking, "What did Mendel grow?")
    ask(asking, "Where did Mendel live?")
    made = asking.branch("t", 1)
    ask(asking, "Who was Mendel?", thread=made)
    titles = {thread: title for thread, title, _ in threads.latest()}
    assert titles == {"t": "What did Mendel grow?", made: "Who was Mendel?"}
