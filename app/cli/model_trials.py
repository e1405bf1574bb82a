"""`terakoya model verify|bench|perplexity|quantize`: what loads a model to see what it does."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.session import Session
from terakoya.api.models import ModelFile, ModelPerplexity
from terakoya.catalogue import text
from terakoya.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from app.cli.progress import Meter
    from app.models.choice import LocalChoice

_LONGEST_TEXT = 64 * 2**20


def verify(session: Session, arguments: argparse.Namespace) -> int:
    """Checks a model's file, and lets it say one token."""
    from app.models.verify import verify as verified

    report = verified(_local(session, arguments.model), session.settings)
    terminal = session.terminal
    if terminal.json:
        terminal.record(report)
        return 0
    terminal.say(text(f"cli.model_checksum_{report.checksum}", sha256=report.sha256))
    terminal.say(
        text(
            "cli.model_header",
            architecture=report.architecture,
            quantization=report.quantization or "?",
            context=report.context,
        )
    )
    terminal.say(text("cli.model_speaks", token=report.token, seconds=f"{report.load_seconds:.1f}"))
    return 0


def bench(session: Session, arguments: argparse.Namespace) -> int:
    """Measures speed and memory of models."""
    from app.models.bench import bench as measured
    from app.models.choice import choice_of, chosen

    settings, terminal = session.settings, session.terminal
    named = [choice_of(name, settings) for name in arguments.models] or chosen(settings)
    if not named:
        raise BadInput("model_nothing")
    for choice in named:
        report = measured(
            choice, settings, prompt=arguments.prompt, output=arguments.output, rounds=arguments.rounds
        )
        if terminal.json:
            terminal.record(report)
            continue
        terminal.say(report.name)
        terminal.say(text("cli.bench_first", seconds=f"{report.first_token:.2f}", tokens=report.input_tokens))
        terminal.say(text("cli.bench_speed", prefill=f"{report.prefill:.1f}", decode=f"{report.decode:.1f}"))
        if report.memory is not None and report.foreseen is not None:
            terminal.say(
                text(
                    "cli.bench_memory",
                    memory=f"{report.memory / 2**30:.2f}",
                    foreseen=f"{report.foreseen / 2**30:.2f}",
                    seconds=f"{report.load_seconds:.1f}",
                )
            )
    return 0


def perplexity(session: Session, arguments: argparse.Namespace) -> int:
    """Measures how well models foretell a text."""
    from app.models.gguf import read_header
    from app.models.trial import run_trial

    terminal = session.terminal
    content = _read(arguments.text)
    for name in arguments.models:
        choice = _local(session, name)
        header = read_header(choice.path)
        request = {
            "text": content,
            "window": arguments.window,
            "overlap": not arguments.no_overlap,
            "threads": _processors(),
        }
        with terminal.progress(choice.name) as meter:
            found = run_trial("perplexity", choice.path, request, partial(_tell, meter, choice.name))
        report = ModelPerplexity(name=choice.name, quantization=header.quantization, **found)
        if terminal.json:
            terminal.record(report)
        else:
            terminal.say(
                text(
                    "cli.perplexity",
                    name=report.name,
                    perplexity=f"{report.perplexity:.4f}",
                    error=f"{report.error:.4f}",
                    scored=report.scored,
                    window=report.window,
                )
            )
    return 0


def quantize(session: Session, arguments: argparse.Namespace) -> int:
    """Writes a model with smaller weights."""
    from app.home import prepare_home
    from app.models.gguf import read_header
    from app.models.library import Library, Origin, digest
    from app.models.trial import run_trial

    settings, terminal = session.settings, session.terminal
    choice = _local(session, arguments.model)
    header = read_header(choice.path)
    if header.quantized and not arguments.again:
        raise BadInput("quantize_again", name=choice.name, quantization=header.quantization)
    prepare_home(settings.home)
    library = Library(settings.models_path)
    target = arguments.to or library.path(f"{choice.name}-{arguments.type}")
    if target.exists():
        raise BadInput("model_exists", path=target, name=target.stem)
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_room(target.parent, header.size)
    except OSError as error:
        raise BadInput("eval_unwritable", path=target, reason=error.strerror or error) from None
    with _draft(target) as draft, terminal.progress(target.stem) as meter:
        run_trial(
            "quantize",
            choice.path,
            {
                "target": str(draft),
                "type": arguments.type,
                "again": arguments.again,
                "threads": _processors(),
            },
            partial(_tell, meter, target.stem),
        )
        written = read_header(draft)
        draft.replace(target)
    origin = Origin(address=str(choice.path.absolute()), sha256=digest(target), bytes=written.size, day="")
    if target.parent == settings.models_path:
        library.remember(target, origin)
    report = ModelFile(
        name=target.stem,
        path=str(target),
        address=origin.address,
        bytes=origin.bytes,
        sha256=origin.sha256,
        checked=False,
    )
    if terminal.json:
        terminal.record(report)
    else:
        sizes = {"before": f"{header.size / 2**30:.2f}", "after": f"{written.size / 2**30:.2f}"}
        terminal.say(text("cli.quantized", path=target, **sizes))
    return 0


def _tell(meter: "Meter", name: str, done: int, total: int) -> None:
    meter(done, total, name)


def _local(session: Session, name: str) -> "LocalChoice":
    from app.models.choice import LocalChoice, choice_of, require_file

    choice = choice_of(name, session.settings)
    if not isinstance(choice, LocalChoice):
        raise BadInput("model_remote", name=choice.name)
    require_file(choice, session.settings)
    return choice


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _LONGEST_TEXT:
            raise BadInput("perplexity_text", path=path, reason="> 64 MiB")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadInput("perplexity_text", path=path, reason="UTF-8") from None
    except OSError as error:
        raise BadInput("perplexity_text", path=path, reason=error.strerror) from None


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """A file beside the target that is gone if it does not become it."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        try:
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError as error:
            raise BadInput("eval_unwritable", path=target, reason=error.strerror or error) from None
        yield draft
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _require_room(folder: Path, needed: int) -> None:
    import shutil

    free = shutil.disk_usage(folder).free
    if free < needed:
        sizes = {"needed": f"{needed / 2**30:.1f}", "free": f"{free / 2**30:.1f}"}
        raise Unavailable("models_disk", path=folder, **sizes)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1
