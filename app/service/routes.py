"""The routes of answers and notes, over one installation. Plain functions run in the server's thread pool."""

import secrets
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, File, UploadFile

from app.asker import asking
from app.service import log
from app.service.asker import Asker
from app.service.language import Reader
from app.service.metrics import Metrics
from app.service.runs import Run, Runs
from app.service.threads import start_answer
from app.service.uploads import save
from terakoya.api import (
    AlikeNotes,
    AskRequest,
    AskResult,
    ForgetReport,
    ForgetRequest,
    IngestReport,
    IngestRequest,
    NoteSummary,
    NoteText,
    NoteTree,
    RelatedRequest,
    RunStarted,
    SearchRequest,
    SearchResult,
    Status,
)
from terakoya.catalogue import reading_in
from terakoya.errors import BadInput, Busy

if TYPE_CHECKING:
    from app.installation import Installation

UPLOADS: Final = "/api/uploads"
MAX_HITS: Final = 1_000_000
PROGRESS_SECONDS: Final = 0.1


def health_routes(installation: "Installation") -> APIRouter:
    """Whether the service lives, whether it can work, and how its installation stands."""
    router = APIRouter()

    @router.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/ready")
    def ready() -> dict[str, str]:
        installation.notes()
        return {"status": "ok"}

    @router.get("/api/status")
    def status(reader: Reader) -> Status:
        with reading_in(reader):
            return installation.status()

    return router


def answer_routes(installation: "Installation", runs: Runs, metrics: Metrics) -> APIRouter:
    """Questions, searches, and thumbs on answers."""
    router = APIRouter()

    @router.post("/api/ask", status_code=202)
    def ask(request: AskRequest, reader: Reader, asker: Asker) -> RunStarted:
        place = installation.line_up(
            request.question,
            effort=request.effort,
            thread_id=request.thread_id,
            second_message=request.second_message,
        )
        return start_answer(installation, runs, metrics, place, reader, asker)

    @router.post("/api/answer")
    def answer(request: AskRequest, asker: Asker) -> AskResult:
        who = asker or request.thread_id or secrets.token_hex(16)
        with asking(who), metrics.counted(request.effort) as count:
            outcome = count(
                installation.ask(
                    request.question,
                    effort=request.effort,
                    thread_id=request.thread_id,
                    second_message=request.second_message,
                )
            )
        log.event("answered", thread_id=outcome.thread_id, trace_id=outcome.trace_id)
        return AskResult.of(outcome)

    @router.post("/api/search")
    def search(request: SearchRequest, reader: Reader) -> SearchResult:
        ranking = installation.search(
            request.query,
            k=min(request.k, MAX_HITS),
            filter=request.filter.inner(),
            explain=request.explain,
        )
        with reading_in(reader):
            return SearchResult.of(ranking)

    @router.post("/api/related")
    def related(request: RelatedRequest, reader: Reader) -> SearchResult:
        ranking = installation.related(
            request.source,
            request.line,
            k=min(request.k, MAX_HITS),
            filter=request.filter.inner(),
            explain=request.explain,
        )
        with reading_in(reader):
            return SearchResult.of(ranking)

    return router


def note_routes(installation: "Installation", runs: Runs) -> APIRouter:
    """Notes: those that are there, and those that come."""
    router = APIRouter()

    def begin(take_in: Callable[..., IngestReport], reader: str) -> RunStarted:
        def work(run: Run) -> dict[str, Any]:
            told = 0.0

            def progress(done: int, total: int, what: str) -> None:
                nonlocal told
                # A run keeps its events: one for each of a hundred thousand files would serve nobody.
                if done >= total or not what or time.monotonic() - told >= PROGRESS_SECONDS:
                    told = time.monotonic()
                    run.add("progress", {"done": done, "total": total, "what": what})

            with reading_in(reader):
                return take_in(progress=progress, cancelled=run.cancelled.is_set).model_dump()

        run = runs.start(Run("ingest"), work, language=reader)
        return RunStarted(run_id=run.id, thread_id="")

    @router.post("/api/ingest", status_code=202)
    def ingest(request: IngestRequest, reader: Reader) -> RunStarted:
        if not request.paths:
            raise BadInput("ingest_nothing")
        paths = [Path(path) for path in request.paths]
        for path in paths:
            if not path.is_absolute() or "\0" in str(path):
                raise BadInput("path_absolute", path=path)
        return begin(partial(installation.ingest, paths, dry_run=request.dry_run), reader)

    @router.post(UPLOADS, status_code=202)
    def upload(files: Annotated[list[UploadFile], File()], reader: Reader) -> RunStarted:
        if runs.running("ingest"):
            raise Busy("ingest_busy")
        settings = installation.settings
        named = [(file.filename or "", file.file) for file in files]
        saved = save(settings.uploads_path, named, max_mb=settings.max_note_mb)
        return begin(partial(installation.ingest_uploads, saved), reader)

    @router.get("/api/notes")
    def notes(reader: Reader) -> list[NoteSummary]:
        with reading_in(reader):
            return installation.notes()

    @router.get("/api/notes/duplicates")
    def duplicates(similarity: float) -> list[AlikeNotes]:
        return installation.duplicates(similarity)

    @router.get("/api/note")
    def note(source: str) -> NoteText:
        return installation.note(source)

    @router.get("/api/note/tree")
    def note_tree(source: str) -> NoteTree:
        return installation.note_tree(source)

    @router.post("/api/notes/forget")
    def forget(request: ForgetRequest) -> ForgetReport:
        if runs.running("ask", thread_id=request.source):
            raise Busy("thread_open", thread=request.source)
        report = installation.forget(request)
        if not request.dry_run:
            runs.forget_finished("ask")  # their events hold answers
        return report

    return router
