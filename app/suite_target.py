"""What an eval asks by default: an installation of its own, with the suite's notes and nothing else."""

import atexit
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing import parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.away import Away
from app.codebase import sources_digest, versions
from app.given import GivenRetriever, Places, giving
from app.home import prepare_home
from app.settings import Settings
from app.tracing.counting import CountingTracer
from evals import Suite
from evals.case import OFFERS
from terakoya.catalogue import text
from terakoya.errors import BadInput, TerakoyaError, Unavailable
from terakoya.protocols import Embedder, Offer
from terakoya.types import Effort, Outcome, Ranking

if TYPE_CHECKING:
    from app.installation import Installation
    from app.models.heard import Heard

KEPT: Final = 4
"""Prepared note folders that stay."""
_STORE_SETTINGS: Final = frozenset({"embedder", "max_note_mb"})
_STORE_PACKAGES: Final = (
    "sudachidict_core",
    "sudachipy",
    "PyStemmer",
    "markdown-it-py",
    "sentence-transformers",
)

Say = Callable[[str], None]


class LocalTarget:
    """An installation as a target, opened when it is first asked: every question in a thread of its own.

    Pickles: a worker process opens the same store for itself.

    Args:
        settings: What is measured; those of the home that the evals lie in.
        store: The suite's store.
        place: Folder for what lasts as long as the run; `close` removes it.
        offers: What it is asked to do.
        given: Lines whose passages a question is answered from, by the question; without any it is searched for.
        like: An earlier one with the same models, which are loaded already.
        strict: Fail where a model of the settings is away; else what answers in its place is the answer.

    Attributes:
        away: Why a model was away, one sentence for each question that another answered in its place.
    """

    def __init__(
        self,
        settings: Settings,
        store: Path,
        place: Path,
        *,
        offers: frozenset[Offer] = OFFERS["workflow"],
        given: Mapping[str, Places] | None = None,
        like: "Installation | None" = None,
        strict: bool = False,
    ) -> None:
        self.away: list[str] = []
        self._strict = strict
        self._settings = settings
        self._store = store
        self._place = place
        self._offers = offers
        self._given = given
        self._owner = os.getpid()
        self._like = like
        self._opened: Installation | None = None
        self._heard: Heard | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Settings and places: nothing that is open."""
        # The settings that were read are of a class that no other process can import.
        plain = dict(self._settings)
        return _again, (plain, self._store, self._place, self._offers, self._given, self._owner)

    @property
    def offers(self) -> frozenset[Offer]:
        """What it is asked to do."""
        return self._offers

    @property
    def embedder(self) -> Embedder | None:
        """That of the settings."""
        return self._installation.embedder

    def ask(self, question: str, *, effort: Effort = "normal", earlier: Sequence[str] = ()) -> Outcome:
        """Asks in a new thread, after the questions that come before.

        Raises:
            Unavailable: A model of the settings is away, and it is `strict`.
        """
        installation = self._installation
        thread: str | None = None
        for before in earlier:
            thread = installation.ask(before, effort=effort, thread_id=thread).thread_id
        away = Away()
        if self._heard:
            self._heard.forget()
        with self._tracer.counting() as usage, giving(self._given or {}, question):
            outcome = installation.ask(question, effort=effort, thread_id=thread, listen=away)
        if away.messages:
            if self._strict:
                raise Unavailable("eval_model_away", reason=away.messages[0])
            self.away.append(away.messages[0])
        told = self._heard.of(outcome.model) if self._heard else ()
        return replace(outcome, usage=dict(usage), log_probabilities=told)

    def search(self, query: str, *, k: int = 10) -> Ranking:
        """Retrieval alone."""
        return self._installation.search(query, k=k)

    def installation_like(self, settings: Settings) -> "Installation | None":
        """What was opened, where `settings` name the same models."""
        models = ("embedder", "reranker")
        same = all(getattr(settings, name) == getattr(self._settings, name) for name in models)
        return (self._opened or self._like) if same else None

    def close(self) -> None:
        """Closes the installation, and removes the threads of the run, those of workers too."""
        try:
            if self._opened:
                self._opened.close()
        finally:
            if os.getpid() == self._owner:
                shutil.rmtree(self._place, ignore_errors=True)

    def _end(self) -> None:
        """Ends a worker process: the interpreter would tear down first what the store still needs."""
        self.close()
        os._exit(0)

    @property
    def _installation(self) -> "Installation":
        if self._opened is None:
            from app.tracing import make_tracer
            from app.wiring import open_installation

            home = self._place / str(os.getpid())
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            # models and keys are those of the home, wherever the notes of the suite lie
            shared = {
                "models_folder": self._settings.models_path,
                "keys_file": self._settings.keys_path,
                "threads": "",
            }
            # A label may move while a suite runs: what is measured is files, which `TERAKOYA_PROMPTS` names.
            located = self._settings.model_copy(update={"home": home, "prompt_label": "", **shared})
            if not located.store_path.exists():
                _link(self._store, located.store_path)
            traced = self._settings.model_copy(
                update={"home": self._settings.home / "evals", "environment": "eval"}
            )
            # Traces stay when the run is over: a report names them.
            self._tracer = CountingTracer(make_tracer(traced, deliver=True))
            around = None if self._given is None else GivenRetriever
            if self._settings.chat_models:
                from app.models.heard import Heard

                self._heard = Heard()
            self._opened = open_installation(
                located, tracer=self._tracer, around=around, heard=self._heard, like=self._like
            )
            if "ask" in self._offers:
                # The time of the first answer would be that of loading. What cannot be loaded is told when asked.
                with suppress(TerakoyaError):
                    self._opened.warm()
        return self._opened


def _again(
    settings: dict[str, Any],
    store: Path,
    place: Path,
    offers: frozenset[Offer],
    given: Mapping[str, Places] | None,
    owner: int,
) -> LocalTarget:
    target = LocalTarget(Settings.model_construct(**settings), store, place, offers=offers, given=given)
    target._owner = owner
    if parent_process() is not None:  # a worker, whom nobody tells to close
        atexit.register(target._end)
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # as many workers as cores compute at once
    return target


class LocalOpening:
    """Opens one `LocalTarget` after the other; models that were loaded for one serve the next.

    Args:
        strict: See `LocalTarget`.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict
        self._last: LocalTarget | None = None

    def __call__(self, settings: Settings, suite: Suite, say: Say) -> LocalTarget:
        """See `open_local_target`."""
        like = self._last.installation_like(settings) if self._last else None
        self._last = open_local_target(settings, suite, say, like=like, strict=self._strict)
        return self._last


