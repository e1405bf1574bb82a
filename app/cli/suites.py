"""`terakoya eval schema` and `terakoya eval import`: the form of suites, and suites of other files."""

import argparse
import json

from app.cli.session import Session
from terakoya.catalogue import text


def schema(session: Session, arguments: argparse.Namespace) -> int:
    """Prints the JSON Schema of suite files."""
    from evals.schema import suite_schema

    whole = suite_schema()
    session.terminal.piece(json.dumps(json.loads(whole)) + "\n" if session.terminal.json else whole)
    return 0


def import_suite(session: Session, arguments: argparse.Namespace) -> int:
    """Makes a suite of questions in another format."""
    from app.cli.datasets import drawn
    from evals import load_suite
    from evals.importers import KINDS, Options, write_draft

    options = Options(notes=arguments.notes, split=arguments.split, limit=arguments.limit)
    if arguments.kind == "langfuse" and not arguments.path.exists() and not arguments.path.suffix:
        draft = drawn(session.settings, str(arguments.path), options)
    else:
        draft = KINDS[arguments.kind](arguments.path, options)
    write_draft(draft, arguments.to)
    suite = load_suite(arguments.to)
    for reason, count in draft.left_out.items():
        session.terminal.note(text(f"eval.left_out_{reason}", count=count))
    session.terminal.say(
        text("eval.imported", cases=len(suite.cases), notes=len(suite.notes), path=arguments.to)
    )
    return 0
