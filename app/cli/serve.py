"""`terakoya serve`: the service alone, in this process."""

import argparse
import os
import sys
from typing import NoReturn

from app.cli.session import Session


def run(session: Session, arguments: argparse.Namespace) -> NoReturn:
    """Serves until a signal comes."""
    from app.service.server import serve

    settings = session.settings
    if arguments.port is not None:
        settings = settings.model_copy(update={"port": arguments.port})
    opener = session.opener()
    serve(
        settings,
        lambda settings: opener(settings, write=True, deliver=True),
        started=lambda address: session.terminal.address(address),
    )
    # All is closed by now. A request that hangs in the server's thread pool must not keep the process, and
    # taking the interpreter apart under such threads makes DuckDB's bindings complain on stderr.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
