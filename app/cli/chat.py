"""`terakoya chat`: one conversation in the terminal."""

import argparse
import sys

from app.cli.ask import answer
from app.cli.queries import clean
from app.cli.session import Session
from terakoya.catalogue import text
from terakoya.types import Effort


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Reads questions until `/quit` or the end of input; `/new` begins another conversation."""
    terminal = session.terminal
    effort: Effort = arguments.effort or session.settings.effort
    thread_id: str | None = arguments.thread
    if sys.stdin.isatty():
        import readline  # noqa: F401 (its import gives `input` line editing)

        terminal.note(text("cli.chat_hello"))
    with session.backend() as backend:
        while (question := _read()) is not None:
            if question == "/quit":
                break
            if question == "/new":
                thread_id = None
                terminal.note(text("cli.chat_new"))
            elif question:
                try:
                    said = answer(terminal, backend, question, effort=effort, thread_id=thread_id)
                    thread_id = said.thread_id
                except BrokenPipeError:  # nobody reads any more
                    raise
                except Exception as error:  # the conversation goes on
                    session.report(error)
                # A person may think for an hour, and another process may want the store meanwhile.
                backend.release()
    return 0


def _read() -> str | None:
    try:
        if sys.stdin.isatty() and sys.stdout.isatty():
            return clean(input("\n> ")).strip()
        line = sys.stdin.buffer.readline()
        return line.decode("utf-8", "replace").removeprefix("\ufeff").strip() if line else None
    except EOFError:
        return None
