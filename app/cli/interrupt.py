"""Ctrl-C as a wish to stop, while something is at work that should not be torn apart."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from app.cli.entry import INTERRUPTED

_CURSOR: Final = b"\x1b[?25h\n"
"""Shows the cursor, which a progress bar hides."""


@contextmanager
def interruptible(asked: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Gives a function that tells whether Ctrl-C was pressed; pressed again, it ends the process at once.

    Args:
        asked: Called when it is pressed first, while the signal is handled.
    """
    pressed = False

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            # KeyboardInterrupt could come while worker processes are being ended, and Python would wait for them
            # for ever. The store is made for this: it holds what was committed.
            if sys.stderr.isatty():
                os.write(sys.stderr.fileno(), _CURSOR)
            os._exit(INTERRUPTED)
        pressed = True
        asked()

    before = signal.getsignal(signal.SIGINT)
    ours = threading.current_thread() is threading.main_thread() and before is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, press)
    try:
        yield lambda: pressed
    finally:
        if ours:
            signal.signal(signal.SIGINT, before)
