"""When a server is left alone: after it failed again and again, and as long as it asks to wait."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

FAILURES: Final = 3
"""Requests in a row that failed, their retries included, before a server is left alone."""
FIRST_REST: Final = 15.0
LONGEST_REST: Final = 300.0
"""Seconds that it is left alone, doubled from the first to the longest as long as it fails."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Why a server is not asked now, and for how many seconds more.

    Attributes:
        seconds: Above 0.
        limited: Whether the server itself asked to wait; else it failed.
    """

    seconds: float
    limited: bool


class Breaker:
    """The state of one server, for all who ask it. Safe in several threads.

    A circuit breaker (M. Nygard, "Release It!"): closed, requests pass; open, they are refused at once, so that
    a fallback is not kept waiting; when the rest is over, one request is let through, and its end decides.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0
        self._limited_until = 0.0
        self._trying = False

    def admit(self) -> Rest | None:
        """None where a request may go now; else why not. Who may go tells `succeeded`, `failed` or `left`."""
        with self._lock:
            now = self._clock()
            if now < self._limited_until:
                return Rest(self._limited_until - now, True)
            if self._failures < FAILURES:
                return None
            if now < self._open_until or self._trying:
                return Rest(max(self._open_until - now, 1.0), False)
            self._trying = True
            return None

    def succeeded(self) -> None:
        """A request was answered, if only by a refusal: the server works."""
        with self._lock:
            self._failures = 0
            self._trying = False

    def failed(self) -> None:
        """A request got no answer that can be used."""
        with self._lock:
            self._failures += 1
            self._trying = False
            if self._failures >= FAILURES:
                rest = min(LONGEST_REST, FIRST_REST * 2.0 ** (self._failures - FAILURES))
                self._open_until = self._clock() + rest

    def left(self) -> None:
        """Who asked went away before there was an answer: that tells nothing of the server."""
        with self._lock:
            self._trying = False

    def limit(self, seconds: float) -> None:
        """The server asks not to be asked for so long."""
        with self._lock:
            self._limited_until = max(self._limited_until, self._clock() + seconds)
