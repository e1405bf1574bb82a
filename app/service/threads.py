"""The routes of conversations, over one installation."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Response

from app.service.language import Reader
from app.service.runs import Run, Runs
from terakoya.api import (
    AskResult,
    Branched,
    BranchRequest,
    FactModel,
    RunStarted,
    Thread,
    ThreadSummary,
    TurnModel,
)
from terakoya.errors import NotFound

if TYPE_CHECKING:
    from app.installation import Installation

_TITLE: Final = 80


def thread_routes(installation: "Installation", runs: Runs) -> APIRouter:
    """Conversations, with the runs under way in them, and what is remembered beside them."""
    router = APIRouter()

    @router.get("/api/threads")
    def threads() -> list[ThreadSummary]:
        kept = installation.threads()
        known = {summary.thread_id for summary in kept}
        begun = [
            ThreadSummary(
                thread_id=run.thread_id,
                title=run.question[:_TITLE],
                updated=datetime.fromtimestamp(run.started, UTC).isoformat(timespec="seconds"),
            )
            for run in reversed(runs.running("ask"))
            if run.thread_id not in known
        ]
        return begun + kept

    @router.get("/api/threads/{thread_id}")
    def thread(thread_id: str) -> Thread:
        while True:
            running = runs.running("ask", thread_id=thread_id)
            try:
                turns = installation.thread(thread_id).turns
            except NotFound:
                turns = []
                if not running and not runs.running("ask", thread_id=thread_id):
                    raise
            # A run that ended meanwhile may stand in neither or in both: look again.
            if runs.running("ask", thread_id=thread_id) == running:
                break
        under_way = [TurnModel(question=run.question, result=None, run_id=run.id) for run in running]
        return Thread(thread_id=thread_id, turns=[*turns, *under_way])

    @router.post("/api/threads/{thread_id}/branch")
    def branch(thread_id: str, request: BranchRequest) -> Branched:
        return Branched(thread_id=installation.branch(thread_id, request.turns))

    @router.post("/api/threads/{thread_id}/resume", status_code=202)
    def resume(thread_id: str, reader: Reader) -> RunStarted:
        question = installation.unfinished(thread_id)
        run = Run("ask", thread_id=thread_id, question=question)

        def work(run: Run) -> dict[str, Any]:
            outcome = installation.resume(
                thread_id, listen=passed_on(run), cancelled=run.cancelled.is_set, decide=run.ask_person
            )
            return AskResult.of(outcome).model_dump()

        runs.start(run, work, language=reader)
        return RunStarted(run_id=run.id, thread_id=thread_id)

    @router.get("/api/facts")
    def facts() -> list[FactModel]:
        return installation.facts()

    @router.delete("/api/facts/{number}", status_code=204)
    def forget_fact(number: int) -> Response:
        installation.forget_fact(number)
        return Response(status_code=204)

    return router


def passed_on(run: Run) -> Callable[[str, dict[str, Any]], None]:
    """What hears an answer grow, and adds it to the events of its run."""

    def listen(kind: str, data: dict[str, Any]) -> None:
        if kind in ("step", "token", "replace", "notice"):
            run.add(kind, data)  # type: ignore[arg-type]  # the check above narrows it

    return listen
