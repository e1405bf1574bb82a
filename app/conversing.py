"""What a home can do with questions: answer them, go on with them, and keep conversations."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.deciding import nobody
from app.question import checked_question
from terakoya.api import (
    AskResult,
    FactModel,
    Thread,
    ThreadSummary,
    TurnModel,
)
from terakoya.errors import Unavailable
from terakoya.protocols import Decide
from terakoya.text.marking import Marker
from terakoya.types import Effort, Outcome

if TYPE_CHECKING:
    from app.wiring import Wiring


def _nobody(*_: object) -> None:
    """Listens to nothing."""


def _never() -> bool:
    return False


class Conversing:
    """The part of an installation that answers questions and keeps conversations. Safe in several threads.

    Args:
        wiring: Its parts.
    """

    def __init__(self, wiring: "Wiring") -> None:
        self.wiring = wiring
        self.settings = wiring.settings

    def ask(
        self,
        question: str,
        *,
        effort: Effort | None = None,
        thread_id: str | None = None,
        listen: Callable[[str, dict[str, Any]], None] = _nobody,
        cancelled: Callable[[], bool] = _never,
        decide: Decide = nobody,
    ) -> Outcome:
        """Asks one question; blocks until it is answered. See `app.asking.Asker`.

        `decide` asks a person whether a tool that changes something may be called; without it none is.

        Raises:
            BadInput: The question is empty or too long, or the model of the settings cannot be one.
            Unavailable: There are no notes yet.
        """
        asked = checked_question(question)
        self.require_notes()
        self.wiring.foresee(asked)
        outcome = self.wiring.asker.ask(
            asked,
            effort=effort or self.settings.effort,
            thread_id=thread_id,
            listen=listen,
            cancelled=cancelled,
            decide=decide,
        )
        if self.wiring.scores:
            self.wiring.scores.add(outcome)
        return self._marked(outcome)

    def unfinished(self, thread_id: str) -> str:
        """The question of a thread whose process died before it was answered.

        Raises:
            NotFound: No such thread, or nothing in it was left unfinished.
        """
        return str(self.wiring.asker.unfinished(thread_id)["question"])

    def resume(
        self,
        thread_id: str,
        *,
        listen: Callable[[str, dict[str, Any]], None] = _nobody,
        cancelled: Callable[[], bool] = _never,
        decide: Decide = nobody,
    ) -> Outcome:
        """Goes on with a question whose process died before it was answered. See `app.asking.Asker`.

        Raises:
            NotFound: No such thread, or nothing in it was left unfinished.
        """
        return self._marked(
            self.wiring.asker.resume(thread_id, listen=listen, cancelled=cancelled, decide=decide)
        )

    def branch(self, thread_id: str, turns: int) -> str:
        """A new thread that begins with the first `turns` turns of this one; its id.

        Raises:
            NotFound: No such thread, or it has fewer turns.
        """
        return self.wiring.asker.branch(thread_id, turns)

    def threads(self) -> list[ThreadSummary]:
        """The latest conversations."""
        return [
            ThreadSummary(thread_id=thread, title=title, updated=updated)
            for thread, title, updated in self.wiring.threads.latest()
        ]

    def thread(self, thread_id: str) -> Thread:
        """One conversation.

        Raises:
            NotFound: No such thread.
        """
        from app.asking import outcome_of

        turns = self.wiring.threads.turns(thread_id)
        return Thread(
            thread_id=thread_id,
            turns=[
                TurnModel(
                    question=t["question"],
                    result=AskResult.of(self._marked(outcome_of(t, thread_id, {}))),
                )
                for t in turns
            ],
        )

    def facts(self) -> list[FactModel]:
        """What the person asked to remember, oldest first."""
        return [FactModel(number=f.id, text=f.text, created=f.created) for f in self.wiring.memory.facts()]

    def forget_fact(self, number: int) -> None:
        """Takes a fact back.

        Raises:
            NotFound: There is none with this number.
        """
        self.wiring.memory.forget(number)

    def _marked(self, outcome: Outcome) -> Outcome:
        marker = Marker(outcome.question, self.wiring.analyser)
        return replace(
            outcome, citations=tuple(replace(c, marks=marker.marks(c.quote)) for c in outcome.citations)
        )

    def require_notes(self) -> None:
        """Raises Unavailable where there are no notes yet."""
        if not self.wiring.store.counts()[0]:
            raise Unavailable("store_empty")
