"""Conversations of the service."""

from pydantic import TypeAdapter

from terakoya.api import (
    Branched,
    BranchRequest,
    FactModel,
    RunStarted,
    SecondMessageRequest,
    Thread,
    ThreadSummary,
    Unfinished,
)
from terakoya.client.connection import Connection, segment
from terakoya.types import SecondMessage


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

    def unfinished(self) -> list[Unfinished]:
        """The questions whose process ended before they were answered, the oldest first."""
        return TypeAdapter(list[Unfinished]).validate_json(self.send("GET", "/api/unfinished").content)

    def go_on(self, id: str) -> RunStarted:
        """Goes on with one of them.

        Raises:
            NotFound: There is no such question, or somebody else goes on with it.
        """
        return self.model(RunStarted, "POST", f"/api/unfinished/{segment(id)}/resume")

    def drop(self, id: str) -> None:
        """Gives one of them up.

        Raises:
            NotFound: There is no such question, or somebody goes on with it.
        """
        self.send("DELETE", f"/api/unfinished/{segment(id)}")

    def choose_second_message(self, thread_id: str, policy: SecondMessage | None) -> None:
        """Says what becomes of a message while another one of the thread is being answered.

        None leaves it to the settings.

        Raises:
            NotFound: There is no such conversation.
        """
        path = f"/api/threads/{segment(thread_id)}/second-message"
        self.send("PUT", path, json=SecondMessageRequest(second_message=policy))

    def facts(self) -> list[FactModel]:
        """What the person asked to remember, oldest first."""
        return TypeAdapter(list[FactModel]).validate_json(self.send("GET", "/api/facts").content)

    def forget_fact(self, number: int) -> None:
        """Takes a fact back.

        Raises:
            NotFound: There is none with this number.
        """
        self.send("DELETE", f"/api/facts/{number}")
