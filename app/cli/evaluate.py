"""`terakoya eval run`: suites, with their gates and reports."""

import argparse
from pathlib import Path
from typing import Final

from app.cli import arena, datasets, runs, suites
from app.cli.entry import INTERRUPTED
from app.cli.interrupt import interruptible
from app.cli.session import Session
from app.cli.tune import tune
from terakoya.catalogue import text

ACTIONS: Final = {
    "schema": suites.schema,
    "import": suites.import_suite,
    "sync": datasets.sync,
    "history": runs.history,
    "compare": runs.compare,
    "accept": runs.accept,
    "tune": tune,
    "arena": arena.arena,
    "export": arena.export,
}


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Runs the suites, or what else the action names; 1 where a gate does not hold."""
    if action := ACTIONS.get(arguments.action):
        return action(session, arguments)
    from app.evaluating import run_suites
    from app.judging import judged_by
    from app.targets import target_opener
    from evals.metrics import load_metrics

    published = datasets.publisher(session.settings, asked=arguments.langfuse)
    own = load_metrics(arguments.metrics)  # before the suites, whose gates may name them
    with (
        judged_by(arguments.judge, session.settings, repeats=arguments.judge_repeats),
        interruptible(lambda: session.terminal.note(text("cli.stopping"))) as pressed,
    ):
        try:
            return run_suites(
                session.settings,
                [_suite(session, suite) for suite in arguments.suites],
                baseline=arguments.baseline,
                junit=arguments.junit,
                summary=arguments.summary,
                html=arguments.html,
                fresh=arguments.fresh,
                json_lines=session.terminal.json,
                own=own,
                assignments=arguments.set,
                metered=session.terminal.progress,
                cancelled=pressed,
                open_target=target_opener(arguments.target, timeout=arguments.target_timeout),
                published=published,
            )
        except KeyboardInterrupt:
            return INTERRUPTED


def _suite(session: Session, name: str) -> Path:
    """The file, or the suite of this name in the home, where the page puts cases."""
    path = Path(name)
    kept = session.settings.suites_path / f"{name}.yaml"
    return kept if path.name == name and not path.exists() and kept.is_file() else path
