"""`terakoya ingest`: notes on disk into the store, once or whenever they change."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app.cli.cells import one_line
from app.cli.entry import INTERRUPTED
from app.cli.progress import Meter
from app.cli.session import Session
from app.cli.terminal import Terminal
from app.cli.watching import Watch
from terakoya.api import IngestReport, Problem
from terakoya.catalogue import text
from terakoya.errors import BadInput, TerakoyaError, Unavailable

_LISTED: Final = 20
_LONGEST_REST: Final = 10.0


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Takes the paths in; 1 with `--strict` where a file could not be read, 130 where Ctrl-C stopped it."""
    paths = [path.expanduser().absolute() for path in arguments.paths]
    for path in paths:
        if not path.exists():
            raise BadInput("path_missing", path=path)
    watch = Watch(paths) if arguments.watch else None
    report = _ingested(session, paths, dry_run=arguments.dry_run)
    _tell(session.terminal, report, report.problems)
    if report.cancelled:
        return INTERRUPTED
    if watch is not None:
        session.terminal.note(text("cli.watching"))
        return _follow(session, watch, report, dry_run=arguments.dry_run)
    return 1 if arguments.strict and report.problems else 0


def _ingested(session: Session, paths: Sequence[Path], *, dry_run: bool) -> IngestReport:
    with session.backend() as backend, session.terminal.progress(text("cli.ingesting")) as progress:
        return backend.ingest(paths, dry_run=dry_run, progress=_Telling(progress))


class _Telling:
    """Says that vectors are being made, which the progress of an ingest tells by naming no note."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.begins = meter.begins
        self.stopping = meter.stopping

    def __call__(self, done: int, total: int, what: str) -> None:
        self._meter(done, total, what)
        if total and not what:
            self._meter.begins(text("cli.vectors"))


def _follow(session: Session, watch: Watch, report: IngestReport, *, dry_run: bool) -> int:
    """Takes in what changes, for ever; a problem is told once as long as it lasts."""
    told = report.problems
    trouble = ""
    rest = 0.0
    while not report.cancelled:
        time.sleep(max(watch.pause, rest))
        due = watch.due()
        for path in watch.gone():
            session.terminal.note(text("cli.watch_gone", path=one_line(str(path))))
        if not due:
            continue
        try:
            report = _ingested(session, due, dry_run=dry_run)
        except TerakoyaError as error:
            if trouble != (trouble := str(error)):
                session.report(error)
            if isinstance(error, Unavailable):  # and so it may be there at another look
                rest = min(2 * rest + watch.pause, _LONGEST_REST)
            else:
                watch.take()
            continue
        watch.take()
        trouble, rest = "", 0.0
        new = [problem for problem in report.problems if problem not in told]
        told = report.problems
        if new or report.cancelled or _changes(report):
            _tell(session.terminal, report, new)
    return INTERRUPTED


def _changes(report: IngestReport) -> bool:
    return bool(report.added or report.changed or report.renamed or report.deleted)


def _tell(terminal: Terminal, report: IngestReport, problems: Sequence[Problem]) -> None:
    if terminal.json or not report.dry_run:
        for problem in problems:
            terminal.note(_sentence(problem))
    if terminal.json:
        terminal.record(report)
    else:
        if report.dry_run:
            _plan(terminal, report)
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
    if report.cancelled:
        terminal.note(text("cli.ingest_stopped"))


def _plan(terminal: Terminal, report: IngestReport) -> None:
    for title, names in (
        (text("cli.plan_added"), report.added),
        (text("cli.plan_changed"), report.changed),
        (text("cli.plan_renamed"), report.renamed),
        (text("cli.plan_deleted"), report.deleted),
        (text("cli.plan_problems"), [_sentence(problem) for problem in report.problems]),
    ):
        if names:
            terminal.say(title, style="bold")
            terminal.names(names, at_most=_LISTED)


def _sentence(problem: Problem) -> str:
    path, message = one_line(problem.path), one_line(problem.message)
    return text("cli.ingest_problem", path=path, message=message)
