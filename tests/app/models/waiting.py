"""Waiting for what becomes true, with a deadline that only a failure reaches."""

import time
from collections.abc import Callable


def eventually(claim: Callable[[], object], seconds: float = 60) -> None:
    """Looks again and again until the claim holds."""
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "never came true"
        time.sleep(0.01)
