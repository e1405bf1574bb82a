"""The routes of conversations, over one installation."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Response

from app.asker import asking
from app.conversing import TITLE
from app.service.asker import Asker
from app.service.language import Reader
from app.service.metrics import Metrics
from app.service.runs import Run, Runs
from terakoya.api import (
    AskResult,
    Branched,
    BranchRequest,
    FactModel,
    RunStarted,
    SecondMessageRequest,
    Thread,
    ThreadSummary,
    TurnModel,
    Unfinished,
)
from terakoya.errors import Busy, Cancelled, NotFound

if TYPE_CHECKING:
    from app.floor import Place
    from app.installation import Installation


def thread_routes(installation: "Installation", runs: Runs, metrics: Metrics) -> APIRouter:
    """Conversations, with the runs under way in them, and what is remembered beside them."""
    router = APIRouter()

    @router.get("/api/threads")
    def threads() -> list[ThreadSummary]:
        kept = {summary.thread_id: summary for summary in installation.threads()}
        begun: dict[str, ThreadSummary] = {}
        for run in reversed(runs.running("ask")):
            known = kept.get(run.thread_id) or ThreadSummary(
                thread_id=run.thread_id,
                title=run.question[:TITLE],
                updated=datetime.fromtimestamp(run.started, UTC).isoformat(timespec="seconds"),
            )
            before = begun.get(run.thread_id)
            asking = run.asks or (before is not None and before.state == "asking")
            begun[run.thread_id] = known.model_copy(update={"state": "asking" if asking else "running"})
        new = [summary for thread, summary in begun.items() if thread not in kept]
        return [*new, *(begun.get(thread, summary) for thread, summary in kept.items())]

    @router.get("/api/threads/{thread_id}")
    def thread(thread_id: str) -> Thread:
        while True:
            running = runs.running("ask", thread_id=thread_id)
            try:
                kept = installation.thread(thread_id)
            except NotFound:
                kept = Thread(thread_id=thread_id, turns=[])
                if not running and not runs.running("ask", thread_id=thread_id):
                    raise
            # A run that ended meanwhile may stand in neither or in both: look again.
            if runs.running("ask", thread_id=thread_id) == running:
                break
        under_way = [TurnModel(question=run.question, result=None, run_id=run.id) for run in running]
        return kept.model_copy(update={"turns": [*kept.turns, *under_way]})

    @router.post("/api/threads/{thread_id}/branch")
    def branch(thread_id: str, request: BranchRequest) -> Branched:
        return Branched(thread_id=installation.branch(thread_id, request.turns))

    @router.put("/api/threads/{thread_id}/second-message", status_code=204)
    def second_message(thread_id: str, request: SecondMessageRequest) -> Response:
        if not runs.running("ask", thread_id=thread_id):
            installation.thread(thread_id)  # which says so where there is none
        installation.choose_second_message(thread_id, request.second_message)
        return Response(status_code=204)

    @router.post("/api/threads/{thread_id}/resume", status_code=202)
    def resume_thread(thread_id: str, reader: Reader, asker: Asker) -> RunStarted:
        left = installation.unfinished(thread_id)
        if not left:
            raise NotFound("thread_finished", thread=thread_id)
        return start_answer(installation, runs, metrics, installation.adopt(left[0].id), reader, asker)

    @router.get("/api/unfinished")
    def unfinished() -> list[Unfinished]:
        return installation.unfinished()

    @router.post("/api/unfinished/{id}/resume", status_code=202)
    def resume(id: str, reader: Reader, asker: Asker) -> RunStarted:
        return start_answer(installation, runs, metrics, installation.adopt(id), reader, asker)

    @router.delete("/api/unfinished/{id}", status_code=204)
    def drop(id: str) -> Response:
        installation.drop(id)
        return Response(status_code=204)

    @router.get("/api/facts")
    def facts() -> list[FactModel]:
        return installation.facts()

    @router.delete("/api/facts/{number}", status_code=204)
    def forget_fact(number: int) -> Response:
        installation.forget_fact(number)
        return Response(status_code=204)

    return router


def start_answer(
    installation: "Installation", runs: Runs, metrics: Metrics, place: "Place", reader: str, asker: str
) -> RunStarted:
    """Begins the run that answers the question at `place`, for `asker` or else for its conversation.

    Raises:
        Busy: Too many runs are under way, or the service is stopping.
    """
    run = Run("ask", thread_id=place.thread, question=place.question)

    def work(run: Run) -> dict[str, Any]:
        try:
            with metrics.counted(place.effort) as count:
                outcome = count(
                    installation.answer(
                        place, listen=_passed_on(run), cancelled=run.cancelled.is_set, decide=run.ask_person
                    )
                )
        except Cancelled:
            if runs.closing:  # nobody withdrew it
                installation.leave(place)
            raise
        return AskResult.of(outcome).model_dump()

    try:
        with asking(asker or place.thread):
            runs.start(run, work, language=reader)
    except Busy:
        installation.give_up(place)
        raise
    return RunStarted(run_id=run.id, thread_id=run.thread_id)


def _passed_on(run: Run) -> Callable[[str, dict[str, Any]], None]:
    """What hears an answer grow, and adds it to the events of its run."""

    def listen(kind: str, data: dict[str, Any]) -> None:
        if kind in ("step", "token", "replace", "notice"):
            run.add(kind, data)  # type: ignore[arg-type]  # the check above narrows it

    return listen
