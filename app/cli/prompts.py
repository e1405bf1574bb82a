"""`terakoya prompts`: the prompt files, and what Langfuse has under a label."""

import argparse
import difflib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.session import Session
from terakoya.catalogue import text
from terakoya.errors import BadInput, CheckFailed

if TYPE_CHECKING:
    from app.langfuse.prompts import Labelled
    from workflows.prompts import Prompt


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Runs the action."""
    actions = {"push": push, "pull": pull, "diff": diff}
    return actions.get(arguments.action, listed)(session, arguments)


def listed(session: Session, arguments: argparse.Namespace) -> int:
    """Lists the prompts, with what Langfuse has where it is configured."""
    from app.langfuse.project import Project, configured
    from app.langfuse.prompts import labelled

    label, account = _label(session, arguments), configured(session.settings)
    files = _files(session, [])
    found: dict[str, Labelled] = {}
    if account and label:
        with Project(account) as project:
            found = {file.name: labelled(project, file, label) for file in files}
    for file in files:
        line: dict[str, Any] = {"name": file.name, "version": file.version, "hash": file.digest}
        line |= {"variables": list(file.variables), "settled": file.settled}
        if there := found.get(file.name):
            line |= {"label": label, "langfuse_version": there.version, "state": there.state(file)}
        if session.terminal.json:
            session.terminal.piece(json.dumps(line, ensure_ascii=False) + "\n")
            continue
        parts = [f"{file.name}  {text('cli.prompt_version', version=file.version, hash=file.digest)}"]
        if not file.settled:
            parts.append(text("cli.prompt_unsettled"))
        if there:
            key = f"cli.prompt_{there.state(file)}"
            parts.append(text(key, label=label, version=there.version, reason=there.reason))
        session.terminal.say("  ".join(parts))
    return 0


def push(session: Session, arguments: argparse.Namespace) -> int:
    """Makes versions of the files whose text Langfuse does not have under the label."""
    from app.langfuse.project import Project, required
    from app.langfuse.prompts import labelled
    from app.langfuse.prompts import push as pushed

    files, label = _files(session, arguments.names), _label(session, arguments)
    for file in files:
        if not file.settled:
            raise CheckFailed("prompt_unsettled", name=file.name, hash=file.digest)
    with Project(required(session.settings)) as project:
        for file in files:
            there = labelled(project, file, label)
            if there.state(file) == "same":
                key, version = "cli.prompt_same", there.version
            else:
                key, version = "cli.prompt_pushed", pushed(project, file, label, message=arguments.message)
            session.terminal.say(f"{file.name}  {text(key, label=label, version=version, reason='')}")
    return 0


def pull(session: Session, arguments: argparse.Namespace) -> int:
    """Writes what Langfuse has under the label into files; 1 where a prompt of it cannot be used."""
    from workflows.prompts import write_prompt

    settings = session.settings
    folder: Path = arguments.to or Path(settings.prompts or settings.home / "prompts").expanduser()
    refused = 0
    for file, there in _both(session, arguments):
        state = there.state(file)
        line = text(
            f"cli.prompt_{state}",
            label=_label(session, arguments),
            version=there.version,
            reason=there.reason,
        )
        if state == "differs" and there.prompt:
            from app.langfuse.prompts import as_file

            path = folder / f"{file.name}.md"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                path.write_text(write_prompt(as_file(file, there.prompt)), encoding="utf-8", newline="\n")
            except OSError as error:
                raise BadInput("eval_unwritable", path=path, reason=error.strerror or error) from None
            line = text("cli.prompt_pulled", path=path, version=there.version)
        refused += state == "refused"
        session.terminal.say(f"{file.name}  {line}")
    if str(folder) != settings.prompts and any(folder.glob("*.md")):
        session.terminal.note(text("cli.prompts_used", folder=folder))
    return 1 if refused else 0


def diff(session: Session, arguments: argparse.Namespace) -> int:
    """Shows how the texts of Langfuse differ from the files; 1 where one does."""
    differ = 0
    for file, there in _both(session, arguments):
        state = there.state(file)
        if state == "same":
            continue
        differ += 1
        label = _label(session, arguments)
        if state != "differs" or there.prompt is None:
            line = text(f"cli.prompt_{state}", label=label, version=there.version, reason=there.reason)
            session.terminal.say(f"{file.name}  {line}")
            continue
        names = (f"{file.name}.md", f"{file.name} {label} ({there.version})")
        lines = (file.template.splitlines(), there.prompt.template.splitlines())
        for line in difflib.unified_diff(*lines, *names, lineterm=""):
            session.terminal.say(line)
    return 1 if differ else 0


def _both(session: Session, arguments: argparse.Namespace) -> "list[tuple[Prompt, Labelled]]":
    from app.langfuse.project import Project, required
    from app.langfuse.prompts import labelled

    label = _label(session, arguments)
    with Project(required(session.settings)) as project:
        return [(file, labelled(project, file, label)) for file in _files(session, arguments.names)]


def _label(session: Session, arguments: argparse.Namespace) -> str:
    return str(getattr(arguments, "label", "") or session.settings.prompt_label or "production")


def _files(session: Session, names: Sequence[str]) -> "list[Prompt]":
    """The prompts as they stand in files, those of `names` alone where there are any."""
    from app.prompts import prompt_files
    from workflows.prompts import prompt_names

    known = prompt_names()
    for name in names:
        if name not in known:
            raise BadInput("prompt_name", name=name, known=", ".join(known))
    files = prompt_files(session.settings)
    return [files(name) for name in known if not names or name in names]
