"""`terakoya eval tune`: better settings, and what they are worth."""

import argparse
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.entry import INTERRUPTED
from app.cli.interrupt import interruptible
from app.cli.session import Session
from terakoya.catalogue import text

if TYPE_CHECKING:
    from app.tuning import Tuning
    from evals.tuning import Trial


def tune(session: Session, arguments: argparse.Namespace) -> int:
    """Searches settings on half of the cases, and reports on the other half."""
    from app.tuning import tune as search
    from app.tuning import tuned_path

    terminal = session.terminal
    tried = 0

    def told(trial: "Trial") -> None:
        nonlocal tried
        tried += 1
        if terminal.json:
            shape = {"type": "trial", "values": dict(trial.values), "score": _finite(trial.score)}
            terminal.piece(json.dumps(shape, ensure_ascii=False) + "\n")

    with interruptible(lambda: terminal.note(text("cli.stopping"))) as pressed:
        try:
            found = search(
                session.settings,
                [Path(suite) for suite in arguments.suites],
                metric=arguments.metric,
                assignments=arguments.set,
                trials=arguments.trials,
                seed=arguments.seed,
                to=arguments.to,
                say=terminal.note,
                metered=terminal.progress,
                cancelled=pressed,
                listen=told,
            )
        except KeyboardInterrupt:
            terminal.note(text("eval.tune_stopped", tried=tried))
            return INTERRUPTED
    place = arguments.to or tuned_path(session.settings)
    if terminal.json:
        terminal.piece(json.dumps({"type": "winner", **_fields(found)}, ensure_ascii=False) + "\n")
        return 0
    _print(session, found, place)
    return 0


def _fields(found: "Tuning") -> dict[str, object]:
    return {
        "metric": found.metric,
        "values": dict(found.winner.values),
        "searched": {
            "cases": found.searched,
            "before": _finite(found.tried[0].score),
            "after": _finite(found.winner.score),
        },
        "reported": [{**asdict(change), "certain": change.certain} for change in found.changes],
        "trials": len(found.tried),
    }


def _finite(score: float) -> float | None:
    """A score as JSON has numbers; None where the metric applied to no case."""
    return score if math.isfinite(score) else None


def _print(session: Session, found: "Tuning", place: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from evals.comparison import difference, interval, signed
    from evals.wording import number

    terminal = session.terminal
    winner = " ".join(f"{key}={value}" for key, value in found.winner.values.items())
    terminal.say(text("eval.tuned", trials=len(found.tried), winner=winner or text("eval.tuned_nothing")))
    terminal.say(
        text(
            "eval.tuned_on",
            metric=found.metric,
            cases=found.searched,
            before=number(abs(found.tried[0].score)),
            after=number(abs(found.winner.score)),
        )
    )
    if not found.winner.values:
        terminal.say(text("eval.tuned_written", path=place))
        return
    table = Table(title=text("eval.tuned_report", cases=found.reported), title_justify="left", box=None)
    table.add_column(text("eval.column_metric"), no_wrap=True)
    for name in ("before", "after", "change", "certain", "p"):
        table.add_column(text(f"eval.column_{name}"), justify="right", no_wrap=True)
    for change in found.changes:
        cells = (number(change.before), number(change.after), signed(difference(change)))
        table.add_row(change.metric, *cells, interval(change), number(change.p_corrected))
    Console().print(table)
    main = next((change for change in found.changes if change.metric == found.metric), None)
    drop = main.drop if main and main.drop is not None else 0.0
    worth = "better" if main and main.certain and drop < 0 else "worse" if drop > 0 else "open"
    terminal.say(text(f"eval.tuned_{worth}", metric=found.metric))
    terminal.say(text("eval.tuned_written", path=place))
    terminal.say(text("eval.tuned_use", path=place, home=session.settings.home / "tuned.toml"))
