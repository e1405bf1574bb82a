"""Whom `--target` names: an installation of the suite's own, the running service, or a command."""

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from app.asker import this_session
from app.settings import Settings
from app.suite_target import LocalOpening, Say
from evals import Suite
from evals.case import OFFERS
from evals.targets import TIMEOUT, CommandTarget, ServiceTarget
from terakoya.catalogue import text
from terakoya.client import ServiceClient
from terakoya.errors import BadInput, Unavailable
from terakoya.protocols import Offer, Target

LOCAL: Final = "local"
SERVICE: Final = "service"
_FEW: Final = 3


def target_opener(named: str, *, timeout: float = TIMEOUT) -> Callable[[Settings, Suite, Say], Target]:
    """How to open what `named` names: `local`, `service`, or a command.

    Args:
        named: As the user wrote it.
        timeout: Seconds that a command may take for a question.
    """
    if named == LOCAL:
        return LocalOpening()
    if named == SERVICE:
        return open_service_target
    return partial(open_command_target, named, timeout=timeout)


def open_service_target(settings: Settings, suite: Suite, say: Say) -> ServiceTarget:
    """The service of the home, with the notes that it has.

    Raises:
        Unavailable: No service is up.
        BadInput: It has none of the suite's notes, or the suite asks of it what no service does: to answer over
            given passages, or without lines of a note.
    """
    if suite.target == "answer":
        raise BadInput("eval_target_part", suite=suite.path, target=SERVICE, part=suite.target)
    if suite.without:
        raise BadInput("eval_target_without", suite=suite.path, target=SERVICE)
    client = ServiceClient.discover(settings.home, asker=this_session())
    if client is None:
        raise Unavailable("eval_service_off", home=settings.home)
    try:
        target = ServiceTarget(
            client, sources=suite.notes.keys(), folder=suite.folder, offers=OFFERS[suite.target]
        )
    except BaseException:
        client.close()
        raise
    for key, sources in (("eval.service_missing", target.missing), ("eval.service_others", target.others)):
        if sources:
            shown = ", ".join(sources[:_FEW]) + (" ..." if len(sources) > _FEW else "")
            say(text(key, suite=suite.name, count=len(sources), notes=shown))
    return target


def open_command_target(
    command: str, settings: Settings, suite: Suite, say: Say, *, timeout: float
) -> CommandTarget:
    """A command; see `CommandTarget`. Where the suite takes lines out of its notes, `{notes}` is a copy without them.

    Raises:
        BadInput: It cannot be started, or the suite asks of it what no command does: to answer over given passages.
    """
    if suite.target == "answer":
        raise BadInput("eval_target_part", suite=suite.path, target=command, part=suite.target)
    folder, copy = suite.folder, None
    if suite.without:
        copy = Path(tempfile.mkdtemp(prefix="terakoya-notes-"))
        folder = copy / suite.folder.name
        suite.write_notes(folder)
    part: Offer = "search" if suite.target == "retrieval" else "ask"
    try:
        return CommandTarget(command, notes=folder, part=part, timeout=timeout, copy=copy)
    except BaseException:
        if copy is not None:
            shutil.rmtree(copy, ignore_errors=True)
        raise
