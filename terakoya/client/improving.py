"""Thumbs and votes."""

from pydantic import TypeAdapter

from terakoya.api import (
    CaseDraft,
    CaseMade,
    CaseRequest,
    Duel,
    DuelRequest,
    FeedbackItem,
    FeedbackRequest,
    RatedAnswer,
    StandingModel,
    Unveiled,
    VoteRequest,
)
from terakoya.client.connection import ANSWER, SEARCH, Connection, segment


class ImprovingCalls(Connection):
    """Thumbs on answers, and votes on pairs of them."""

    def feedback(self, request: FeedbackRequest) -> None:
        """A thumb on an answer."""
        self.send("POST", "/api/feedback", json=request)

    def feedback_given(self) -> list[FeedbackItem]:
        """All thumbs, the latest first."""
        reply = self.send("GET", "/api/feedback")
        return TypeAdapter(list[FeedbackItem]).validate_json(reply.content)

    def rated(self) -> list[RatedAnswer]:
        """The answers that got a thumb, as far as their conversations are kept."""
        return TypeAdapter(list[RatedAnswer]).validate_json(
            self.send("GET", "/api/feedback/answers", timeout=SEARCH).content
        )

    def case_draft(self, trace_id: str) -> CaseDraft:
        """What is known of a case for the answer with a thumb.

        Raises:
            NotFound: There is no thumb on this trace.
        """
        return self.model(CaseDraft, "GET", f"/api/feedback/{segment(trace_id)}/case", timeout=SEARCH)

    def make_case(self, trace_id: str, request: CaseRequest) -> CaseMade:
        """Makes a case of a thumb, in a suite of the home.

        Raises:
            NotFound: There is no thumb on this trace.
            BadInput: Nothing is expected, or a passage is not there.
        """
        path = f"/api/feedback/{segment(trace_id)}/case"
        return self.model(CaseMade, "POST", path, json=request, timeout=SEARCH)

    def duel(self, question: str, first: str, second: str) -> Duel:
        """Asks under two settings, and waits for both answers.

        Raises:
            BadInput: A setting cannot be used, or both sides are the same.
        """
        request = DuelRequest(question=question, first=first, second=second)
        return self.model(Duel, "POST", "/api/arena/duels", json=request, timeout=ANSWER)

    def vote(self, duel_id: str, request: VoteRequest) -> Unveiled:
        """Says which of the two is better, and learns who was who.

        Raises:
            NotFound: No such duel waits for a vote.
        """
        return self.model(Unveiled, "POST", f"/api/arena/duels/{segment(duel_id)}/vote", json=request)

    def arena_models(self) -> list[str]:
        """What a side of a duel may name as its model; nothing where there is none to choose."""
        return TypeAdapter(list[str]).validate_json(self.send("GET", "/api/arena/models").content)

    def standings(self) -> list[StandingModel]:
        """The leaderboard, the best first."""
        return TypeAdapter(list[StandingModel]).validate_json(
            self.send("GET", "/api/arena/standings").content
        )
