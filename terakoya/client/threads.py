"""Conversations of the service."""

from pydantic import TypeAdapter

from terakoya.api import (
    Branched,
    BranchRequest,
    FactModel,
    RunStarted,
    Thread,
    ThreadSummary,
)
from terakoya.client.connection import Connection, segment


class ThreadCalls(Connection):
    """Conversations, and what is remembered beside them."""

    def threads(self) -> list[ThreadSummary]:
        """All conversations, latest first."""
        return TypeAdapter(list[ThreadSummary]).validate_json(self.send("GET", "/api/threads").content)

    def thread(self, thread_id: str) -> Thread:
        """One conversation; a run still under way comes last.

        Raises:
            NotFound: There is no such conversation.
        """
        return self.model(Thread, "GET", f"/api/threads/{segment(thread_id)}")

    def branch(self, thread_id: str, turns: int) -> str:
        """A new conversation that begins with the first `turns` turns of this one; its id.

        Raises:
            NotFound: There is no such conversation, or it has fewer turns.
        """
        path = f"/api/threads/{segment(thread_id)}/branch"
        return self.model(Branched, "POST", path, json=BranchRequest(turns=turns)).thread_id

    def resume(self, thread_id: str) -> RunStarted:
        """Goes on with a question whose process died before it was answered.

        Raises:
            NotFound: There is no such conversation, or nothing in it was left unfinished.
        """
        return self.model(RunStarted, "POST", f"/api/threads/{segment(thread_id)}/resume")

    def facts(self) -> list[FactModel]:
        """What the person asked to remember, oldest first."""
        return TypeAdapter(list[FactModel]).validate_json(self.send("GET", "/api/facts").content)

    def forget_fact(self, number: int) -> None:
        """Takes a fact back.

        Raises:
            NotFound: There is none with this number.
        """
        self.send("DELETE", f"/api/facts/{number}")
