"""The service's API, call by call."""

from pathlib import Path

from terakoya.api import (
    AskRequest,
    AskResult,
    BackupReport,
    BackupRequest,
    FilterModel,
    RelatedRequest,
    RunStarted,
    SearchRequest,
    SearchResult,
    Statistics,
    Status,
)
from terakoya.client.connection import ANSWER, SEARCH
from terakoya.client.improving import ImprovingCalls
from terakoya.client.notes import NoteCalls
from terakoya.client.record import ServiceRecord, answers
from terakoya.client.runs import RunCalls
from terakoya.client.threads import ThreadCalls
from terakoya.errors import TerakoyaError
from terakoya.types import Effort, Filter, SecondMessage


class ServiceClient(RunCalls, NoteCalls, ThreadCalls, ImprovingCalls):
    """The service's API, call by call. Safe to use from several threads.

    Every method raises `TerakoyaError`s: those of the service with their key and sentence kept, and
    `Unavailable` when the service does not answer.

    `asker` says for whom it asks: askers take turns at a model. Empty for each conversation by itself.
    """

    @classmethod
    def discover(cls, home: Path, *, language: str | None = None, asker: str = "") -> "ServiceClient | None":
        """The client for the service of `home`, or None when none is up.

        A record left by a service that ended is not believed: the process at its address must prove that
        it knows the token before it is shown anything.
        """
        record = ServiceRecord.read(home)
        if record is None or not answers(record):
            return None
        return cls(record.address, record.token, language=language, asker=asker)

    def ready(self) -> bool:
        """Whether the service's store is open."""
        try:
            self.send("GET", "/ready")
        except TerakoyaError:
            return False
        return True

    def ask(
        self,
        question: str,
        *,
        effort: Effort = "normal",
        thread_id: str | None = None,
        second_message: SecondMessage | None = None,
    ) -> RunStarted:
        """Begins a run that answers `question`; follow it with `events`.

        Raises:
            Busy: Another question of the thread is being answered, and `second_message`, or the thread's or the
                settings' choice without it, says to give up then.
        """
        request = AskRequest(
            question=question, effort=effort, thread_id=thread_id, second_message=second_message
        )
        return self.model(RunStarted, "POST", "/api/ask", json=request)

    def answer(
        self,
        question: str,
        *,
        effort: Effort = "normal",
        thread_id: str | None = None,
        second_message: SecondMessage | None = None,
    ) -> AskResult:
        """Asks and waits for the whole answer. Raises what `ask` does, and what the answer fails with."""
        request = AskRequest(
            question=question, effort=effort, thread_id=thread_id, second_message=second_message
        )
        return self.model(AskResult, "POST", "/api/answer", json=request, timeout=ANSWER)

    def search(
        self, query: str, *, k: int = 10, filter: Filter | None = None, explain: bool = False
    ) -> SearchResult:
        """The `k` best passages; with `explain`, each says why it stands where it does.

        Raises:
            NotFound: Nothing is found, and no note is in a folder or has a tag of `filter`.
        """
        request = SearchRequest(query=query, k=k, filter=FilterModel.of(filter), explain=explain)
        return self.model(SearchResult, "POST", "/api/search", json=request, timeout=SEARCH)

    def related(
        self,
        source: str,
        line: int | None = None,
        *,
        k: int = 10,
        filter: Filter | None = None,
        explain: bool = False,
    ) -> SearchResult:
        """The `k` passages most like the one at `line` of a note, or like the note.

        Raises:
            NotFound: There is no such note.
        """
        request = RelatedRequest(
            source=source, line=line, k=k, filter=FilterModel.of(filter), explain=explain
        )
        return self.model(SearchResult, "POST", "/api/related", json=request, timeout=SEARCH)

    def statistics(self, days: int) -> Statistics:
        """Questions, times, tokens, thumbs and errors of the last days."""
        return self.model(Statistics, "GET", f"/api/statistics?days={days}", timeout=SEARCH)

    def backup(self, path: Path) -> BackupReport:
        """Has the service write a backup to an absolute path of its machine.

        Raises:
            BadInput: `path` cannot be written to, or is there already.
        """
        return self.model(
            BackupReport, "POST", "/api/backup", json=BackupRequest(path=str(path)), timeout=ANSWER
        )

    def status(self) -> Status:
        """State of the installation."""
        return self.model(Status, "GET", "/api/status", timeout=SEARCH)
