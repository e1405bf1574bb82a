"""How long to wait before a server is asked again."""

import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

FIRST: Final = 0.5
"""Seconds before the second try, at most."""
LONGEST: Final = 8.0
"""Seconds before any try, at most, unless the server asks for more."""


def backoff(tries: int, *, draw: Callable[[], float] = random.random) -> float:
    """Seconds to wait after so many failed tries: exponential, with full jitter.

    Full jitter draws from the whole span, so that many clients do not come back together (M. Brooker,
    "Exponential Backoff And Jitter", 2015).
    """
    return draw() * min(LONGEST, FIRST * 2.0 ** min(tries - 1, 30))


def retry_after(headers: Mapping[str, str], *, now: Callable[[], float] = time.time) -> float | None:
    """Seconds that a reply asks to wait (RFC 9110, 10.2.3), None where it does not.

    Both forms are read, a number of seconds and a date; so is `retry-after-ms`, which some servers add.
    """
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        try:
            seconds = float(value) / unit
        except ValueError:
            continue
        if 0 <= seconds < 86_400 * 7:
            return seconds
    try:
        day = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    if day.tzinfo is None:
        day = day.replace(tzinfo=UTC)
    return max(0.0, (day - datetime.fromtimestamp(now(), UTC)).total_seconds())
