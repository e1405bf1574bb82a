"""`terakoya feedback`: the thumbs that were given, and the way from one to a case of a suite."""

import argparse
import json

from app.cli.cells import one_line
from app.cli.session import Session
from terakoya.catalogue import text
from terakoya.errors import TerakoyaError


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Runs the action."""
    return promote(session, arguments) if arguments.action == "promote" else listed(session, arguments)


def listed(session: Session, arguments: argparse.Namespace) -> int:
    """Lists the thumbs, the latest first."""
    with session.backend() as backend:
        items = backend.feedback()
    if getattr(arguments, "down", False):
        items = [item for item in items if not item.value]
    for item in items[: getattr(arguments, "number", 20)]:
        if session.terminal.json:
            session.terminal.record(item)
            continue
        thumb = text("cli.feedback_up" if item.value else "cli.feedback_down")
        asked = one_line(item.question) or text("cli.feedback_lost")
        session.terminal.say(
            f"{item.trace_id[:12]}  {item.given_at[:16].replace('T', ' ')}  {thumb}  {asked}"
        )
        if item.comment:
            session.terminal.say(f"              {one_line(item.comment)}")
    if not items and not session.terminal.json:
        session.terminal.note(text("cli.feedback_none"))
    return 0


def promote(session: Session, arguments: argparse.Namespace) -> int:
    """Makes a case of a thumb, and an item in Langfuse where it is configured."""
    from app.feedback import the_one
    from app.langfuse.project import configured
    from app.promoting import promote as promoted
    from app.promoting import put_into_dataset
    from app.tracing.factory import outward_masker

    with session.backend() as backend:
        item = the_one(backend.feedback(), arguments.id)
    made = promoted(
        item,
        arguments.suite,
        expected=arguments.expected,
        passages=arguments.passage,
        unanswerable=arguments.unanswerable,
        must_pass=arguments.must_pass,
        case_id=arguments.case,
    )
    account, in_langfuse = configured(session.settings), False
    if account:
        try:
            masker = outward_masker(session.settings)
            put_into_dataset(account, arguments.suite, made, item.trace_id, masker)
            in_langfuse = True
        except TerakoyaError as error:
            session.terminal.note(text("cli.feedback_later", message=error.message(), path=arguments.suite))
    if session.terminal.json:
        line = {
            "case": made.case,
            "suite": made.suite,
            "line": made.line,
            "new": made.line > 0,
            "langfuse": in_langfuse,
        }
        session.terminal.piece(json.dumps(line, ensure_ascii=False) + "\n")
    key = "cli.feedback_promoted" if made.line else "cli.feedback_known"
    session.terminal.say(text(key, case=made.case, path=arguments.suite, line=made.line))
    if in_langfuse:
        session.terminal.say(text("cli.feedback_item", dataset=made.suite))
    return 0
