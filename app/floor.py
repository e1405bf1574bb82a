"""Who is being answered in a thread, and what becomes of a message that comes meanwhile."""

import threading
from collections.abc import Callable
from typing import Final

from terakoya.errors import Busy, Cancelled
from terakoya.types import Effort, Outcome, SecondMessage

_LOOK: Final = 0.1
"""Seconds between two looks at whether a message that waits was cancelled."""


class Place:
    """One message's place in the line of its thread.

    Attributes:
        thread: Id of the conversation.
        question: What is to be answered; more than was asked where an earlier message was merged into it.
        effort: With which it was asked.
        entry: Its id among the open questions.
        adopted: Whether it was asked in a process that ended before it was answered.
        cancelled: Set when it is not to be answered any more.
        begun: Set when its answer has begun, so that nothing can be added to the question.
        heir: The message that it was merged into.
    """

    def __init__(self, thread: str, question: str, effort: Effort, *, adopted: bool = False) -> None:
        self.thread = thread
        self.question = question
        self.effort: Effort = effort
        self.entry = ""
        self.adopted = adopted
        self.cancelled = threading.Event()
        self.begun = threading.Event()
        self.heir: Place | None = None
        self._ended = threading.Event()
        self._outcome: Outcome | None = None
        self._error: BaseException | None = None

    def end(self, outcome: Outcome | None, error: BaseException | None) -> None:
        """Says how it ended, to those whose messages were merged into it."""
        self._outcome, self._error = outcome, error
        self._ended.set()

    def result(self, cancelled: Callable[[], bool]) -> Outcome:
        """How it ended, waited for. Raises what it raised, and `Cancelled`."""
        while not self._ended.wait(_LOOK):
            if cancelled():
                raise Cancelled("cancelled")
        if self._outcome is None:
            raise self._error or Cancelled("cancelled")
        return self._outcome


class Floor:
    """The lines of all threads; in each, one message is answered at a time. Safe in several threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._lines: dict[str, list[Place]] = {}

    def join(self, place: Place, policy: SecondMessage) -> None:
        """Takes the last place in the line of its thread.

        Args:
            place: The message.
            policy: Where another one is being answered: `queue` waits for it, `reject` gives up, `interrupt` ends
                it and keeps what it said, `merge` asks both together unless the answer has begun; then it waits.

        Raises:
            Busy: Another message is being answered, and the policy is `reject`.
        """
        with self._changed:
            line = self._lines.setdefault(place.thread, [])
            last = line[-1] if line else None
            if last and policy == "reject":
                raise Busy("thread_busy", question=last.question[:80])
            if policy == "interrupt":
                for other in line:
                    other.cancelled.set()
            elif last and policy == "merge" and not last.begun.is_set():
                place.question = f"{last.question}\n{place.question}"
                last.heir = place
                last.cancelled.set()
            line.append(place)
            self._changed.notify_all()

    def waits(self, place: Place) -> bool:
        """Whether another message has to be answered first."""
        with self._changed:
            return self._lines.get(place.thread, [place])[0] is not place

    def wait(self, place: Place, cancelled: Callable[[], bool]) -> None:
        """Waits until it is this message's turn, or it was merged into a later one.

        Raises:
            Cancelled: While it waited.
        """
        with self._changed:
            waits = self._lines[place.thread][0] is not place
            while waits:
                self._changed.wait(_LOOK)
                waits = self._lines[place.thread][0] is not place
                if cancelled() or place.cancelled.is_set():
                    self._remove(place)
                    if place.heir is None:
                        raise Cancelled("cancelled")
                    return

    def release(self, place: Place) -> None:
        """Lets the next message begin."""
        with self._changed:
            self._remove(place)

    def _remove(self, place: Place) -> None:
        line = self._lines.get(place.thread, [])
        if place in line:
            line.remove(place)
        if not line:
            self._lines.pop(place.thread, None)
        self._changed.notify_all()
