"""`terakoya ingest`: notes on disk into the store, once or whenever they change."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app.cli.session import Session
from app.cli.terminal import Terminal
from terakoya.api import IngestReport
from terakoya.catalogue import text
from terakoya.errors import BadInput, Busy, TerakoyaError

POLL_SECONDS: Final = 1.0

_State = frozenset[tuple[str, int, int]]
_NOTHING: Final[_State] = frozenset()


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Takes the paths in; 1 with `--strict` where a file could not be read."""
    paths = [path.expanduser().absolute() for path in arguments.paths]
    for path in paths:
        if not path.exists():
            raise BadInput("path_missing", path=path)
    taken = _state(paths) if arguments.watch else _NOTHING
    report = _once(session, paths, dry_run=arguments.dry_run)
    if arguments.watch:
        _watch(session, paths, taken, dry_run=arguments.dry_run)
    return 1 if arguments.strict and report.problems else 0


def _once(session: Session, paths: Sequence[Path], *, dry_run: bool) -> IngestReport:
    with session.backend() as backend, session.terminal.progress(text("cli.ingesting")) as progress:
        report = backend.ingest(paths, dry_run=dry_run, progress=progress)
    show(session.terminal, report)
    return report


def show(terminal: Terminal, report: IngestReport) -> None:
    """Prints what an ingest did."""
    for problem in report.problems:
        terminal.note(text("cli.ingest_problem", path=problem.path, message=problem.message))
    if terminal.json:
        terminal.record(report)
        return
    terminal.say(
        text(
            "cli.ingest_dry" if report.dry_run else "cli.ingest_done",
            added=len(report.added),
            changed=len(report.changed),
            renamed=len(report.renamed),
            deleted=len(report.deleted),
            unchanged=report.unchanged,
            problems=len(report.problems),
        )
    )


def _watch(session: Session, paths: Sequence[Path], taken: _State, *, dry_run: bool) -> None:
    session.terminal.note(text("cli.watching"))
    before = taken
    while True:
        time.sleep(POLL_SECONDS)
        now = _state(paths)
        # An editor may write a file in several steps: wait until two looks agree.
        if now != taken and now == before:
            try:
                _once(session, [path for path in paths if path.exists()], dry_run=dry_run)
            except Busy as error:
                session.report(error)  # and try again at the next look
            except TerakoyaError as error:
                session.report(error)
                taken = now
            else:
                taken = now
        before = now


def _state(paths: Sequence[Path]) -> _State:
    # Polled, since events do not come from network drives and some file systems.
    found = set()
    for path in paths:
        for file in [path] if path.is_file() else path.rglob("*"):
            try:
                status = file.stat()
            except OSError:  # gone between listing and looking
                continue
            if file.is_file():
                found.add((str(file), status.st_mtime_ns, status.st_size))
    return frozenset(found)
