"""`terakoya notes`: what is in the store, how one note was read, and how it goes."""

import argparse
import difflib
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

from app.cli.backend import Backend
from app.cli.cells import one_line
from app.cli.forget import forget
from app.cli.listing import table
from app.cli.queries import clean
from app.cli.session import Session
from app.cli.terminal import Terminal
from app.cli.tree import draw
from terakoya.api import AlikeNotes, NoteSummary
from terakoya.catalogue import text
from terakoya.errors import BadInput, NotFound

T = TypeVar("T")

_NEAR: Final = 3
_ALIKE: Final = 0.7
"""Least ratio of `difflib` of a name that is suggested."""
_NAMED: Final = 20


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Lists the notes, shows one, or takes some out of the store."""
    with session.backend() as backend:
        if arguments.action == "show":
            _show(session.terminal, backend, arguments)
        elif arguments.action == "duplicates":
            _duplicates(session.terminal, backend.duplicates(arguments.similarity))
        elif arguments.action == "forget":
            forget(session.terminal, backend, arguments)
        else:
            _list(session.terminal, backend.notes())
    return 0


def _list(terminal: Terminal, notes: Sequence[NoteSummary]) -> None:
    if terminal.json:
        for note in notes:
            terminal.record(note)
    elif notes:
        for number, line in enumerate(table(notes, terminal.columns)):
            terminal.say(line, style="" if number else "bold")
        for note in notes:
            for problem in note.problems:
                source, message = one_line(note.source), one_line(problem.message)
                terminal.say(text("cli.note_problem", source=source, message=message))
    passages = sum(note.chunks for note in notes)
    terminal.note(text("cli.notes_count", count=len(notes), passages=passages))


def _duplicates(terminal: Terminal, groups: Sequence[AlikeNotes]) -> None:
    for group in groups:
        if terminal.json:
            terminal.record(group)
            continue
        first, *others = group.notes
        terminal.say(one_line(first.source), style="bold")
        for note in others:
            # rounded down: only what is the same to the letter is 100 %
            terminal.say(f"  {int(100 * note.similarity):>3} %  {one_line(note.source)}")
    terminal.note(text("cli.duplicates", count=len(groups)))


def _show(terminal: Terminal, backend: Backend, arguments: argparse.Namespace) -> None:
    if arguments.tree:
        tree = opened(terminal, backend, arguments.note, backend.note_tree)
        if terminal.json:
            terminal.record(tree)
        else:
            for number, line in enumerate(draw(tree, terminal.columns)):
                terminal.say(line, style="" if number else "bold")
        return
    note = opened(terminal, backend, arguments.note, backend.note)
    if terminal.json:
        terminal.record(note)
        return
    lines = note.text.removesuffix("\n").split("\n")
    if terminal.interactive or arguments.number:
        size = len(str(len(lines)))
        lines = [f"{number:>{size}}  {line}" for number, line in enumerate(lines, 1)]
    terminal.say("\n".join(lines))


def opened(terminal: Terminal, backend: Backend, name: str, look: Callable[[str], T]) -> T:
    """What `look` gives for the note of that name, or for the only one whose path ends like it."""
    name = clean(name)
    try:
        return look(name)
    except NotFound:
        source = _source_of(name, [note.source for note in backend.notes()])
        terminal.note(one_line(source))
        return look(source)


def _source_of(name: str, sources: Sequence[str]) -> str:
    """The source that `name` means.

    Raises:
        BadInput: It means several, or none.
    """
    wanted = _comparable(name)
    for ending in (
        lambda source: source == wanted or source.endswith("/" + wanted),
        lambda source: wanted == str(PurePosixPath(source).with_suffix("")).rpartition("/")[2],
        lambda source: wanted.endswith("/" + source) and Path(name).expanduser().exists(),
    ):
        fitting = [source for source in sources if ending(_comparable(source))]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise BadInput("note_several", name=name, sources=_quoted(fitting))
    near = _near(wanted, sources)
    if near:
        raise NotFound("note_near", source=name, near=_quoted(near))
    raise NotFound("note_unknown", source=name)


def _near(wanted: str, sources: Sequence[str]) -> list[str]:
    """Sources that are spelled like `wanted`, or that it is a part of."""
    forms: dict[str, list[str]] = {}
    for source in sources:
        for form in {_comparable(source), _comparable(PurePosixPath(source).name)}:
            forms.setdefault(form, []).append(source)
    alike = difflib.get_close_matches(wanted, forms, n=_NEAR, cutoff=_ALIKE)
    found = [source for form in alike for source in forms[form]]
    found += [source for source in sources if wanted in _comparable(source)]
    return list(dict.fromkeys(found))[:_NEAR]


def _comparable(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()  # some file systems keep names decomposed


def _quoted(sources: Sequence[str]) -> str:
    shown = ", ".join(f"`{one_line(source)}`" for source in dict.fromkeys(sources[:_NAMED]))
    return shown if len(sources) <= _NAMED else f"{shown}, …"
