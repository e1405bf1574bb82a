"""Who answers a command: the service of the home over HTTP, or the installation in this process."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from app.cli.interrupt import interruptible
from app.cli.progress import Meter
from app.cli.session import Opener
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
)
from terakoya.client import ServiceClient, run_error
from terakoya.errors import BadInput, NotFound, Unavailable
from terakoya.protocols import Decide
from terakoya.types import Effort, Filter

if TYPE_CHECKING:
    from app.installation import Installation
    from app.settings import Settings

Listen = Callable[[str, dict[str, Any]], None]


class Backend(Protocol):
    """What the commands need of an installation, wherever it is open."""

    def search(
        self, query: str, *, k: int, filter: Filter | None = None, explain: bool = False
    ) -> SearchResult:
        """The best passages; with `explain`, each says why it stands where it does."""
        ...

    def related(
        self, source: str, line: int | None, *, k: int, filter: Filter | None = None, explain: bool = False
    ) -> SearchResult:
        """The passages most like one, or like a note."""
        ...

    def ask(
        self,
        question: str,
        *,
        effort: Effort,
        thread_id: str | None,
        listen: Listen | None,
        decide: Decide = nobody,
    ) -> AskResult:
        """Answers; `listen` gets the pieces as they come. Ctrl-C cuts it short; a second one ends the command.

        `decide` asks a person whether a tool that changes something may be called.
        """
        ...

    def facts(self) -> list[FactModel]:
        """What the person asked to remember, oldest first."""
        ...

    def forget_fact(self, number: int) -> None:
        """Takes a fact back."""
        ...

    def ingest(self, paths: Sequence[Path], *, dry_run: bool, progress: Meter) -> IngestReport:
        """Takes notes in. Ctrl-C asks it to stop, which the report tells; a second one ends the command."""
        ...

    def notes(self) -> list[NoteSummary]:
        """All notes."""
        ...

    def duplicates(self, similarity: float) -> list[AlikeNotes]:
        """Groups of notes that are alike."""
        ...

    def note(self, source: str) -> NoteText:
        """The whole text of a note."""
        ...

    def note_tree(self, source: str) -> NoteTree:
        """The blocks of a note."""
        ...

    def forget(self, request: ForgetRequest) -> ForgetReport:
        """Forgets notes or a conversation."""
        ...

    def backup(self, path: Path) -> BackupReport:
        """Writes the state of the home to a file."""
        ...

    def rated(self) -> list[RatedAnswer]:
        """The answers that got a thumb."""

    def feedback(self) -> list[FeedbackItem]:
        """All thumbs, the latest first."""
        ...

    def status(self) -> Status:
        """State of the installation."""
        ...

    def release(self) -> None:
        """Lets go of the store until the next call."""
        ...

    def close(self) -> None:
        """Lets go of everything."""
        ...


class Local:
    """The installation in this process; the store is opened at the first call."""

    def __init__(self, settings: "Settings", opener: Opener) -> None:
        self._settings = settings
        self._opener = opener
        self._opened: Installation | None = None

    def _installation(self, *, write: bool = False) -> "Installation":
        if self._opened is None:
            self._opened = self._opener(self._settings, write=write)
        return self._opened

    def search(
        self, query: str, *, k: int, filter: Filter | None = None, explain: bool = False
    ) -> SearchResult:
        """The best passages."""
        ranking = self._installation().search(query, k=k, filter=filter, explain=explain)
        return SearchResult.of(ranking)

    def related(
        self, source: str, line: int | None, *, k: int, filter: Filter | None = None, explain: bool = False
    ) -> SearchResult:
        """The passages most like one, or like a note."""
        ranking = self._installation().related(source, line, k=k, filter=filter, explain=explain)
        return SearchResult.of(ranking)

    def ask(
        self,
        question: str,
        *,
        effort: Effort,
        thread_id: str | None,
        listen: Listen | None,
        decide: Decide = nobody,
    ) -> AskResult:
        """Answers; `listen` gets the pieces as they come."""
        installation = self._installation()
        with interruptible(lambda: None) as cancelled:
            outcome = installation.ask(
                question,
                effort=effort,
                thread_id=thread_id,
                listen=listen or (lambda type, data: None),
                cancelled=cancelled,
                decide=decide,
            )
        return AskResult.of(outcome)

    def facts(self) -> list[FactModel]:
        """What the person asked to remember, oldest first."""
        return self._installation().facts()

    def forget_fact(self, number: int) -> None:
        """Takes a fact back."""
        self._installation().forget_fact(number)

    def ingest(self, paths: Sequence[Path], *, dry_run: bool, progress: Meter) -> IngestReport:
        """Takes notes in; Ctrl-C stops it behind the note at work."""
        installation = self._installation(write=True)
        with interruptible(progress.stopping) as cancelled:
            return installation.ingest(paths, dry_run=dry_run, progress=progress, cancelled=cancelled)

    def notes(self) -> list[NoteSummary]:
        """All notes."""
        return self._installation().notes()

    def duplicates(self, similarity: float) -> list[AlikeNotes]:
        """Groups of notes that are alike."""
        return self._installation().duplicates(similarity)

    def note(self, source: str) -> NoteText:
        """The whole text of a note."""
        return self._installation().note(source)

    def note_tree(self, source: str) -> NoteTree:
        """The blocks of a note."""
        return self._installation().note_tree(source)

    def forget(self, request: ForgetRequest) -> ForgetReport:
        """Forgets notes or a conversation."""
        if not self._settings.store_path.exists():  # opening it for writing would make it
            raise Unavailable("store_empty", path=self._settings.store_path)
        return self._installation(write=not request.dry_run).forget(request)

    def rated(self) -> list[RatedAnswer]:
        """The answers that got a thumb; none where there is no store."""
        return self._installation().rated() if self._settings.store_path.exists() else []

    def backup(self, path: Path) -> BackupReport:
        """Writes the state of the home to a file."""
        return self._installation().backup(path)

    def feedback(self) -> list[FeedbackItem]:
        """All thumbs, the latest first."""
        return self._installation().feedback_given()

    def status(self) -> Status:
        """State of the installation."""
        return self._installation().status()

    def release(self) -> None:
        """Closes the store; the next call opens it again."""
        if self._opened is not None:
            opened, self._opened = self._opened, None
            opened.close()

    def close(self) -> None:
        """Closes the store."""
        self.release()


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
        listen: Listen | None,
        decide: Decide = nobody,
    ) -> AskResult:
        """Answers; `listen` gets the pieces as they come."""
        if listen is None:
            return self._client.answer(question, effort=effort, thread_id=thread_id)
        run = self._client.ask(question, effort=effort, thread_id=thread_id)
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
