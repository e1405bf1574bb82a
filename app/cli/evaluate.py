"""`terakoya eval run`: suites, with their gates and reports."""

import argparse
from pathlib import Path

from app.cli.session import Session


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Runs the suites; 1 where a gate does not hold."""
    from app.evaluating import run_suites

    return run_suites(
        session.settings,
        [Path(suite) for suite in arguments.suites],
        baseline=arguments.baseline,
        junit=arguments.junit,
        summary=arguments.summary,
        json_lines=session.terminal.json,
    )
