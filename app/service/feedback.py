"""The routes of thumbs on answers."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from app.service.language import Reader
from terakoya.api import CaseDraft, CaseMade, CaseRequest, FeedbackItem, FeedbackRequest, RatedAnswer
from terakoya.catalogue import reading_in

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

    @router.get("/api/feedback/{trace_id}/case")
    def draft(trace_id: str) -> CaseDraft:
        return installation.case_draft(trace_id)

    @router.post("/api/feedback/{trace_id}/case")
    def make(trace_id: str, request: CaseRequest, reader: Reader) -> CaseMade:
        with reading_in(reader):
            return installation.make_case(trace_id, request)

    return router
