"""`terakoya forget`: a note, a folder of notes or a conversation goes, with what it left."""

import argparse
from pathlib import Path
from typing import Final

from app.cli.backend import Backend
from app.cli.cells import one_line
from app.cli.queries import clean
from app.cli.session import Session
from app.cli.terminal import Terminal
from terakoya.api import ForgetReport, ForgetRequest
from terakoya.catalogue import text

_NAMED: Final = 20


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Forgets what is named."""
    with session.backend() as backend:
        forget(session.terminal, backend, arguments)
    return 0


def forget(terminal: Terminal, backend: Backend, arguments: argparse.Namespace) -> None:
    """Forgets what is named, and says what went."""
    what = clean(arguments.what)
    try:
        path = str(Path(what).expanduser().absolute())
    except RuntimeError:  # `~name` of nobody
        path = ""
    report = backend.forget(ForgetRequest(source=what, path=path, dry_run=arguments.dry_run))
    if terminal.json:
        terminal.record(report)
    else:
        _tell(terminal, report)


def _tell(terminal: Terminal, report: ForgetReport) -> None:
    dry = "_dry" if report.dry_run else ""
    if report.threads and not report.sources:
        terminal.say(text(f"cli.forget_thread{dry}", thread=one_line(report.threads[0])))
    else:
        key = "cli.forget_dry" if report.dry_run else "cli.forget_done"
        terminal.say(text(key, count=len(report.sources)))
        terminal.names(report.sources, at_most=_NAMED)
        for folder in report.folders:
            terminal.say(text(f"cli.forget_folder{dry}", path=one_line(folder)))
        if report.on_disk:
            terminal.say(text("cli.forget_on_disk", count=len(report.on_disk)))
        if report.threads:
            terminal.say(text(f"cli.forget_threads{dry}", count=len(report.threads)))
    if report.traces:
        terminal.say(text(f"cli.forget_traces{dry}", count=report.traces))
    if report.answers:
        terminal.say(text("cli.forget_answers", count=report.answers))
    if report.sent_to and report.traces:
        terminal.say(text("cli.forget_sent", address=one_line(report.sent_to)))
