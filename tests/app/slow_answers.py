"""An asker over parts that a test holds back."""

import threading
import time
from collections.abc import Sequence
from typing import Any

from app.asking import Asker
from app.threads import Threads
from app.tracing import NoTracer
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
        self.ended = threading.Event()
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
        self.ended.set()
        return GOOD


def asker_over(threads: Threads, answerer: Any, policy: Any = "queue", retriever: Any = None) -> Asker:
    parts = Parts(
        retriever=retriever or ScriptedRetriever(known=[PEAS]),
        answerers=[answerer],
        analyser=Analyser(),
        tracer=NoTracer(),
        passages=3,
    )
    return Asker(parts, threads, NoTracer(), second_message=policy)


def ask(asker: Asker, question: str, thread: str = "t", **given: Any) -> Any:
    lining: dict[str, Any] = {"effort": given.pop("effort", "normal"), "thread_id": thread}
    place = asker.line_up(question, **lining, second_message=given.pop("second_message", None))
    return asker.ask(place, **{"listen": lambda kind, data: None} | given)
