"""`terakoya restore`: the state of the home as a backup has it."""

import argparse

from app.cli.cells import one_line
from app.cli.session import Session
from terakoya.api import BackupReport
from terakoya.catalogue import text


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Restores from the file."""
    from app.restoring import restore

    done, before = restore(session.place, arguments.file.expanduser().absolute())
    report = BackupReport(
        path=done.path, files=done.files, size=done.size, made=done.made, version=done.version
    )
    if session.terminal.json:
        session.terminal.record(report)
    else:
        session.terminal.say(
            text(
                "cli.restore_done",
                path=one_line(report.path),
                made=report.made,
                version=report.version,
                files=report.files,
            )
        )
    if before:
        session.terminal.note(text("cli.restore_before", path=one_line(str(before))))
    return 0
