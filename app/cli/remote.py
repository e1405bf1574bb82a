"""The service of the home over HTTP, as a backend of the commands."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.cli.backend import Listen
from app.cli.interrupt import interruptible
from app.cli.progress import Meter
from app.deciding import nobody
from terakoya.api import (
    AlikeNotes,
    ApprovalModel,
    AskResult,
    BackupReport,
    DecisionRequest,
    FactModel,
    FeedbackItem,
    ForgetReport,
    ForgetRequest,
    IngestReport,
    NoteSummary,
    NoteText,
    NoteTree,
    RatedAnswer,
    RunEvent,
    RunStarted,
    SearchResult,
    Status,
    Thread,
    ThreadSummary,
    Unfinished,
)
from terakoya.client import ServiceClient, run_error
from terakoya.errors import BadInput, NotFound, Unavailable
from terakoya.protocols import Decide
from terakoya.types import Effort, Filter, SecondMessage


class Remote:
    """The service over HTTP."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    def search(
        self, query: str, *, k: int, filter: Filter | None = None, explain: bool = False
    ) -> SearchResult:
        """The best passages."""
        return self._client.search(query, k=k, filter=filter, explain=explain)

    def related(
        self, source: str, line: int | None, *, k: int, filter: Filter | None = None, explain: bool = False
    ) -> SearchResult:
        """The passages most like one, or like a note."""
        return self._client.related(source, line, k=k, filter=filter, explain=explain)

    def ask(
        self,
        question: str,
        *,
        effort: Effort,
        thread_id: str | None,
        second_message: SecondMessage | None = None,
        listen: Listen | None,
        decide: Decide = nobody,
    ) -> AskResult:
        """Answers; `listen` gets the pieces as they come."""
        if listen is None:
            return self._client.answer(
                question, effort=effort, thread_id=thread_id, second_message=second_message
            )
        run = self._client.ask(question, effort=effort, thread_id=thread_id, second_message=second_message)
        return self._answer(run, listen, decide)

    def _answer(self, run: RunStarted, listen: Listen, decide: Decide) -> AskResult:
        seen = 0

        def hear(event: RunEvent) -> None:
            nonlocal seen
            seen = event.seq
            if event.type == "approval":
                self._decide(run.run_id, event, decide)
            else:
                listen(event.type, event.data)

        try:
            return AskResult.model_validate(self._follow(run.run_id, hear))
        except KeyboardInterrupt:
            self._client.cancel(run.run_id)
            return AskResult.model_validate(self._follow(run.run_id, hear, after=seen))

    def go_on(self, id: str, *, listen: Listen, decide: Decide = nobody) -> AskResult:
        """Goes on with a question that was left unfinished."""
        return self._answer(self._client.go_on(id), listen, decide)

    def drop(self, id: str) -> None:
        """Gives up a question that was left unfinished."""
        self._client.drop(id)

    def unfinished(self) -> list[Unfinished]:
        """The questions whose process ended before they were answered, the oldest first."""
        return self._client.unfinished()

    def threads(self) -> list[ThreadSummary]:
        """The conversations, the latest first."""
        return self._client.threads()

    def thread(self, thread_id: str) -> Thread:
        """One conversation."""
        return self._client.thread(thread_id)

    def _decide(self, run_id: str, event: RunEvent, decide: Decide) -> None:
        asked = ApprovalModel.model_validate(event.data)
        request = DecisionRequest.of(asked.call_id, decide(asked.inner()))
        with suppress(NotFound):  # decided elsewhere meanwhile: what comes next tells
            self._client.decide(run_id, request)

    def facts(self) -> list[FactModel]:
        """What the person asked to remember, oldest first."""
        return self._client.facts()

    def forget_fact(self, number: int) -> None:
        """Takes a fact back."""
        self._client.forget_fact(number)

    def ingest(self, paths: Sequence[Path], *, dry_run: bool, progress: Meter) -> IngestReport:
        """Takes notes in; Ctrl-C stops the service's run behind the note at work, and waits for that."""
        for path in paths:
            try:
                str(path).encode()
            except UnicodeEncodeError:
                raise BadInput("path_encoding", path=path) from None

        def listen(event: RunEvent) -> None:
            if event.type == "progress":
                progress(event.data["done"], event.data["total"], event.data["what"])

        report = self._to_its_end(
            lambda: self._client.ingest(paths, dry_run=dry_run), listen, progress.stopping
        )
        return IngestReport.model_validate(report)

    def _to_its_end(
        self,
        start: Callable[[], RunStarted],
        listen: Callable[[RunEvent], None],
        stopping: Callable[[], None],
    ) -> dict[str, Any]:
        """The result of a run; Ctrl-C, from the moment on that the service is asked to begin it, cancels it."""
        started: list[str] = []

        def stop() -> None:
            stopping()
            if started:  # in a thread, as what was interrupted may hold the client's own locks
                threading.Thread(target=self._client.cancel, args=started).start()

        with interruptible(stop) as pressed:
            run_id = start().run_id
            early = pressed()
            started.append(run_id)
            if early:
                self._client.cancel(run_id)
            return self._follow(run_id, listen)

    def _follow(self, run_id: str, listen: Callable[[RunEvent], None], *, after: int = 0) -> dict[str, Any]:
        for event in self._client.events(run_id, after=after):
            if event.type == "done":
                result: dict[str, Any] = event.data["result"]
                return result
            if event.type == "error":
                raise run_error(event)
            listen(event)
        raise Unavailable("service_away", address=self._client.address)

    def notes(self) -> list[NoteSummary]:
        """All notes."""
        return self._client.notes()

    def duplicates(self, similarity: float) -> list[AlikeNotes]:
        """Groups of notes that are alike."""
        return self._client.duplicates(similarity)

    def note(self, source: str) -> NoteText:
        """The whole text of a note."""
        return self._client.note(source)

    def note_tree(self, source: str) -> NoteTree:
        """The blocks of a note."""
        return self._client.note_tree(source)

    def forget(self, request: ForgetRequest) -> ForgetReport:
        """Forgets notes or a conversation."""
        return self._client.forget(request)

    def rated(self) -> list[RatedAnswer]:
        """The answers that got a thumb."""
        return self._client.rated()

    def backup(self, path: Path) -> BackupReport:
        """Has the service write the state of the home to a file."""
        return self._client.backup(path)

    def feedback(self) -> list[FeedbackItem]:
        """All thumbs, the latest first."""
        return self._client.feedback_given()

    def status(self) -> Status:
        """State of the installation."""
        return self._client.status()

    def release(self) -> None:
        """Nothing is held here."""

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()
