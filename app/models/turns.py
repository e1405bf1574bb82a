"""A fair queue: who asks first is served first."""

import threading
from collections import deque


class Turns:
    """`slots` turns at a time, given out in the order in which they were asked for."""

    def __init__(self, slots: int = 1) -> None:
        self._free = slots
        self._closed = False
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    def take(self, seconds: float) -> bool:
        """Waits for a turn; False when none came in time or the queue was closed."""
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                self._changed.wait_for(lambda: self._closed or self._next_is(ticket), timeout=max(seconds, 0))
                if self._closed or not self._next_is(ticket):
                    return False
                self._free -= 1
                return True
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def give_back(self) -> None:
        """Ends a turn."""
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Sends everyone away who waits or comes later."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _next_is(self, ticket: object) -> bool:
        return self._free > 0 and self._waiting[0] is ticket
