"""`terakoya ask`: an answer with the places it stands on."""

import argparse
from collections.abc import Callable
from itertools import chain, islice
from typing import Any

from app.cli.approval import decider
from app.cli.backend import Backend, Listen
from app.cli.cells import one_line
from app.cli.entry import INTERRUPTED
from app.cli.queries import queries
from app.cli.session import Session
from app.cli.terminal import Terminal
from terakoya.api import AskResult, page_name
from terakoya.catalogue import text
from terakoya.protocols import Decide
from terakoya.text.normalise import squeeze
from terakoya.types import Effort, SecondMessage


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Answers each question."""
    asked = queries(arguments.query, arguments.batch)
    first = list(islice(asked, 1))  # wrong use shows before anything is opened
    effort: Effort = arguments.effort or session.settings.effort
    with session.backend() as backend:
        for question in chain(first, asked):
            if arguments.batch is not None and not session.terminal.json:
                session.terminal.say(text("cli.question", question=question), style="bold")
            result = answer(
                session.terminal,
                backend,
                question,
                effort=effort,
                thread_id=arguments.thread,
                second_message=arguments.second_message,
            )
            if result.interrupted:
                return INTERRUPTED
    return 0


def answer(
    terminal: Terminal,
    backend: Backend,
    question: str,
    *,
    effort: Effort,
    thread_id: str | None,
    second_message: SecondMessage | None = None,
) -> AskResult:
    """Asks one question and prints what comes."""

    def ask(listen: Listen, decide: Decide) -> AskResult:
        return backend.ask(
            question,
            effort=effort,
            thread_id=thread_id,
            second_message=second_message,
            listen=listen,
            decide=decide,
        )

    return told(terminal, ask)


def told(terminal: Terminal, ask: Callable[[Listen, Decide], AskResult]) -> AskResult:
    """Prints an answer: as it comes where a person watches, else whole."""
    if not terminal.interactive:
        result = ask(lambda kind, data: _notice(terminal, kind, data), decider(terminal))
        if terminal.json:
            terminal.record(result)
            return result
        terminal.say(result.answer)
    else:
        stream = _Stream(terminal)
        result = ask(stream.listen, decider(terminal))
        stream.finish(result.answer)
    citations(terminal, result)
    if result.interrupted:
        terminal.note(text("cli.interrupted"))
    return result


def citations(terminal: Terminal, result: AskResult) -> None:
    """Prints the places, with their lines and their words."""
    if result.citations:
        terminal.say()
        if not result.answered:
            terminal.say(text("cli.nearest"))
    for citation in result.citations:
        source, heading = one_line(citation.source), one_line(" > ".join(citation.heading))
        page = page_name(citation.source, citation.page)
        lines = f"{citation.start_line}-{citation.end_line}" + (f" ({page})" if page else "")
        terminal.say(f"[{citation.marker}] {source}:{lines}  {heading}".rstrip())
        if squeeze(citation.quote) in squeeze(result.answer):
            continue  # an answer that quotes has shown it already
        terminal.marked(citation.quote, citation.marks, indent="    ")
    _suspicious(terminal, result)


def _suspicious(terminal: Terminal, result: AskResult) -> None:
    if result.suspicious:
        terminal.say()
        terminal.say(text("guard.suspicious", count=len(result.suspicious)), style="bold")
    for place in result.suspicious:
        why = text(f"guard.{place.suspicion}")
        terminal.say(f"  {one_line(place.source)}:{place.start_line}-{place.end_line}  ({why})")
        terminal.marked(place.quote, (), indent="    ")


def _notice(terminal: Terminal, kind: str, data: dict[str, Any]) -> None:
    if kind == "notice":
        terminal.note(data["message"])


class _Stream:
    """Prints an answer while it grows, and says so when a later check changed it."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._shown = ""

    def listen(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "token":
            self._shown += data["text"]
            self._terminal.piece(data["text"])
        elif kind == "replace":
            self._become(data["text"])
        else:
            _notice(self._terminal, kind, data)

    def finish(self, answer: str) -> None:
        self._become(answer)
        self._terminal.say()

    def _become(self, whole: str) -> None:
        if whole.startswith(self._shown):
            self._terminal.piece(whole[len(self._shown) :])
        elif whole.strip() != self._shown.strip():
            self._terminal.say()
            self._terminal.say(text("cli.replaced"), style="italic")
            self._terminal.piece(whole)
        self._shown = whole