def open_local_target(
    settings: Settings,
    suite: Suite,
    say: Say,
    *,
    like: "Installation | None" = None,
    strict: bool = False,
) -> LocalTarget:
    """An installation that holds the suite's notes and nothing else, with the same settings.

    The store is built once and kept under `HOME/evals/stores/<digest>`, where the digest is of the notes, the
    code that reads them and the settings that matter to a store. Threads go to a folder that ends with the run;
    traces to `HOME/evals/traces`.

    Raises:
        BadInput: The notes gave nothing to search.
        Unavailable: Something that the settings ask for is missing or busy.
    """
    if settings.reranker == "none":
        # Threads that share one question wait for one another after every layer, busily: where the cores have
        # other work, as in CI, a question took three times as long with two of them.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    root = settings.home / "evals"
    stores, runs = root / "stores", root / "runs"
    for folder in (settings.home, root, stores, runs):
        prepare_home(folder)
    kept = stores / store_digest(settings, suite)
    if not kept.is_dir():
        say(text("eval.building", suite=suite.name))
        _build(settings, suite, kept, say)
    os.utime(kept)
    _prune(stores)
    _sweep(runs)
    place = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=runs))
    store = settings.model_copy(update={"home": kept}).store_path
    given = _given(suite) if suite.target == "answer" else None
    offers = OFFERS[suite.target]
    return LocalTarget(settings, store, place, offers=offers, given=given, like=like, strict=strict)


def _given(suite: Suite) -> dict[str, Places]:
    given: dict[str, Places] = {}
    for case in suite.cases:  # two cases with one question share their passages
        places = tuple((p.source, p.lines) for p in case.passages)
        given[case.question] = (*given.get(case.question, ()), *places)
    return given


def store_digest(settings: Settings, suite: Suite) -> str:
    """Digest of all that determines a store: the notes, the code that reads them, the settings for it."""
    total = hashlib.sha256(suite.notes_digest.encode())
    values = settings.model_dump(mode="json", include=set(_STORE_SETTINGS))
    total.update(json.dumps(values, sort_keys=True).encode())
    total.update("\n".join(versions(_STORE_PACKAGES)).encode())
    total.update(sources_digest(("ingest", "terakoya")).encode())
    return total.hexdigest()[:32]


def _build(settings: Settings, suite: Suite, kept: Path, say: Say) -> None:
    from app.wiring import open_installation

    home = Path(tempfile.mkdtemp(prefix="build-", dir=kept.parent))
    try:
        folder = suite.folder
        if suite.without:
            folder = home / "notes" / suite.folder.name
            suite.write_notes(folder)
        installation = open_installation(
            settings.model_copy(update={"home": home}), write=True, processes=True
        )
        try:
            report = installation.ingest([folder])
        finally:
            installation.close()
        for problem in report.problems:
            say(text("eval.problem", suite=suite.name, path=problem.path, message=problem.message))
        if not report.chunks:
            reason = report.problems[0].message if report.problems else "0"
            raise BadInput("eval_ingest", suite=suite.name, reason=reason, folder=suite.folder)
        shutil.rmtree(home / "notes", ignore_errors=True)
        try:
            home.rename(kept)
        except OSError:
            if not kept.is_dir():  # else another run was first, with the same notes
                raise
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _prune(stores: Path) -> None:
    built = [p for p in stores.iterdir() if p.is_dir() and not p.name.startswith("build-")]
    for path in sorted(built, key=lambda p: p.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


def _sweep(runs: Path) -> None:
    """Removes what runs left that were killed."""
    for place in runs.iterdir():
        owner = place.name.partition("-")[0]
        if owner.isdecimal() and not _alive(int(owner)):
            shutil.rmtree(place, ignore_errors=True)


def _alive(pid: int) -> bool:
    with suppress(OSError):
        os.kill(pid, 0)
        return True
    return False


def _link(store: Path, place: Path) -> None:
    try:
        place.hardlink_to(store)
    except OSError:  # a file system without hard links
        shutil.copyfile(store, place)
