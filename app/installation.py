"""What a home can do: search, answer, take in notes, and tell what is in it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from app.conversing import Conversing
from terakoya import __version__
from terakoya.api import (
    AlikeNotes,
    BackupReport,
    CaseDraft,
    CaseMade,
    CaseRequest,
    FeedbackItem,
    FeedbackRequest,
    ForgetReport,
    ForgetRequest,
    IngestReport,
    NoteProblem,
    NoteSummary,
    NoteText,
    NoteTree,
    Problem,
    RatedAnswer,
    Status,
)
from terakoya.catalogue import text
from terakoya.errors import BadInput
from terakoya.protocols import Embedder, Mapper, Tracer
from terakoya.types import Filter, Ranking

if TYPE_CHECKING:
    from app.wiring import Wiring


def _nobody(*_: object) -> None:
    """Listens to nothing."""


def _never() -> bool:
    return False


class Installation(Conversing):
    """Everything that can be done with one home. Safe in several threads.

    Args:
        wiring: Its parts.
        processes: Read many notes in worker processes.
    """

    def __init__(self, wiring: "Wiring", *, processes: bool = False) -> None:
        super().__init__(wiring)
        self._processes = processes

    @property
    def tracer(self) -> Tracer:
        """Records every question."""
        return self.wiring.tracer

    @property
    def embedder(self) -> Embedder | None:
        """That of the settings, which loads at its first use; None where they name none."""
        return self.wiring.embedder

    def search(
        self, query: str, *, k: int = 10, filter: Filter | None = None, explain: bool = False
    ) -> Ranking:
        """The `k` best passages for `query`; with `explain`, each hit says why it stands where it does.

        Raises:
            BadInput: The query is empty or too long, or `k` is below 1.
            NotFound: Nothing is found, and no note is in a folder or has a tag of `filter`.
        """
        ranking = self.wiring.retriever.search(query, k=k, filter=filter)
        self.require_notes()
        self._require_known(filter, ranking)
        if explain:
            ranking = self.wiring.explainer.explain(ranking)
        return self.wiring.speller.advise(ranking)

    def _require_known(self, filter: Filter | None, ranking: Ranking) -> None:
        if filter and not ranking.hits:
            from ingest.filters import require_known

            require_known(filter, self.wiring.store)

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

        ranking = Related(self.wiring.store, self.wiring.analyser).like(source, line, k=k, filter=filter)
        self._require_known(filter, ranking)
        return self.wiring.explainer.explain(ranking) if explain else ranking

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
            self.wiring.store,
            self.wiring.analyser,
            self.wiring.vectors,
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

    def ingest_uploads(
        self,
        files: Sequence[Path],
        *,
        progress: Callable[[int, int, str], None] = _nobody,
        cancelled: Callable[[], bool] = _never,
    ) -> IngestReport:
        """Takes in files that were saved to the folder of uploads. See `app.uploads`.

        Raises:
            BadInput: Nothing of any of them can be read; they are deleted.
            Busy: Another ingest is under way.
        """
        from app.uploads import ingest_uploads

        return ingest_uploads(self, files, progress=progress, cancelled=cancelled)

    def notes(self) -> list[NoteSummary]:
        """All notes, by source."""
        uploads = self.settings.uploads_path.resolve()
        return [
            NoteSummary(
                source=n.source,
                title=n.title,
                language=n.language,
                encoding=n.encoding,
                repair=n.repair,
                chunks=n.chunks,
                characters=n.characters,
                upload=n.source.removesuffix(n.path) + n.path.split("/")[0] if n.root == uploads else "",
                problems=[
                    NoteProblem(
                        code=remark.key, message=text(f"note.{remark.key}", language=None, **remark.values)
                    )
                    for remark in n.remarks
                ],
            )
            for n in self.wiring.store.notes()
        ]

    def duplicates(self, similarity: float) -> list[AlikeNotes]:
        """Groups of notes that are alike, the most alike first. See `ingest.duplicates`.

        Raises:
            BadInput: `similarity` is not in its range.
        """
        from ingest.duplicates import duplicates

        return duplicates(self.wiring.store, similarity)

    def note(self, source: str) -> NoteText:
        """The whole text of a note as a person sees it.

        Raises:
            NotFound: No such note.
        """
        note = self.wiring.store.note(source)
        return NoteText(source=source, title=note.title, text=note.view.text)

    def note_tree(self, source: str) -> NoteTree:
        """The blocks of a note, and where it was cut into passages.

        Raises:
            NotFound: No such note.
        """
        from ingest.outline import outline

        return outline(self.wiring.store.note(source))

    def forget(self, request: ForgetRequest) -> ForgetReport:
        """Forgets a note, a folder of notes or a conversation. See `app.forgetting.forget`.

        Raises:
            BadInput: Nothing is named, or `path` is no absolute path.
            NotFound: Nothing of that name is here.
            Busy: An ingest is under way.
        """
        from app.forgetting import forget

        return forget(self.wiring, request)

    def backup(self, path: Path) -> BackupReport:
        """Writes the state of the home to a new file. See `app.backup.make_backup`.

        Raises:
            BadInput: `path` is not absolute, is there already, or cannot be written to.
            Unavailable: The disk is full, or the store is damaged.
        """
        from app.backup import make_backup

        if not path.is_absolute() or "\0" in str(path):
            raise BadInput("path_absolute", path=path)
        return BackupReport.model_validate(asdict(make_backup(self.wiring, path)))

    def rated(self) -> list[RatedAnswer]:
        """The answers that got a thumb, as far as their conversations are kept, the oldest thumb first."""
        thumbs = {trace: (value, comment) for trace, value, comment in self.wiring.store.feedback()}
        turns = {turn["trace_id"]: turn for turn in self.wiring.threads.all_turns()} if thumbs else {}
        return [
            RatedAnswer(
                question=turns[trace]["question"],
                answer=turns[trace]["answer"],
                value=value,
                comment=comment,
                trace_id=trace,
            )
            for trace, (value, comment) in thumbs.items()
            if trace in turns
        ]

    def feedback(self, request: FeedbackRequest) -> None:
        """Keeps a thumb, and attaches it to the trace."""
        self.wiring.store.add_feedback(request.trace_id, request.value, request.comment)
        self.wiring.tracer.score(
            request.trace_id,
            "user-feedback",
            float(request.value),
            comment=request.comment,
            score_id=f"{request.trace_id}-user-feedback",
        )

    def feedback_given(self) -> list[FeedbackItem]:
        """All thumbs with their questions, the latest first."""
        from app.feedback import feedback_items

        return feedback_items(
            self.wiring.store.feedback_times(), self.wiring.threads, self.settings.traces_path
        )

    def case_draft(self, trace_id: str) -> CaseDraft:
        """What is known of a case for the answer with a thumb. See `app.complaints`.

        Raises:
            NotFound: There is no thumb on this trace.
        """
        from app.complaints import Complaints

        return Complaints(self).draft(trace_id)

    def make_case(self, trace_id: str, request: CaseRequest) -> CaseMade:
        """Makes a case of a thumb. See `app.complaints`.

        Raises:
            NotFound: There is no thumb on this trace.
            BadInput: Nothing is expected, or a passage is not there.
        """
        from app.complaints import Complaints

        return Complaints(self).make(trace_id, request)

    def status(self) -> Status:
        """What works in this installation and what does not."""
        from app.doctor import diagnose

        notes, chunks = self.wiring.store.counts()
        return Status(
            version=__version__,
            home=str(self.settings.home),
            notes=notes,
            chunks=chunks,
            checks=diagnose(
                self.settings, notes=notes, chunks=chunks, reranker=self.wiring.loaded("reranker")
            ),
        )

    def check_model(self) -> None:
        """Looks at the model's file, without loading it.

        Raises:
            BadInput: The file of the settings is missing, or no GGUF that can be read.
        """
        self.wiring.check_model()

    def check_reranker(self) -> None:
        """Loads the reranker, where the settings name one.

        Raises:
            BadInput: There is none of this name.
            Unavailable: It cannot be loaded, or is none.
        """
        if self.wiring.reranker:
            self.wiring.reranker.warm()

    def warm(self) -> None:
        """Loads what the first question would wait for: dictionary, graph, and the embedder if it has vectors.

        Vectors are read into memory in the background.
        """
        self.wiring.analyser.tokens("寺子屋")
        _ = self.wiring.asker
        if self.wiring.vectors and self.wiring.store.meta("embedder") and self.wiring.vectors.count():
            self.wiring.vectors.hold()
            self.wiring.vectors.warm()

    def close(self) -> None:
        """Ends the model's process, delivers traces, and lets go of all files."""
        self.wiring.close()
