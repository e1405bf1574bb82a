"""The events of a run as server-sent events, which anyone with its id can join again at any number."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from app.service.runs import Run, Runs
from terakoya.api import DecisionRequest, RunEvent, RunState

HEARTBEAT: Final = 10.0


def event_routes(runs: Runs, heartbeat: float) -> APIRouter:
    """A run's state, its events, and asking it to stop."""
    router = APIRouter()

    @router.get("/api/runs/{run_id}")
    async def state(run_id: str) -> RunState:
        return runs.get(run_id).state()

    @router.get("/api/runs/{run_id}/events")
    async def events(
        run_id: str,
        after: Annotated[int | None, Query()] = None,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> StreamingResponse:
        run = runs.get(run_id)
        # A browser that reconnects repeats the address it knows, so its header is the later word.
        known = last_event_id or ""
        number = int(known) if known.isdecimal() and len(known) < 10 else after or 0
        return StreamingResponse(
            _lines(run, max(0, number), heartbeat),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    @router.post("/api/runs/{run_id}/approval", status_code=204)
    def approval(run_id: str, request: DecisionRequest) -> None:
        runs.get(run_id).decide(request.call_id, request.inner())

    @router.post("/api/runs/{run_id}/cancel", status_code=204)
    async def cancel(run_id: str) -> None:
        runs.get(run_id).cancelled.set()

    return router


async def _lines(run: Run, after: int, heartbeat: float) -> AsyncIterator[str]:
    async for piece in run.follow(after, heartbeat=heartbeat):
        yield "".join(_encoded(event) for event in piece) or ": still here\n\n"


def _encoded(event: RunEvent) -> str:
    # ASCII only: some readers take U+2028 and its like for the end of a line.
    return f"id: {event.seq}\nevent: {event.type}\ndata: {json.dumps(event.data)}\n\n"
