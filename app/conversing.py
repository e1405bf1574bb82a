"""What a home can do with questions: answer them, go on with them, and keep conversations."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from app.deciding import nobody
from app.question import checked_question
from terakoya.api import (
    AskResult,
    EarlierTurns,
    FactModel,
    Thread,
    ThreadSummary,
    TurnModel,
    Unfinished,
)
from terakoya.errors import NotFound, Unavailable
from terakoya.protocols import Decide
from terakoya.text.marking import Marker
from terakoya.types import Effort, Outcome, SecondMessage

if TYPE_CHECKING:
    from app.floor import Place
    from app.wiring import Wiring


TITLE: Final = 80
"""Characters of a title that is made of a question."""


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
        second_message: SecondMessage | None = None,
        listen: Callable[[str, dict[str, Any]], None] = _nobody,
        cancelled: Callable[[], bool] = _never,
        decide: Decide = nobody,
    ) -> Outcome:
        """Asks one question; blocks until it is answered. See `app.asking.Asker`.

        `decide` asks a person whether a tool that changes something may be called; without it none is.

        Raises:
            BadInput: The question is empty or too long, or the model of the settings cannot be one.
            Unavailable: There are no notes yet.
            Busy: Another question of the thread is being answered, and `second_message` says to give up then.
        """
        place = self.line_up(question, effort=effort, thread_id=thread_id, second_message=second_message)
        return self.answer(place, listen=listen, cancelled=cancelled, decide=decide)

    def line_up(
        self,
        question: str,
        *,
        effort: Effort | None = None,
        thread_id: str | None = None,
        second_message: SecondMessage | None = None,
    ) -> "Place":
        """A question's place in the line of its thread, for `answer`, or `give_up`. Raises what `ask` does."""
        asked = checked_question(question)
        self.require_notes()
        return self.wiring.asker.line_up(
            asked, effort=effort or self.settings.effort, thread_id=thread_id, second_message=second_message
        )

    def adopt(self, id: str) -> "Place":
        """A place for a question whose process ended before it was answered, for `answer`.

        Raises:
            NotFound: There is no such question, or somebody else goes on with it.
        """
        return self.wiring.asker.adopt(id)

    def give_up(self, place: "Place") -> None:
        """Leaves the line without an answer."""
        self.wiring.asker.give_up(place)

    def leave(self, place: "Place") -> None:
        """Leaves a question whose turn did not come to the process that comes next."""
        self.wiring.asker.leave(place)

    def answer(
        self,
        place: "Place",
        *,
        listen: Callable[[str, dict[str, Any]], None] = _nobody,
        cancelled: Callable[[], bool] = _never,
        decide: Decide = nobody,
    ) -> Outcome:
        """Answers the question at `place` when its turn comes. See `app.asking.Asker.ask`."""
        try:
            self.wiring.foresee(place.question)
        except BaseException:
            self.give_up(place)
            raise
        outcome = self.wiring.asker.ask(place, listen=listen, cancelled=cancelled, decide=decide)
        if self.wiring.scores:
            self.wiring.scores.add(outcome)
        return self._marked(outcome)

    def unfinished(self, thread_id: str = "") -> list[Unfinished]:
        """The questions whose process ended before they were answered, of a thread or of all, the oldest first."""
        return [
            Unfinished(id=q.id, thread_id=q.thread_id, question=q.question, effort=q.effort, asked=q.asked)
            for q in self.wiring.threads.open_questions.left(thread_id)
        ]

    def drop(self, id: str) -> None:
        """Gives up a question whose process has ended.

        Raises:
            NotFound: There is no such question, or somebody goes on with it.
        """
        self.wiring.asker.drop(id)

    def choose_second_message(self, thread_id: str, policy: SecondMessage | None) -> None:
        """Says what becomes of a message while another one of the thread is being answered; None takes it back."""
        self.wiring.threads.choose_second_message(thread_id, policy)

    def branch(self, thread_id: str, turns: int) -> str:
        """A new thread that begins with the first `turns` turns of this one; its id.

        Raises:
            NotFound: No such thread, or it has fewer turns.
            Unavailable: The file of conversations is damaged.
        """
        with self.wiring.threads.readable():
            return self.wiring.asker.branch(thread_id, turns)

    def threads(self) -> list[ThreadSummary]:
        """The latest conversations.

        Raises:
            Unavailable: Their file is damaged.
        """
        with self.wiring.threads.readable():
            latest = self.wiring.threads.latest()
        left = {question.thread_id: question for question in reversed(self.unfinished())}
        kept = [
            ThreadSummary(
                thread_id=thread,
                title=title,
                updated=updated,
                state="unfinished" if thread in left else "quiet",
            )
            for thread, title, updated in latest
        ]
        known = {summary.thread_id for summary in kept}
        only = [
            ThreadSummary(thread_id=thread, title=q.question[:TITLE], updated=q.asked, state="unfinished")
            for thread, q in left.items()
            if thread not in known
        ]
        return only + kept

    def thread(self, thread_id: str) -> Thread:
        """One conversation.

        Raises:
            NotFound: No such thread.
            Unavailable: The file of conversations is damaged.
        """
        from app.asking import outcome_of

        left = self.unfinished(thread_id)
        try:
            with self.wiring.threads.readable():
                turns = self.wiring.threads.turns(thread_id)
        except NotFound:
            if not left:
                raise
            turns = []
        earlier = self.wiring.threads.summary(thread_id)
        thumbs = {trace: value for trace, value, _ in self.wiring.store.feedback()}
        return Thread(
            thread_id=thread_id,
            summary=(
                EarlierTurns(text=earlier["text"], turns=earlier["summarised"], by=earlier["by"])
                if earlier
                else None
            ),
            turns=[
                TurnModel(
                    question=t["question"],
                    result=AskResult.of(self._marked(outcome_of(t, thread_id, {}))),
                    thumb=thumbs.get(t["trace_id"]),
                )
                for t in turns
            ],
            unfinished=left,
            second_message=self.wiring.threads.second_message(thread_id) or self.settings.second_message,
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
        marker = Marker(outcome.standalone or outcome.question, self.wiring.analyser)
        return replace(
            outcome, citations=tuple(replace(c, marks=marker.marks(c.quote)) for c in outcome.citations)
        )

    def require_notes(self) -> None:
        """Raises Unavailable where there are no notes yet."""
        if not self.wiring.store.counts()[0]:
            raise Unavailable("store_empty")
