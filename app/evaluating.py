"""`terakoya eval run`: suites against an installation of their own, with reports and an exit code."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from app.home import prepare_home
from app.settings import Settings
from evals import (
    Judgement,
    Report,
    Suite,
    judge,
    judgement_lines,
    junit_xml,
    load_suites,
    markdown_summary,
    print_report,
    read_baseline,
    run_suite,
)
from terakoya.catalogue import text
from terakoya.errors import BadInput
from terakoya.protocols import Target
from terakoya.text.normalise import printable
from terakoya.types import Effort, Outcome, Ranking

if TYPE_CHECKING:
    from app.wiring import Installation

KEPT: Final = 4
"""Prepared note folders that stay in the cache."""

_PLACES: Final = frozenset({"home", "host", "port", "page_port", "environment", "log_level"})
_STORE_SETTINGS: Final = frozenset({"embedder", "max_note_mb"})
_STORE_PACKAGES: Final = (
    "sudachidict_core",
    "sudachipy",
    "PyStemmer",
    "markdown-it-py",
    "sentence-transformers",
)

Say = Callable[[str], None]
OpenTarget = Callable[[Settings, Suite, Say], Target]


def run_suites(
    settings: Settings,
    suites: Sequence[Path],
    *,
    baseline: Path | None = None,
    junit: Path | None = None,
    summary: Path | None = None,
    json_lines: bool = False,
    console: Console | None = None,
    messages: Console | None = None,
    open_target: "OpenTarget | None" = None,
) -> int:
    """Runs `suites`, writes the reports, and says whether all gates hold.

    Args:
        settings: What is measured; `settings.home` also holds the cache of prepared notes.
        suites: Suite files. All are read before the first one runs.
        baseline: An earlier run's JSON Lines, for gates with `max_drop`.
        junit: Where JUnit XML goes.
        summary: Where Markdown goes. It is also appended to the file that `GITHUB_STEP_SUMMARY` names.
        json_lines: Print one JSON object a case and one a suite in place of the table.
        console: Where the report goes; standard output by default.
        messages: Where progress goes; standard error by default.
        open_target: Makes what is asked; an installation with the suite's notes by default.

    Returns:
        0 where every gate holds, else 1.

    Raises:
        BadInput: A suite or the baseline cannot be used, or a report cannot be written.
        Unavailable: Something that the settings ask for is missing or busy.
    """
    console = console or Console()
    messages = messages or Console(stderr=True)
    opening = open_target or open_local_target
    loaded = load_suites(suites)
    former = _baseline(baseline, loaded, messages)
    for path in (junit, summary):
        _prepare(path)
    judgements = []
    for suite in loaded:
        report = _run(settings, suite, opening, messages)
        judgement = judge(report, suite.gates, baseline=former.get(suite.name))
        judgements.append(judgement)
        if json_lines:
            _print_lines(judgement, console)
        else:
            print_report([judgement], console)
    if junit is not None:
        _write(junit, junit_xml(judgements))
    page = markdown_summary(judgements).encode()
    if summary is not None:
        _write(summary, page)
    if step := os.environ.get("GITHUB_STEP_SUMMARY"):
        _write(Path(step), page, append=True)
    return 0 if all(judgement.passed for judgement in judgements) else 1


def settings_fingerprint(settings: Settings) -> str:
    """Digest of all settings that may change an answer: not of places and names."""
    values = settings.model_dump(mode="json", exclude=set(_PLACES))
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


class LocalTarget:
    """An installation as a target: every question in a thread of its own."""

    def __init__(self, installation: "Installation", home: Path) -> None:
        """Takes over `installation` and its `home`, which `close` removes."""
        self._installation = installation
        self._home = home

    def ask(self, question: str, *, effort: Effort = "normal") -> Outcome:
        """Asks in a new thread."""
        return self._installation.ask(question, effort=effort)

    def search(self, query: str, *, k: int = 10) -> Ranking:
        """Retrieval alone."""
        return self._installation.search(query, k=k)

    def close(self) -> None:
        """Closes the installation and removes the threads and traces of the run."""
        try:
            self._installation.close()
        finally:
            shutil.rmtree(self._home, ignore_errors=True)


def open_local_target(settings: Settings, suite: Suite, say: Say) -> LocalTarget:
    """Opens an installation that holds the suite's notes and nothing else, with the same settings.

    The store is built once and kept under `HOME/evals/<digest>`, where the digest is of the notes, the code
    that reads them and the settings that matter to a store. Threads and traces go to a folder that ends with
    the run.

    Raises:
        BadInput: The notes gave nothing to search.
        Unavailable: Something that the settings ask for is missing or busy.
    """
    from app.wiring import open_installation

    root = settings.home / "evals"
    prepare_home(settings.home)
    prepare_home(root)
    kept = root / _store_digest(settings, suite)
    if not kept.is_dir():
        say(text("eval.building", suite=suite.name))
        _build(settings, suite, kept, say)
    os.utime(kept)
    _prune(root)
    home = Path(tempfile.mkdtemp(prefix="run-", dir=root))
    try:
        located = settings.model_copy(update={"home": home})
        store = settings.model_copy(update={"home": kept}).store_path
        _link(store, located.store_path)
        return LocalTarget(open_installation(located), home)
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise


def _build(settings: Settings, suite: Suite, kept: Path, say: Say) -> None:
    from app.wiring import open_installation

    home = Path(tempfile.mkdtemp(prefix="build-", dir=kept.parent))
    try:
        installation = open_installation(settings.model_copy(update={"home": home}), write=True)
        try:
            report = installation.ingest([suite.folder])
        finally:
            installation.close()
        for problem in report.problems:
            say(text("eval.problem", suite=suite.name, path=problem.path, message=problem.message))
        if not report.chunks:
            reason = report.problems[0].message if report.problems else "0"
            raise BadInput("eval_ingest", suite=suite.name, reason=reason, folder=suite.folder)
        try:
            home.rename(kept)
        except OSError:
            if not kept.is_dir():  # else another run was first, with the same notes
                raise
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _store_digest(settings: Settings, suite: Suite) -> str:
    total = hashlib.sha256(suite.notes_digest.encode())
    values = settings.model_dump(mode="json", include=set(_STORE_SETTINGS))
    total.update(json.dumps(values, sort_keys=True).encode())
    for package in _STORE_PACKAGES:
        total.update(f"{package} {_version(package)}\n".encode())
    for name in ("ingest", "terakoya"):
        spec = find_spec(name)
        for folder in sorted((spec and spec.submodule_search_locations) or ()):
            for path in sorted(Path(folder).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    content = hashlib.sha256(path.read_bytes()).hexdigest()
                    total.update(f"{name}/{path.relative_to(folder).as_posix()} {content}\n".encode())
    return total.hexdigest()[:32]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _prune(root: Path) -> None:
    stores = [p for p in root.iterdir() if p.is_dir() and not p.name.startswith(("run-", "build-"))]
    for path in sorted(stores, key=lambda p: p.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


def _link(store: Path, place: Path) -> None:
    try:
        place.hardlink_to(store)
    except OSError:  # a file system without hard links
        shutil.copyfile(store, place)


def _run(settings: Settings, suite: Suite, open_target: OpenTarget, messages: Console) -> Report:
    def say(sentence: str) -> None:
        messages.print(Text(printable(sentence)))

    target = open_target(settings, suite, say)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal) as bar:
            task = bar.add_task(printable(suite.name).replace("[", r"\["), total=len(suite.cases))
            return run_suite(
                suite,
                target,
                effort=settings.effort,
                fingerprint=settings_fingerprint(settings),
                progress=lambda done, total, case_id: bar.update(task, completed=done),
            )
    finally:
        target.close()


def _baseline(path: Path | None, suites: Sequence[Suite], messages: Console) -> dict[str, Report]:
    if path is None:
        return {}
    reports = dict(read_baseline(path))
    known = [suite for suite in suites if suite.name in reports]
    if not known:
        names = ", ".join(suite.name for suite in suites)
        raise BadInput("eval_baseline_other", path=path, suites=names, known=", ".join(reports))
    for suite in known:
        former = reports[suite.name]
        if former.digest != suite.digest:
            questions = {case.id: case.question for case in former.cases}
            pairs = sum(questions.get(case.id) == case.question for case in suite.cases)
            sentence = text("eval.baseline_differs", suite=suite.name, pairs=pairs, cases=len(suite.cases))
            messages.print(Text(printable(sentence)))
    return reports


def _print_lines(judgement: Judgement, console: Console) -> None:
    for line in judgement_lines(judgement):
        console.file.write(line)
    console.file.flush()


def _prepare(path: Path | None) -> None:
    """Makes the folder of a report, before minutes of work could be lost for want of it."""
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError as error:
        raise BadInput("eval_unwritable", path=path, reason=error.strerror or error) from None


def _write(path: Path, content: bytes, *, append: bool = False) -> None:
    try:
        with path.open("ab" if append else "wb") as file:
            file.write(content)
    except OSError as error:
        raise BadInput("eval_unwritable", path=path, reason=error.strerror or error) from None
