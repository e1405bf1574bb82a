"""Two runs of one suite, side by side: metrics with their intervals, then the cases that changed."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evals.change import Change, changes
from evals.metrics import METRICS
from evals.pairing import Pair, paired, turned
from evals.report import Report
from evals.wording import came, number
from terakoya.catalogue import text
from terakoya.text.normalise import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What changed between two runs.

    Attributes:
        before: The earlier run.
        after: The later run.
        metrics: Every metric that both have, over the cases that both have.
        pairs: Every case of the later run, what changed first.
    """

    before: Report
    after: Report
    metrics: tuple[Change, ...]
    pairs: tuple[Pair, ...]


def compare(before: Report, after: Report) -> Comparison:
    """Pairs the cases of two runs by id, and tests every metric, corrected for all of them together."""
    return Comparison(before=before, after=after, metrics=changes(after, before), pairs=paired(after, before))


def print_comparison(comparison: Comparison, console: Console, *, title: str) -> None:
    """Prints a table of metrics, and the cases that changed."""
    table = Table(
        title=Text(printable(title)), title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    table.add_column(text("eval.column_metric"), no_wrap=True)
    for name in ("before", "after", "change", "certain", "p"):
        table.add_column(text(f"eval.column_{name}"), justify="right", no_wrap=True)
    table.add_column(text("eval.column_result"), no_wrap=True)
    for change in comparison.metrics:
        if change.before is None and change.after is None:
            continue
        table.add_row(
            change.metric,
            number(change.before),
            number(change.after),
            signed(difference(change)),
            interval(change),
            number(change.p_corrected),
            Text(_result(change), style=_style(change)),
        )
    console.print(table)
    console.print()
    console.print(Text(turned(comparison.pairs), style="bold"))
    for pair in comparison.pairs:
        if pair.changed:
            _print_case(pair, console)


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """As JSON Lines: one object a metric, then one for each case that changed."""
    for change in comparison.metrics:
        yield _line({"type": "metric", **asdict(change), "certain": change.certain})
    for pair in comparison.pairs:
        if pair.changed:
            former = asdict(pair.former) if pair.former else None
            yield _line({"type": "case", "turn": pair.turn, "before": former, "after": asdict(pair.case)})


def difference(change: Change) -> float | None:
    """By how much the metric's value is larger now."""
    return None if change.drop is None else sign(change.metric) * change.drop


def sign(metric: str) -> int:
    """What makes the difference of the values of a drop, which is positive where things are worse."""
    return 1 if metric in METRICS and METRICS[metric].direction == "lower" else -1


def signed(value: float | None) -> str:
    """A difference with its sign; a dash for nothing."""
    shown = number(None if value is None else abs(value))
    if value is None or float(shown) == 0:
        return shown
    return f"{'+' if value > 0 else '−'}{shown}"


def interval(change: Change) -> str:
    """The 95 % interval of the difference; empty where nothing is known of it, or nothing changed."""
    if change.drop is None or change.interval is None or not any((change.interval.low, change.interval.high)):
        return ""
    ends = (sign(change.metric) * change.interval.low, sign(change.metric) * change.interval.high)
    return f"[{signed(min(ends))}, {signed(max(ends))}]"


def direction(change: Change) -> str:
    """`better` or `worse` where the change is certain, else `uncertain`."""
    if not change.certain:
        return "uncertain"
    return "worse" if (change.drop or 0.0) > 0 else "better"


def _result(change: Change) -> str:
    return text(f"eval.{direction(change)}") if change.certain else ""


def _style(change: Change) -> str:
    return {"worse": "bold red", "better": "green", "uncertain": ""}[direction(change)]


def _print_case(pair: Pair, console: Console) -> None:
    turn = text(f"eval.turn_{pair.turn}")
    console.print(
        Text(printable(f"{turn}  {pair.case.id}  {pair.case.question}"), style="bold"), soft_wrap=True
    )
    if pair.former:
        console.print(Text(f"  {text('eval.column_before')}: {came(pair.former)}"), soft_wrap=True)
    console.print(Text(f"  {text('eval.column_after')}: {came(pair.case)}"), soft_wrap=True)


def _line(value: dict[str, object]) -> str:
    # An unpaired surrogate, which a model may emit, cannot be written as UTF-8.
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"
