"""The routes of thumbs on answers."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from terakoya.api import FeedbackItem, FeedbackRequest, RatedAnswer

if TYPE_CHECKING:
    from app.installation import Installation


def feedback_routes(installation: "Installation") -> APIRouter:
    """Thumbs, and the answers that got them."""
    router = APIRouter()

    @router.get("/api/feedback")
    def given() -> list[FeedbackItem]:
        return installation.feedback_given()

    @router.get("/api/feedback/answers")
    def rated() -> list[RatedAnswer]:
        return installation.rated()

    @router.post("/api/feedback", status_code=204)
    def feedback(request: FeedbackRequest) -> Response:
        installation.feedback(request)
        return Response(status_code=204)

    return router
