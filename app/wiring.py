"""The only place that builds things: from settings to store, embedder, answerer, tracer and graph.

Heavy imports stand inside the functions that need them: a command pays only for what it uses.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from app.home import prepare_home
from app.question import checked_question
from app.settings import Settings
from terakoya import __version__
from terakoya.api import (
    AlikeNotes,
    AskResult,
    FeedbackRequest,
    ForgetReport,
    ForgetRequest,
    IngestReport,
    NoteProblem,
    NoteSummary,
    NoteText,
    NoteTree,
    Problem,
    Status,
    Thread,
    ThreadSummary,
    TurnModel,
)
from terakoya.catalogue import text
from terakoya.errors import BadInput, TerakoyaError, Unavailable
from terakoya.protocols import Answerer, Embedder, Mapper, Retriever, Tracer
from terakoya.text.analyser import Analyser
from terakoya.text.language import language_of
from terakoya.text.marking import Marker
from terakoya.types import Effort, Filter, Language, Outcome, Ranking

if TYPE_CHECKING:
    from app.asking import Asker
    from app.models.engine import LocalEngine
    from app.threads import Threads
    from ingest.embedder import SentenceTransformerEmbedder
    from ingest.explain import Explainer
    from ingest.reranker import CrossEncoderReranker
    from ingest.spelling import Speller
    from ingest.store import Store
    from ingest.vectors import Vectors

T = TypeVar("T")
Around = Callable[["Store", Retriever], Retriever]


def _nobody(*_: object) -> None:
    """Listens to nothing."""


def _never() -> bool:
    return False


class built_once(cached_property[T]):  # noqa: N801 - used as a decorator
    """A part that is built by the first thread that needs it, while others wait for it.

    There is one lock for all parts, taken before any part's own: two threads that need the same parts in
    another order would wait for one another for ever.
    """

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> T: ...
    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        """The part."""
        if instance is None:
            return self
        with instance._building:
            return super().__get__(instance, owner)


class Installation:
    """Everything of one home, built when it is first needed. Safe in several threads."""

    def __init__(
        self,
        settings: Settings,
        store: "Store",
        *,
        deliver: bool,
        tracer: Tracer | None = None,
        like: "Installation | None" = None,
        processes: bool = False,
        around: "Around | None" = None,
    ) -> None:
        self.settings = settings
        self._around = around
        self._processes = processes
        self._store = store
        self._deliver = deliver
        self._given_tracer = tracer
        self._building = threading.RLock()
        self._analyser: Analyser = like._analyser if like else Analyser()
        if like and "_embedder" in like.__dict__:
            self.__dict__["_embedder"] = like._embedder
        if like and "_reranker" in like.__dict__:
            self.__dict__["_reranker"] = like._reranker

    def search(
        self, query: str, *, k: int = 10, filter: Filter | None = None, explain: bool = False
    ) -> Ranking:
        """The `k` best passages for `query`; with `explain`, each hit says why it stands where it does.

        Raises:
            BadInput: The query is empty or too long, or `k` is below 1.
            NotFound: Nothing is found, and no note is in a folder or has a tag of `filter`.
        """
        ranking = self._retriever.search(query, k=k, filter=filter)
        self._require_notes()
        self._require_known(filter, ranking)
        if explain:
            ranking = self._explainer.explain(ranking)
        return self._speller.advise(ranking)

    def _require_known(self, filter: Filter | None, ranking: Ranking) -> None:
        if filter and not ranking.hits:
            from ingest.filters import require_known

            require_known(filter, self._store)

    def related(
        self,
        source: str,
        line: int | None = None,
        *,
        k: int = 10,
        filter: Filter | None = None,
        explain: bool = False,
    ) -> Ranking:
        """The `k` passages most like the one at `line` of a note, or like the note. See `ingest.related`.

        Raises:
            NotFound: No such note, or nothing is found and `filter` names what is not there.
            BadInput: `line` or `k` is below 1.
        """
        from ingest.related import Related

        ranking = Related(self._store, self._analyser).like(source, line, k=k, filter=filter)
        self._require_known(filter, ranking)
        return self._explainer.explain(ranking) if explain else ranking

    def ask(
        self,
        question: str,
        *,
        effort: Effort | None = None,
        thread_id: str | None = None,
        listen: Callable[[str, dict[str, Any]], None] = _nobody,
    ) -> Outcome:
        """Asks one question; blocks until it is answered. See `app.asking.Asker`.

        Raises:
            BadInput: The question is empty or too long, or the model of the settings cannot be one.
            Unavailable: There are no notes yet.
        """
        asked = checked_question(question)
        self._require_notes()
        self._foresee(asked)
        outcome = self._asker.ask(
            asked, effort=effort or self.settings.effort, thread_id=thread_id, listen=listen
        )
        return self._marked(outcome)

    def _marked(self, outcome: Outcome) -> Outcome:
        marker = Marker(outcome.question, self._analyser)
        return replace(
            outcome, citations=tuple(replace(c, marks=marker.marks(c.quote)) for c in outcome.citations)
        )

    def _foresee(self, question: str) -> None:
        """Begins to load the embedder, which takes seconds, while the graph is still being built."""
        if (
            "_asker" in self.__dict__
            or not self._vectors
            or not self._vectors.readable(language_of(question))
        ):
            return
        if self._vectors.count():
            threading.Thread(target=self._warm_embedder, name="embedder", daemon=True).start()

    def _warm_embedder(self) -> None:
        # whoever needs the embedder is told what is wrong with it
        with suppress(TerakoyaError):
            if self._vectors:
                self._vectors.warm()

    def _require_notes(self) -> None:
        if not self._store.counts()[0]:
            raise Unavailable("store_empty")

    def threads(self) -> list[ThreadSummary]:
        """The latest conversations."""
        return [
            ThreadSummary(thread_id=thread, title=title, updated=updated)
            for thread, title, updated in self._threads.latest()
        ]

    def thread(self, thread_id: str) -> Thread:
        """One conversation.

        Raises:
            NotFound: No such thread.
        """
        from app.asking import outcome_of

        turns = self._threads.turns(thread_id)
        return Thread(
            thread_id=thread_id,
            turns=[
                TurnModel(
                    question=t["question"],
                    result=AskResult.of(self._marked(outcome_of(t, thread_id, {}))),
                )
                for t in turns
            ],
        )

    def ingest(
        self,
        paths: Sequence[Path],
        *,
        dry_run: bool = False,
        progress: Callable[[int, int, str], None] = _nobody,
        cancelled: Callable[[], bool] = _never,
    ) -> IngestReport:
        """Brings the store in step with `paths`. See `ingest.sync.Ingest`."""
        from ingest.mapping import InThisProcess, LocalProcesses
        from ingest.sync import Ingest

        mapper: Mapper = LocalProcesses() if self._processes else InThisProcess()
        work = Ingest(
            self._store,
            self._analyser,
            self._vectors,
            max_bytes=int(self.settings.max_note_mb * 2**20),
            mapper=mapper,
        )
        report = work.run(paths, dry_run=dry_run, progress=progress, cancelled=cancelled)
        return IngestReport(
            added=report.added,
            changed=report.changed,
            renamed=report.renamed,
            deleted=report.deleted,
            unchanged=report.unchanged,
            chunks=report.chunks,
            problems=[Problem(path=p, code=e.key, message=e.message()) for p, e in report.problems],
            dry_run=dry_run,
            cancelled=cancelled(),
            seconds=round(report.seconds, 3),
        )

    def notes(self) -> list[NoteSummary]:
        """All notes, by source."""
        return [
            NoteSummary(
                source=n.source,
                title=n.title,
                language=n.language,
                encoding=n.encoding,
                repair=n.repair,
                chunks=n.chunks,
                characters=n.characters,
                problems=[
                    NoteProblem(
                        code=remark.key, message=text(f"note.{remark.key}", language=None, **remark.values)
                    )
                    for remark in n.remarks
                ],
            )
            for n in self._store.notes()
        ]

    def duplicates(self, similarity: float) -> list[AlikeNotes]:
        """Groups of notes that are alike, the most alike first. See `ingest.duplicates`.

        Raises:
            BadInput: `similarity` is not in its range.
        """
        from ingest.duplicates import duplicates

        return duplicates(self._store, similarity)

    def note(self, source: str) -> NoteText:
        """The whole text of a note as a person sees it.

        Raises:
            NotFound: No such note.
        """
        note = self._store.note(source)
        return NoteText(source=source, title=note.title, text=note.view.text)

    def note_tree(self, source: str) -> NoteTree:
        """The blocks of a note, and where it was cut into passages.

        Raises:
            NotFound: No such note.
        """
        from ingest.outline import outline

        return outline(self._store.note(source))

    def forget(self, request: ForgetRequest) -> ForgetReport:
        """Takes notes out of the store. See `ingest.forget.forget`.

        Raises:
            BadInput: Nothing is named, or `path` is no absolute path.
            NotFound: The store has nothing there.
            Busy: An ingest is under way.
        """
        from ingest.forget import forget

        path = Path(request.path) if request.path else None
        if path and not (path.is_absolute() and "\0" not in request.path):
            raise BadInput("path_absolute", path=request.path)
        gone = forget(self._store, request.source, path, dry_run=request.dry_run)
        return ForgetReport(
            sources=list(gone.sources),
            folders=list(gone.folders),
            on_disk=list(gone.on_disk),
            dry_run=request.dry_run,
        )

    def feedback(self, request: FeedbackRequest) -> None:
        """Keeps a thumb, and attaches it to the trace."""
        self._store.add_feedback(request.trace_id, request.value, request.comment)
        self.tracer.score(
            request.trace_id,
            "user-feedback",
            float(request.value),
            comment=request.comment,
            score_id=f"{request.trace_id}-user-feedback",
        )

    def status(self) -> Status:
        """What works in this installation and what does not."""
        from app.doctor import diagnose

        notes, chunks = self._store.counts()
        return Status(
            version=__version__,
            home=str(self.settings.home),
            notes=notes,
            chunks=chunks,
            checks=diagnose(
                self.settings, notes=notes, chunks=chunks, reranker=self.__dict__.get("_reranker")
            ),
        )

    def check_model(self) -> None:
        """Looks at the model's file, without loading it.

        Raises:
            BadInput: The file of the settings is missing, or no GGUF that can be read.
        """
        if self.settings.model:
            from app.models.gguf import read_header

            read_header(Path(self.settings.model).expanduser())

    def check_reranker(self) -> None:
        """Loads the reranker, where the settings name one.

        Raises:
            BadInput: There is none of this name.
            Unavailable: It cannot be loaded, or is none.
        """
        if self._reranker:
            self._reranker.warm()

    def warm(self) -> None:
        """Loads what the first question would wait for: dictionary, graph, and the embedder if it has vectors."""
        self._analyser.tokens("寺子屋")
        _ = self._asker
        if self._vectors and self._store.meta("embedder") and self._vectors.count():
            self._vectors.warm()

    def close(self) -> None:
        """Ends the model's process, delivers traces, and lets go of all files."""
        for name in ("_engine", "tracer", "_threads"):
            if name in self.__dict__ and self.__dict__[name] is not None:
                self.__dict__[name].close()
        self._store.close()

    @built_once
    def tracer(self) -> Tracer:
        """Records every question."""
        if self._given_tracer is not None:
            return self._given_tracer
        from app.tracing import make_tracer

        return make_tracer(self.settings, deliver=self._deliver)

    @built_once
    def _embedder(self) -> "SentenceTransformerEmbedder | None":
        from ingest.embedder import embedder_named

        return embedder_named(self.settings.embedder)

    @property
    def embedder(self) -> Embedder | None:
        """That of the settings, which loads at its first use; None where they name none."""
        return self._embedder

    @built_once
    def _vectors(self) -> "Vectors | None":
        from ingest.vectors import Vectors

        return Vectors(self._store, self._embedder) if self._embedder else None

    @built_once
    def _reranker(self) -> "CrossEncoderReranker | None":
        from ingest.reranker import reranker_named

        return reranker_named(self.settings.reranker)

    @built_once
    def _retriever(self) -> Retriever:
        from ingest.search import HybridRetriever

        retriever: Retriever = HybridRetriever(self._store, self._analyser, self._vectors)
        if self._reranker:
            from ingest.reranking import Reranking, RerankingRetriever

            budget = self.settings.reranker_ms / 1000
            retriever = RerankingRetriever(retriever, Reranking(self._reranker, budget))
        return self._around(self._store, retriever) if self._around else retriever

    @built_once
    def _explainer(self) -> "Explainer":
        from ingest.explain import Explainer

        languages = self._embedder.languages if self._embedder else frozenset[Language]()
        return Explainer(self._store, self._analyser, languages)

    @built_once
    def _speller(self) -> "Speller":
        from ingest.spelling import Speller

        return Speller(self._store, self._analyser)

    @built_once
    def _threads(self) -> "Threads":
        from app.threads import Threads

        return Threads(self.settings.threads_path)

    @built_once
    def _engine(self) -> "LocalEngine | None":
        if not self.settings.model:
            return None
        from app.models.engine import LocalEngine

        return LocalEngine(
            Path(self.settings.model).expanduser(),
            context_tokens=self.settings.context_tokens,
            timeout=self.settings.model_timeout,
        )

    @built_once
    def _asker(self) -> "Asker":
        from app.asking import Asker
        from workflows.nodes import Parts

        parts = Parts(
            retriever=self._retriever,
            answerers=self._answerers(),
            analyser=self._analyser,
            tracer=self.tracer,
            passages=self.settings.passages,
        )
        return Asker(parts, self._threads, self.tracer)

    def _answerers(self) -> list[Answerer]:
        from workflows.extractive import ExtractiveAnswerer

        self.check_model()
        answerers: list[Answerer] = []
        if self._engine:
            from app.models.local import LocalChatModel
            from workflows.generative import GenerativeAnswerer

            model = LocalChatModel(
                engine=self._engine,
                model=Path(self.settings.model).stem,
                max_tokens=self.settings.max_answer_tokens,
            )
            name = Path(self.settings.model).stem
            answerers.append(GenerativeAnswerer(model, self._analyser, name=name))
        return [*answerers, ExtractiveAnswerer(self._analyser)]


def open_installation(
    settings: Settings,
    *,
    write: bool = False,
    deliver: bool = False,
    tracer: Tracer | None = None,
    like: Installation | None = None,
    processes: bool = False,
    around: "Around | None" = None,
) -> Installation:
    """Opens the installation at `settings.home`.

    Args:
        settings: Of the installation.
        write: Open the store for writing, which makes it when it is not there.
        deliver: Carry traces to Langfuse from this process.
        tracer: Used instead of the one that the settings name.
        like: An earlier opening with the same settings, whose analyser and embedder are loaded already.
        processes: Read many notes in worker processes. They import the program's main module anew, so this is
            for programs that do nothing when they are imported.
        around: Makes the retriever that is used of the store and the one that the settings name.

    Raises:
        Busy: Another process holds the store.
        Unavailable: There is no store yet, or it cannot be read.
    """
    from ingest.store import Store

    if write or settings.home.exists():
        prepare_home(settings.home)
    return Installation(
        settings,
        Store(settings.store_path, read_only=not write, memory_mb=settings.memory_mb),
        deliver=deliver,
        tracer=tracer,
        like=like,
        processes=processes,
        around=around,
    )
