"""The report for a terminal: metrics and gates as a table, then the cases that are not right."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evals.verdict import Judgement, Verdict
from evals.wording import bound, came, number, outcome, wanted
from terakoya.catalogue import text
from terakoya.text.normalise import printable

_STYLES = {"passed": "green", "failed": "bold red", "unchecked": "yellow"}


def print_report(judgements: Sequence[Judgement], console: Console) -> None:
    """Prints all suites."""
    for judgement in judgements:
        console.print(_table(judgement))
        report = judgement.report
        if report.known:
            console.print(Text(text("eval.known", known=report.known, cases=len(report.cases))))
        _print_misses(judgement, console)


def _table(judgement: Judgement) -> Table:
    report = judgement.report
    title = text("eval.title", suite=report.name, cases=len(report.cases), seconds=f"{report.seconds:.1f}")
    table = Table(title=Text(printable(title)), title_justify="left", title_style="bold")
    table.add_column(text("eval.column_metric"), no_wrap=True)
    for name in ("value", "standard_error", "cases"):
        table.add_column(text(f"eval.column_{name}"), justify="right")
    table.add_column(text("eval.column_gate"), no_wrap=True)
    table.add_column(text("eval.column_result"))
    for total in report.totals:
        verdicts = [v for v in judgement.verdicts if v.metric == total.metric]
        if total.value is None and not verdicts:
            continue
        numbers = (total.metric, number(total.value), number(total.standard_error), str(total.cases))
        table.add_row(*numbers, *(_cells(verdicts[0]) if verdicts else ()))
        for verdict in verdicts[1:]:
            table.add_row("", "", "", "", *_cells(verdict))
    return table


def _cells(verdict: Verdict) -> tuple[str, Text]:
    return bound(verdict), Text(outcome(verdict), style=_STYLES[verdict.status])


def _print_misses(judgement: Judgement, console: Console) -> None:
    misses = judgement.misses
    if not misses:
        return
    console.print(
        Text(text("eval.misses", count=len(misses), cases=len(judgement.report.cases)), style="bold")
    )
    for case in misses:
        # A terminal wraps long lines itself; a log keeps them whole, for searching.
        console.print(Text(printable(f"{case.id}  {case.question}"), style="bold"), soft_wrap=True)
        console.print(Text(f"  {text('eval.wanted')} {wanted(case)}"), soft_wrap=True)
        console.print(Text(f"  {text('eval.came')} {came(case)}"), soft_wrap=True)
    console.print()
