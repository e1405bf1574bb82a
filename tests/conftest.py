import atexit
import os
import sys

import pytest

from terakoya.text.analyser import Analyser


@pytest.fixture(scope="session")
def analyser() -> Analyser:
    """One for all tests: its dictionary takes a moment to load."""
    return Analyser()


def _quiet_exit() -> None:
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


# DuckDB's bindings list at the end of the interpreter, as leaks, what hypothesis still refers to. That would
# come after pytest's closing line; nothing of ours is written so late.
atexit.register(_quiet_exit)
