"""Questions on their way: cut short, interrupted by the next one, merged with it, branched."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from slow_answers import PEAS, Waiting, ask, asker_over

from app.asking import Asker
from app.threads import Threads
from terakoya.errors import Busy, Cancelled, NotFound, Unavailable
from terakoya.types import Draft
from workflows.testing import ScriptedRetriever


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


@pytest.fixture
def asker(threads: Threads) -> Callable[..., Asker]:
    return partial(asker_over, threads)


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


def test_nothing_of_an_answer_goes_on_after_whoever_listened_failed(asker) -> None:
    answerer = Waiting()

    def listen(kind: str, data: dict[str, Any]) -> None:
        if kind == "token":
            answerer.go.set()
            raise ConnectionError("nobody listens")

    with pytest.raises(ConnectionError) as raised:  # what was raised keeps all frames alive
        ask(asker(answerer), "What did Mendel grow?", listen=listen)
    assert answerer.ended.is_set()
    assert raised.tb


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
