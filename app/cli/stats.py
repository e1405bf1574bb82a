"""`terakoya stats`: how the installation is used, from the trace files of this machine."""

import argparse
import os
from collections.abc import Sequence

from app.cli.cells import filled, one_line, width
from app.cli.session import Session
from app.statistics import statistics
from app.tracing.account import account
from terakoya.catalogue import text


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Prints days, steps, and the traces that are worth a look."""
    terminal, settings = session.terminal, session.settings
    project = account(os.environ, settings)
    counted = statistics(settings.traces_path, arguments.days, server=project.base_url if project else "")
    if terminal.json:
        terminal.record(counted)
        return 0
    days = [
        [d.day, d.questions, d.abstained, d.errors, d.up, d.down, d.input_tokens, d.output_tokens]
        for d in counted.days
        if d.questions or d.day == counted.days[-1].day
    ]
    titles = ("day", "questions", "abstained", "errors", "up", "down", "input", "output")
    for line in _table([[text(f"cli.stats_{title}") for title in titles], *days]):
        terminal.say(line)
    if counted.steps:
        terminal.say()
        steps = [[s.name, s.count, f"{s.p50:.1f}", f"{s.p90:.1f}", f"{s.p99:.1f}"] for s in counted.steps]
        head = [text("cli.stats_step"), text("cli.stats_count"), "p50 ms", "p90 ms", "p99 ms"]
        for line in _table([head, *steps]):
            terminal.say(line)
    if counted.noted:
        terminal.say()
        for each in counted.noted:
            why = text(f"cli.stats_why_{each.why}")
            terminal.say(
                f"{each.trace_id[:12]}  {each.milliseconds:>9,.0f} ms  {why}  {one_line(each.question)}"
            )
            if each.link:
                terminal.say(f"    {one_line(each.link)}")
    return 0


def _table(rows: Sequence[Sequence[object]]) -> list[str]:
    cells = [[one_line(str(cell)) for cell in row] for row in rows]
    sizes = [max(width(cell) for cell in column) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            filled(cell, size, right=n > 0) for n, (cell, size) in enumerate(zip(row, sizes, strict=True))
        )
        for row in cells
    ]
