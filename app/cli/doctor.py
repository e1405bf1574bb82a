"""`terakoya doctor`: what works here, what does not, and what to do."""

import argparse
from typing import Final

from app.cli.session import Session
from terakoya.api import Check
from terakoya.catalogue import text
from terakoya.client import ServiceClient
from terakoya.errors import TerakoyaError

_STYLES: Final = {"ok": "green", "off": "dim", "building": "yellow", "problem": "bold red"}


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Prints the checks; 1 where one found a problem."""
    checks = _checks(session)
    terminal = session.terminal
    for check in checks:
        if terminal.json:
            terminal.record(check)
            continue
        word = text(f"doctor.status_{check.status}")
        terminal.say(f"{word:<10} {check.name:<10} {check.detail}", style=_STYLES[check.status])
        if check.remedy:
            terminal.say(f"{'':<21} -> {check.remedy}")
    return 1 if any(check.status == "problem" for check in checks) else 0


def _checks(session: Session) -> list[Check]:
    from app.doctor import diagnose

    settings = session.settings
    client = ServiceClient.discover(settings.home)
    if client is not None:
        with client:
            return client.status().checks
    try:
        installation = session.opener()(settings)
    except TerakoyaError as error:
        return diagnose(settings, store=error)
    try:
        return installation.status().checks
    finally:
        installation.close()
