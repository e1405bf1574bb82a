"""`terakoya backup`: the state of the home in one file, also while the service runs."""

import argparse

from app.cli.cells import one_line
from app.cli.session import Session
from terakoya.catalogue import text


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Writes the file."""
    with session.backend() as backend:
        made = backend.backup(arguments.file.expanduser().absolute())
    if session.terminal.json:
        session.terminal.record(made)
    else:
        size = f"{made.size / 2**20:.1f}"
        session.terminal.say(text("cli.backup_done", path=one_line(made.path), files=made.files, size=size))
        if made.threads_at:
            session.terminal.say(text("cli.backup_threads", place=one_line(made.threads_at)))
    return 0
