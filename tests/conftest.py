import atexit
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from terakoya.text.analyser import Analyser

if TYPE_CHECKING:
    from tests.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator["PostgresServer"]:
    """A real server, for all tests that want one; each takes a database of its own."""
    from tests.postgres import PostgresServer

    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest) -> str:
    """Where conversations lie: the address of a database, empty for the file."""
    return request.getfixturevalue("postgres").database() if request.param == "postgres" else ""


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
