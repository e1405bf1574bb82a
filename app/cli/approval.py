"""Asking the person at the terminal whether a tool may be called."""

import json
import sys
from typing import Any, Final

from app.cli.cells import one_line
from app.cli.terminal import Terminal
from app.deciding import nobody
from terakoya.catalogue import text
from terakoya.protocols import Decide
from terakoya.types import Approval, Decision

_ABOUT: Final = 200


def decider(terminal: Terminal) -> Decide:
    """Asks on stderr and reads from stdin, where a person sits at both; elsewhere every call is refused."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return nobody

    def decide(approval: Approval) -> Decision:
        _show(terminal, approval)
        while True:
            said = _line(text("cli.approval_ask")).strip().lower()
            if said in ("y", "yes", "はい"):
                return Decision(verdict="approve")
            if said in ("n", "no", "", "いいえ"):
                return Decision(verdict="refuse")
            if said in ("e", "edit", "編集"):
                arguments = _arguments(terminal)
                if arguments is not None:
                    return Decision(verdict="edit", arguments=arguments)

    return decide


def _show(terminal: Terminal, approval: Approval) -> None:
    terminal.note("")
    key = "cli.approval_uncertain" if approval.reason == "uncertain" else "cli.approval_changes"
    terminal.note(text(key, tool=approval.call.tool))
    if approval.about:
        terminal.note(f"  {one_line(approval.about)[:_ABOUT]}")
    for line in json.dumps(approval.call.arguments, ensure_ascii=False, indent=2).splitlines():
        terminal.note(f"  {line}")
    if approval.problem:
        terminal.note(approval.problem)


def _arguments(terminal: Terminal) -> dict[str, Any] | None:
    """Arguments as the person types them; None where they are no JSON object."""
    try:
        given = json.loads(_line(text("cli.approval_edit")))
    except ValueError as error:
        terminal.note(text("cli.approval_json", reason=error))
        return None
    if not isinstance(given, dict):
        terminal.note(text("cli.approval_json", reason=type(given).__name__))
        return None
    return given


def _line(prompt: str) -> str:
    """One line of stdin; nothing at its end. The prompt goes to stderr, as stdout is for the answer."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return sys.stdin.readline().rstrip("\n")
