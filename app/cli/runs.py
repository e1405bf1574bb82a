"""`terakoya eval history`, `compare` and `accept`: what earlier runs measured."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.cli.cells import filled, one_line, width
from app.cli.session import Session
from terakoya.catalogue import text
from terakoya.errors import BadInput, NotFound

if TYPE_CHECKING:
    from evals import Report
    from evals.history import History, Run

METRICS: Final = ("correct", "recall@5", "mrr@10", "latency_p95")
"""Those of a line; `--json` gives all."""
_GAP: Final = "  "


def history(session: Session, arguments: argparse.Namespace) -> int:
    """Lists the latest runs, the newest first."""
    from app.evaluating import history_path
    from evals.history import History

    with History(history_path(session.settings)) as file:
        runs = file.runs(arguments.suite, count=arguments.number)
    if arguments.suite and not runs:
        raise NotFound("eval_no_run", run=arguments.suite)
    if session.terminal.json:
        for run in runs:
            session.terminal.piece(json.dumps({"type": "run", **asdict(run)}, ensure_ascii=False) + "\n")
        return 0
    titles = [text(f"eval.column_{name}") for name in ("run", "started", "suite", "commit", "gate", "cases")]
    rows = [[*titles, *METRICS], *map(_cells, runs)]
    sizes = [max(map(width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            filled(cell, size, right=n > 4) for n, (cell, size) in enumerate(zip(row, sizes, strict=True))
        ]
        session.terminal.say(_GAP.join(cells).rstrip())
    return 0


def compare(session: Session, arguments: argparse.Namespace) -> int:
    """Compares two runs of one suite, case by case."""
    from rich.console import Console

    from evals.comparison import compare as compared
    from evals.comparison import comparison_lines, print_comparison

    before, after = _two(session, arguments.before, arguments.after)
    comparison = compared(before, after)
    if arguments.html is not None:
        _write_page(arguments.html, before, after)
    if session.terminal.json:
        for line in comparison_lines(comparison):
            session.terminal.piece(line)
        return 0
    named = [f"{name} ({report.started})" for name, report in zip(
        (arguments.before, arguments.after), (before, after), strict=True
    )]  # fmt: skip
    title = text("eval.compared", suite=after.suite, before=named[0], after=named[1])
    print_comparison(comparison, Console(), title=title)
    return 0


def accept(session: Session, arguments: argparse.Namespace) -> int:
    """Writes runs into a baseline file; other suites in it stay."""
    from app.evaluating import history_path
    from evals import read_baseline, write_baseline
    from evals.history import History

    path: Path = arguments.baseline
    reports = dict(read_baseline(path)) if path.exists() and path.stat().st_size else {}
    with History(history_path(session.settings)) as file:
        runs = [_accepted(file, name) for name in arguments.runs]
        suites = [run.suite for run in runs]
        if twice := next((suite for n, suite in enumerate(suites) if suite in suites[:n]), None):
            raise BadInput("eval_accept_twice", suite=twice)
        for run in runs:
            reports[run.suite] = file.report(run)
    write_baseline(path, list(reports.values()))
    for run in runs:
        session.terminal.say(
            text("eval.accepted", path=path, suite=run.suite, run=run.id, started=run.started)
        )
    return 0


def _accepted(file: "History", name: str) -> "Run":
    """The run that is meant.

    Raises:
        BadInput: A suite's name, and its run had several columns: nobody knows which is the one to keep to.
    """
    run = file.find(name)
    columns = file.beside(run)
    if len(columns) > 1 and not run.id.startswith(name):
        shown = ", ".join(f"`{each.id}` ({each.variant})" for each in columns)
        raise BadInput("eval_accept_columns", run=name, count=len(columns), columns=shown)
    return run


def _cells(run: "Run") -> list[str]:
    from evals.wording import number

    return [
        run.id,
        run.started[:16].replace("T", " "),
        one_line(f"{run.suite} [{run.variant}]" if run.variant else run.suite),
        run.commit,
        text("eval.passed" if run.passed else "eval.failed"),
        str(run.cases),
        *(number(run.value(metric)) for metric in METRICS),
    ]


def _two(session: Session, first: str, second: str) -> "tuple[Report, Report]":
    """Two runs, each from the history or from a baseline file.

    Raises:
        BadInput: They are of different suites.
    """
    from app.evaluating import history_path
    from evals import read_baseline
    from evals.history import History

    held = {name: read_baseline(Path(name)) for name in (first, second) if Path(name).is_file()}
    found: dict[str, Report] = {}
    if set(held) != {first, second}:
        with History(history_path(session.settings)) as file:
            found = {name: _of(file, name) for name in (first, second) if name not in held}
    if not found:
        shared = [suite for suite in held[second] if suite in held[first]]
        if len(shared) != 1:
            names = ", ".join({*held[first], *held[second]})
            raise BadInput("eval_other_suites", first=first, second=second, suites=names)
        return held[first][shared[0]], held[second][shared[0]]
    suites = {report.suite for report in found.values()}
    reports = []
    for name in (first, second):
        report = found.get(name) or next((held[name][s] for s in suites if s in held.get(name, {})), None)
        if report is None or len(suites) != 1:
            names = ", ".join(sorted({*suites, *(s for each in held.values() for s in each)}))
            raise BadInput("eval_other_suites", first=first, second=second, suites=names)
        reports.append(report)
    return reports[0], reports[1]


def _of(file: "History", name: str) -> "Report":
    return file.report(file.find(name))


def _write_page(path: Path, before: "Report", after: "Report") -> None:
    from evals import judge
    from evals.html import html_report

    page = html_report([judge(after, ())], baselines={after.suite: before})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise BadInput("eval_unwritable", path=path, reason=error.strerror or error) from None
