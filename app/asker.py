"""For whom a question is answered: whoever waits for a model takes turns with others, not with oneself."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

LONGEST: Final = 200
_ASKER: ContextVar[str] = ContextVar("asker", default="")


@contextmanager
def asking(name: str) -> Iterator[None]:
    """In this context, and in threads that run in a copy of it, requests to a model are for `name`."""
    before = _ASKER.set(name[:LONGEST])
    try:
        yield
    finally:
        _ASKER.reset(before)


def asker() -> str:
    """Who asks in this context; empty where nobody said."""
    return _ASKER.get()


def this_session() -> str:
    """The session of this process: what runs in one terminal, or below one program, is one who asks."""
    return f"session {os.getsid(0) if hasattr(os, 'getsid') else os.getppid()}"
