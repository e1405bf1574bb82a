"""Forgetting a note or a conversation wherever it left something: store, caches, checkpoints, traces."""

import os
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.forgetting_evals import forget_in_evals
from app.tracing import SpoolTracer
from app.tracing.account import account
from app.tracing.erasing import erase, traces_of_thread, traces_with
from terakoya.api import ForgetReport, ForgetRequest
from terakoya.errors import BadInput

if TYPE_CHECKING:
    from app.wiring import Wiring


def forget(wiring: "Wiring", request: ForgetRequest) -> ForgetReport:
    """Forgets what `request` names. See `ForgetReport`.

    Raises:
        BadInput: Nothing is named, or `path` is no absolute path.
        NotFound: Nothing of that name is here.
        Busy: An ingest is under way.
        Unavailable: The conversations cannot be read, so that nobody could say that nothing is left in them.
    """
    wiring.threads.require()
    if request.source and wiring.threads.has(request.source):
        return _thread(wiring, request)
    return _notes(wiring, request)


def _thread(wiring: "Wiring", request: ForgetRequest) -> ForgetReport:
    from app.intents import SqliteIntents
    from ingest.erasing import overwrite

    traces = traces_of_thread(wiring.settings.traces_path, request.source)
    traces |= {str(turn["trace_id"]) for turn in wiring.threads.turns(request.source)} - {""}
    if not request.dry_run:
        wiring.threads.forget(request.source)
        _erase(wiring, traces)
        wiring.store.forget_feedback(sorted(traces), comments_only=False)
        overwrite(wiring.store)
        wiring.memory.forget_kept(traces)
        SqliteIntents(wiring.settings.threads_path).forget(traces)
        _forget_in_models(wiring)
    return ForgetReport(
        sources=[],
        threads=[request.source],
        traces=len(traces),
        sent_to=_server(wiring),
        dry_run=request.dry_run,
    )


def _notes(wiring: "Wiring", request: ForgetRequest) -> ForgetReport:
    from ingest.erasing import overwrite
    from ingest.forget import forget as in_store

    path = Path(request.path) if request.path else None
    if path and not (path.is_absolute() and "\0" not in request.path):
        raise BadInput("path_absolute", path=request.path)
    forget_notes = partial(in_store, wiring.store, request.source, path, copies=wiring.settings.uploads_path)
    gone = forget_notes(dry_run=True)
    # before anything goes, since a note that the store has no more cannot be named again
    threads = wiring.threads.quoting(gone.sources)
    if not request.dry_run:
        gone = forget_notes(dry_run=False)
    traces = traces_with(wiring.settings.traces_path, gone.sources, gone.passages)
    answers = 0
    if not request.dry_run:
        answers = forget_in_evals(wiring.settings.home, gone)
        for thread in threads:
            wiring.threads.forget_quotes(thread, gone.sources)
        _erase(wiring, traces)
        wiring.store.forget_feedback(sorted(traces), comments_only=True)
        overwrite(wiring.store)
        _forget_in_models(wiring)
    return ForgetReport(
        sources=list(gone.sources),
        folders=list(gone.folders),
        on_disk=list(gone.on_disk),
        threads=threads,
        traces=len(traces),
        answers=answers,
        sent_to=_server(wiring) if traces else "",
        dry_run=request.dry_run,
    )


def _erase(wiring: "Wiring", traces: Collection[str]) -> None:
    tracer = wiring.tracer
    if isinstance(tracer, SpoolTracer):
        tracer.erase(traces)  # the lines that it has not written yet, too
    else:
        erase(wiring.settings.traces_path, traces)


def _forget_in_models(wiring: "Wiring") -> None:
    """Ends the processes of local models, whose contexts hold prompts; the next question starts them anew."""
    if models := wiring.loaded("models"):
        for engine in models.engines.values():
            engine.forget()


def _server(wiring: "Wiring") -> str:
    project = account(os.environ, wiring.settings)
    return project.base_url if project else ""
