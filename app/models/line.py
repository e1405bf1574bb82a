"""Who waits for the model, in a fair order."""

from collections.abc import Iterator
from typing import Final

from app.models.task import Task

_REMEMBERED: Final = 1000


class Line:
    """Tasks that wait. Those who ask take turns, each with one request, however many each has waiting.

    Start-time fair queueing (Goyal, Vin and Cheng, 1996) with every request at the cost of one: a request's
    tag is the number of its asker's turn, counted from the turn that is being served when it comes. So nobody's
    many requests hold back another's one, nobody who waits is overtaken without end, and the requests of one
    asker, or of nobody in particular, are served in the order in which they came.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, Task]] = []
        self._turn = 0
        self._next: dict[str, int] = {}
        self._came = 0

    def __iter__(self) -> Iterator[Task]:
        return iter([task for _, _, task in self._waiting])

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self, task: Task) -> None:
        """Puts a task where its asker's turn is."""
        tag = max(self._turn, self._next.get(task.asker, 0))
        self._next[task.asker] = tag + 1
        self._came += 1
        self._waiting.append((tag, self._came, task))
        self._waiting.sort(key=lambda entry: entry[:2])
        if len(self._next) > _REMEMBERED:  # whoever does not wait is as good as new
            waiting = {other.asker for other in self}
            self._next = {name: tag for name, tag in self._next.items() if name in waiting}

    def first(self, full: set[str]) -> Task | None:
        """Who comes next, among those who ask beside `full`; None where nobody is left."""
        return next((task for task in self if task.asker not in full), None)

    def serve(self, task: Task) -> None:
        """The turn of this task has come."""
        self._turn = max(self._turn, next(tag for tag, _, other in self._waiting if other is task))
        self.leave(task)

    def leave(self, task: Task) -> None:
        """A task does not wait any more."""
        self._waiting = [entry for entry in self._waiting if entry[2] is not task]
