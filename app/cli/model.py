"""`terakoya model`: which chat models there are, getting one, and choosing it."""

import argparse
import re
from pathlib import Path
from typing import Final

from app.cli.session import Session
from terakoya.api.models import ModelFile, ModelRemoved, ModelUse
from terakoya.catalogue import text
from terakoya.errors import BadInput

_MIB: Final = 2**20
_URL: Final = re.compile(r"https?://", re.IGNORECASE)


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Runs the action."""
    from app.cli import model_trials

    actions = {
        "list": show,
        "pull": pull,
        "use": use,
        "remove": remove,
        "verify": model_trials.verify,
        "bench": model_trials.bench,
        "perplexity": model_trials.perplexity,
        "quantize": model_trials.quantize,
    }
    return actions[arguments.action](session, arguments)


def show(session: Session, arguments: argparse.Namespace) -> int:
    """Prints the models with the memory that each needs here."""
    from app.cli.model_table import table
    from app.models.memory import available_memory
    from app.models.overview import overview

    free = available_memory()
    models = overview(session.settings, free=free)
    terminal = session.terminal
    if terminal.json:
        for model in models:
            terminal.record(model)
        return 0
    for line in table(models, terminal.columns):
        terminal.say(line)
    shown = text("cli.model_unknown_memory") if free is None else f"{free / 2**30:.1f} GiB"
    terminal.say()
    terminal.say(text("cli.model_memory", context=session.settings.context_tokens, free=shown))
    if not any(model.used for model in models):
        terminal.say(text("cli.model_unused"))
    for model in models:
        if model.problem:
            terminal.note(text("cli.model_problem", name=model.name, problem=model.problem))
    return 0


def pull(session: Session, arguments: argparse.Namespace) -> int:
    """Downloads a model of the catalogue, or a file at an address."""
    from app.home import prepare_home
    from app.models.catalogue import catalogue
    from app.models.download import Download
    from app.models.library import Library

    settings, terminal = session.settings, session.terminal
    library = Library(settings.models_path)
    wanted = arguments.model
    if _URL.match(wanted):
        address, size, checksum = wanted, 0, arguments.sha256 or ""
        name = arguments.name or Path(wanted.partition("?")[0]).stem
    else:
        entry = catalogue().get(wanted)
        if entry is None:
            raise BadInput("model_unknown", name=wanted, names=", ".join(catalogue()))
        address, size = entry.address(settings.model_hub), entry.footprint.weights
        checksum = arguments.sha256 or entry.sha256
        name = arguments.name or entry.name
    if checksum and not re.fullmatch(r"[0-9a-fA-F]{64}", checksum):
        raise BadInput("model_sha256", value=checksum)
    path = library.path(name)
    prepare_home(settings.home)
    if path.exists():
        origin = library.origin(path)
        if origin is None or (checksum and origin.sha256 != checksum.lower()):
            raise BadInput("model_exists", path=path, name=name)
        terminal.note(text("cli.model_here", path=path))
        checked = bool(checksum)
    else:
        download = Download(address, path, library, size=size, sha256=checksum)
        try:
            with terminal.progress(f"{name} (MiB)") as meter:
                origin = download.run(lambda done, total: meter(done // _MIB, -(-total // _MIB), name))
        except KeyboardInterrupt:
            terminal.note(text("cli.model_kept", command=f"terakoya model pull {wanted}"))
            raise
        checked = download.checked
    report = ModelFile(
        name=name,
        path=str(path),
        address=origin.address,
        bytes=origin.bytes,
        sha256=origin.sha256,
        checked=checked,
    )
    if terminal.json:
        terminal.record(report)
        return 0
    terminal.say(text("cli.model_pulled", path=path, size=f"{origin.bytes / 2**30:.2f}"))
    terminal.say(text("cli.model_sha256" if checked else "cli.model_sha256_new", sha256=origin.sha256))
    terminal.say(text("cli.model_next", command=f"terakoya model use {name}"))
    return 0


def use(session: Session, arguments: argparse.Namespace) -> int:
    """Writes the setting: the models in the order given, each looked at before."""
    import os

    from app.models.choice import LocalChoice, choice_of, require_file
    from app.models.gguf import read_header
    from app.settings_file import set_list
    from terakoya.client import ServiceRecord, answers

    settings, terminal = session.settings, session.terminal
    named: list[str] = []
    for model in arguments.models:
        if model == "none":
            continue
        choice = choice_of(model, settings)
        if not isinstance(choice, LocalChoice):
            named.append(model)
            continue
        require_file(choice, settings)
        read_header(choice.path)
        ours = choice.path.parent == settings.models_path
        named.append(choice.name if ours else str(choice.path.absolute()))
    set_list(settings.file_path, "models", named or ["none"], instead_of=["model"])
    if terminal.json:
        terminal.record(ModelUse(models=named, path=str(settings.file_path)))
    elif named:
        terminal.say(text("cli.model_used", models=" -> ".join([*named, "extractive"])))
    else:
        terminal.say(text("cli.model_none"))
    for variable in ("TERAKOYA_MODELS", "TERAKOYA_MODEL"):
        if os.environ.get(variable):
            terminal.note(text("cli.model_overridden", variable=variable))
    record = ServiceRecord.read(settings.home)
    if record is not None and answers(record):
        terminal.note(text("cli.model_restart"))
    return 0


def remove(session: Session, arguments: argparse.Namespace) -> int:
    """Removes a file of the home."""
    from app.models.choice import LocalChoice, choice_of, chosen
    from app.models.library import Library

    settings, terminal = session.settings, session.terminal
    choice = choice_of(arguments.model, settings)
    if not isinstance(choice, LocalChoice):
        raise BadInput("model_remote", name=choice.name)
    in_use = any(isinstance(other, LocalChoice) and other.path == choice.path for other in chosen(settings))
    if in_use and not arguments.force:
        raise BadInput("model_in_use", name=choice.name)
    size = Library(settings.models_path).remove(choice.path)
    if terminal.json:
        terminal.record(ModelRemoved(name=choice.name, path=str(choice.path), bytes=size))
    else:
        terminal.say(text("cli.model_removed", path=choice.path, size=f"{size / 2**30:.2f}"))
    return 0
