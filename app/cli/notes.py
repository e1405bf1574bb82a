"""`terakoya notes`: what is in the store."""

import argparse

from app.cli.session import Session
from terakoya.catalogue import text


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Lists the notes."""
    terminal = session.terminal
    with session.backend() as backend:
        notes = backend.notes()
    for note in notes:
        if terminal.json:
            terminal.record(note)
        else:
            found = ", ".join((note.language, note.encoding, *([note.repair] if note.repair else ())))
            chunks = text("cli.note_chunks", count=note.chunks)
            terminal.say(f"{note.source}  {note.title}  [{found}]  {chunks}")
    terminal.note(text("cli.notes_count", count=len(notes)))
    return 0
