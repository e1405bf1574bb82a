"""One suite under several settings, side by side: every column held against the first, case by case."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evals.change import Change, changes
from evals.comparison import difference, direction, interval, signed
from evals.statistics import holm
from evals.verdict import Judgement
from evals.wording import bound, number, outcome
from terakoya.catalogue import text
from terakoya.text.normalise import printable

_STYLES = {"worse": "bold red", "better": "green", "uncertain": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """A suite's columns.

    Attributes:
        judgements: One a column; each report names what was set as its `variant`.
        changes: For every column behind the first, what changed since the first, by metric. Their p are corrected
            for all metrics of all columns together.
    """

    judgements: tuple[Judgement, ...]
    changes: tuple[dict[str, Change], ...]

    @property
    def suite(self) -> str:
        """Name of the suite."""
        return self.judgements[0].report.suite

    @property
    def columns(self) -> list[str]:
        """What was set."""
        return [judgement.report.variant for judgement in self.judgements]

    @property
    def metrics(self) -> list[str]:
        """Those that have a value in any column."""
        totals = [total for j in self.judgements for total in j.report.totals if total.value is not None]
        return list(dict.fromkeys(total.metric for total in totals))


def matrix(judgements: Sequence[Judgement]) -> Matrix:
    """Compares every run with the first."""
    first = judgements[0].report
    found = [changes(judgement.report, first) for judgement in judgements[1:]]
    corrected = iter(holm([change.p for column in found for change in column]))
    columns = [
        {change.metric: replace(change, p_corrected=next(corrected)) for change in column} for column in found
    ]
    return Matrix(judgements=tuple(judgements), changes=tuple(columns))


def matrices(judgements: Sequence[Judgement]) -> list[Matrix]:
    """One for each suite that ran under several settings."""
    suites: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        suites.setdefault(judgement.report.suite, []).append(judgement)
    return [matrix(of_suite) for of_suite in suites.values() if len(of_suite) > 1]


def print_matrix(found: Matrix, console: Console) -> None:
    """Prints a table of metrics by settings, then the gates that do not hold."""
    title = text("eval.matrix", suite=found.suite, cases=len(found.judgements[0].report.cases))
    table = Table(title=Text(printable(title)), title_justify="left", title_style="bold")
    table.add_column(text("eval.column_metric"), no_wrap=True)
    for label in found.columns:
        table.add_column(Text(printable(label).replace(" ", "\n")), justify="right", overflow="fold")
    for metric in found.metrics:
        cells = [Text(number(found.judgements[0].report.total(metric).value))]
        for judgement, column in zip(found.judgements[1:], found.changes, strict=True):
            change = column.get(metric)
            words = cell(number(judgement.report.total(metric).value), change)
            cells.append(Text(words, style=_STYLES[direction(change)] if change else ""))
        table.add_row(metric, *cells)
    table.add_row(text("eval.column_gate"), *(Text(gates(j)) for j in found.judgements))
    console.print(table)
    console.print(Text(text("eval.matrix_how")), soft_wrap=True)
    for judgement in found.judgements:
        for verdict in judgement.verdicts:
            if verdict.status == "failed":
                line = f"{judgement.report.variant}: {verdict.metric} {bound(verdict)}: {outcome(verdict)}"
                console.print(Text(printable(line), style="bold red"), soft_wrap=True)
    console.print()


def matrix_lines(found: Matrix) -> Iterator[str]:
    """As JSON Lines: one object for each metric of each column behind the first."""
    for judgement, column in zip(found.judgements[1:], found.changes, strict=True):
        for change in column.values():
            line = {
                "type": "change",
                "suite": found.suite,
                "variant": judgement.report.variant,
                "first": found.columns[0],
                **asdict(change),
                "certain": change.certain,
            }
            yield json.dumps(line, ensure_ascii=False) + "\n"


def cell(value: str, change: Change | None) -> str:
    """A metric's value, and below it by how much that differs from the first column."""
    words = moved(change)
    return f"{value}\n{words}" if words else value


def moved(change: Change | None) -> str:
    """`+0.010 [-0.002, +0.022]`; empty where nothing changed."""
    if change is None or not (words := interval(change)):
        return ""
    return f"{signed(difference(change))} {words}"


def gates(judgement: Judgement) -> str:
    """Whether all gates of a column hold."""
    return text("eval.passed" if judgement.passed else "eval.failed")
