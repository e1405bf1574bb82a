"""`terakoya thread`: conversations, and questions that a process left unanswered when it ended."""

import argparse
from collections.abc import Sequence

from app.cli.ask import told
from app.cli.backend import Backend
from app.cli.cells import one_line
from app.cli.entry import INTERRUPTED
from app.cli.session import Session
from terakoya.api import Unfinished
from terakoya.catalogue import text
from terakoya.errors import BadInput, NotFound

_SHORT = 12


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Runs the action."""
    actions = {"show": show, "resume": resume, "drop": drop}
    with session.backend() as backend:
        return actions.get(arguments.action, listed)(session, backend, arguments)


def listed(session: Session, backend: Backend, arguments: argparse.Namespace) -> int:
    """The conversations, the latest first, with what is unfinished in each."""
    terminal = session.terminal
    left = backend.unfinished()
    threads = backend.threads()
    if getattr(arguments, "unfinished", False):
        threads = [thread for thread in threads if thread.thread_id in {each.thread_id for each in left}]
    for thread in threads[: getattr(arguments, "number", 20)]:
        if terminal.json:
            terminal.record(thread)
            continue
        when = thread.updated[:16].replace("T", " ")
        terminal.say(f"{thread.thread_id[:_SHORT]}  {when}  {one_line(thread.title)}")
        for each in left:
            if each.thread_id == thread.thread_id:
                asked = text("cli.thread_unfinished", id=each.id, question=one_line(each.question))
                terminal.say(f"{'':{_SHORT}}  {asked}")
    if not threads and not terminal.json:
        terminal.note(text("cli.thread_none"))
    return 0


def show(session: Session, backend: Backend, arguments: argparse.Namespace) -> int:
    """The questions and answers of one conversation."""
    thread = backend.thread(_thread(backend, arguments.id))
    terminal = session.terminal
    if terminal.json:
        terminal.record(thread)
        return 0
    if thread.summary:
        terminal.say(text("cli.thread_summarised", count=thread.summary.turns), style="bold")
        terminal.say(thread.summary.text)
        terminal.say()
    for turn in thread.turns:
        terminal.say(text("cli.question", question=one_line(turn.question)), style="bold")
        terminal.say(turn.result.answer if turn.result else "...")
        terminal.say()
    for left in thread.unfinished:
        terminal.say(text("cli.thread_unfinished", id=left.id, question=one_line(left.question)))
    return 0


def resume(session: Session, backend: Backend, arguments: argparse.Namespace) -> int:
    """Goes on with an unfinished question: that one, or the oldest of a conversation."""
    left = _left(backend, arguments.id)[0]
    result = told(
        session.terminal, lambda listen, decide: backend.go_on(left.id, listen=listen, decide=decide)
    )
    return INTERRUPTED if result.interrupted else 0


def drop(session: Session, backend: Backend, arguments: argparse.Namespace) -> int:
    """Gives up an unfinished question, or all of a conversation."""
    for left in _left(backend, arguments.id):
        backend.drop(left.id)
        session.terminal.note(text("cli.thread_dropped", question=one_line(left.question)))
    return 0


def _thread(backend: Backend, id: str) -> str:
    return _one(id, [thread.thread_id for thread in backend.threads()])


def _left(backend: Backend, id: str) -> Sequence[Unfinished]:
    """The unfinished question of this id, or those of the conversation of this id."""
    left = backend.unfinished()
    known = [each.id for each in left] + list({each.thread_id: None for each in left})
    if id and not any(each.startswith(id) for each in known):
        raise NotFound("thread_finished", thread=_thread(backend, id))
    named = _one(id, known)
    return [each for each in left if named in (each.id, each.thread_id)]


def _one(id: str, known: Sequence[str]) -> str:
    found = [each for each in known if each.startswith(id)]
    if not id or not found:
        raise NotFound("thread_id_unknown", id=one_line(id))
    if len(found) > 1 and id not in found:
        raise BadInput("thread_several", id=id, ids=", ".join(each[:_SHORT] for each in found))
    return id if id in found else found[0]
