"""The routes of the arena."""

import threading
from typing import TYPE_CHECKING

from fastapi import APIRouter

from terakoya.api import Duel, DuelRequest, StandingModel, Unveiled, VoteRequest

if TYPE_CHECKING:
    from app.booth import Booth
    from app.installation import Installation


def arena_routes(installation: "Installation") -> APIRouter:
    """Duels, votes and the leaderboard."""
    router = APIRouter()
    lock = threading.Lock()
    built: list[Booth] = []

    def booth() -> "Booth":
        # What evals stand on takes a moment to import, and most services hold no duel.
        from app.booth import Booth

        with lock:
            if not built:
                built.append(Booth(installation))
        return built[0]

    @router.post("/api/arena/duels")
    def duel(request: DuelRequest) -> Duel:
        return booth().duel(request)

    @router.post("/api/arena/duels/{duel_id}/vote")
    def vote(duel_id: str, request: VoteRequest) -> Unveiled:
        return booth().vote(duel_id, request)

    @router.get("/api/arena/models")
    def models() -> list[str]:
        return booth().models()

    @router.get("/api/arena/standings")
    def standings() -> list[StandingModel]:
        return booth().standings()

    return router
