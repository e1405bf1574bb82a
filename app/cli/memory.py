"""`terakoya memory`: what you asked to remember, and taking it back."""

import argparse

from app.cli.cells import one_line
from app.cli.session import Session
from terakoya.catalogue import text


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Lists the facts, or takes one back."""
    terminal = session.terminal
    with session.backend() as backend:
        if arguments.action == "forget":
            backend.forget_fact(arguments.number)
            if not terminal.json:
                terminal.say(text("cli.fact_forgotten", number=arguments.number))
            return 0
        facts = backend.facts()
        for fact in facts:
            if terminal.json:
                terminal.record(fact)
            else:
                terminal.say(f"{fact.number}  {one_line(fact.text)}")
        if not facts and not terminal.json:
            terminal.note(text("cli.facts_none"))
    return 0
