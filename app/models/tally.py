"""The tokens of all calls of a model in a context, whoever makes them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_core.messages.ai import UsageMetadata


@dataclass(slots=True)
class Tally:
    """Tokens read and written so far.

    Attributes:
        input: Of prompts.
        output: Of answers, thoughts included.
        cached: Of the prompts, those that were known from an earlier one.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, usage: "UsageMetadata") -> None:
        """Counts a call."""
        with self._lock:
            self.input += usage["input_tokens"]
            self.output += usage["output_tokens"]
            self.cached += usage.get("input_token_details", {}).get("cache_read", 0)


_TALLY: ContextVar[Tally | None] = ContextVar("tally", default=None)


@contextmanager
def tallying() -> Iterator[Tally]:
    """Counts what models are asked in this context, and in threads that run in a copy of it."""
    tally = Tally()
    before = _TALLY.set(tally)
    try:
        yield tally
    finally:
        _TALLY.reset(before)


def counted(usage: "UsageMetadata | None") -> "UsageMetadata | None":
    """Adds a call's tokens where somebody counts, and gives them back."""
    tally = _TALLY.get()
    if tally is not None and usage is not None:
        tally.add(usage)
    return usage
