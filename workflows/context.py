"""What belongs to one run of the graph and not to its state: whether it was cancelled, and what made it fail."""

import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Final, TypeVar

from terakoya.errors import Cancelled, Unavailable

T = TypeVar("T")
_LOOK: Final = 0.05
"""Seconds between two looks at whether the run was cancelled."""


def _never() -> bool:
    return False


def _nothing() -> None:
    """Nobody wants to know."""


@dataclass(slots=True)
class Context:
    """Handed to the nodes as LangGraph's runtime context.

    Attributes:
        cancelled: Whether the person does not want the answer any more.
        begin: Called when the answer begins; until then a question may be changed by cancelling it.
        failure: What a node raised, for whoever runs the graph to raise again.
    """

    cancelled: Callable[[], bool] = _never
    begin: Callable[[], None] = _nothing
    failure: BaseException | None = field(default=None)

    def check(self) -> None:
        """Ends a run that is not wanted any more.

        Raises:
            Cancelled: It is not.
        """
        if self.cancelled():
            raise Cancelled("cancelled")

    def within(self, seconds: float, step: str, work: Callable[["Context"], T]) -> T:
        """What `work` gives, run in a thread of its own, as a thread cannot be stopped from outside.

        `work` gets a context whose `check` raises as soon as nobody waits any more, so that it ends by itself.

        Raises:
            Cancelled: The run was cancelled meanwhile.
            Unavailable: It took longer than `seconds`.
        """
        done, left = threading.Event(), threading.Event()
        mine = Context(cancelled=lambda: left.is_set() or self.cancelled(), begin=self.begin)
        results: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                results.append(work(mine))
            except BaseException as error:
                errors.append(error)
            finally:
                done.set()

        context = copy_context()
        threading.Thread(target=context.run, args=(run,), name=f"step-{step}", daemon=True).start()
        waited = 0.0
        try:
            while not done.wait(_LOOK):
                waited += _LOOK
                self.check()
                if waited >= seconds:
                    raise Unavailable("step_late", step=step, seconds=round(seconds))
        finally:
            left.set()
        if errors:
            raise errors[0]
        return results[0]
