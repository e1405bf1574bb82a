"""Waiting for what becomes true, with a deadline that only a failure reaches."""

import queue
import time
from collections.abc import Callable
from typing import Any

from app.models.engine import LocalEngine


def eventually(claim: Callable[[], object], seconds: float = 60) -> None:
    """Looks again and again until the claim holds."""
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "never came true"
        time.sleep(0.01)


def census(engine: LocalEngine) -> dict[str, int]:
    """What the worker says it holds."""
    replies: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    engine._supervisor.ready(time.monotonic() + 60).worker.request("ping", replies.put)
    return replies.get(timeout=60)
