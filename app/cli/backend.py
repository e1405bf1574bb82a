"""Who answers a command: the service of the home over HTTP, or the installation in this process."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from app.cli.session import Opener
from terakoya.api import AskResult, IngestReport, NoteSummary, SearchResult, Status
from terakoya.client import ServiceClient, run_error
from terakoya.errors import BadInput, Unavailable
from terakoya.types import Effort

if TYPE_CHECKING:
    from app.settings import Settings
    from app.wiring import Installation

Listen = Callable[[str, dict[str, Any]], None]
Progress = Callable[[int, int, str], None]


class Backend(Protocol):
    """What the commands need of an installation, wherever it is open."""

    def search(self, query: str, *, k: int) -> SearchResult:
        """The best passages."""
        ...

    def ask(
        self, question: str, *, effort: Effort, thread_id: str | None, listen: Listen | None
    ) -> AskResult:
        """Answers; `listen` gets the pieces as they come."""
        ...

    def ingest(self, paths: Sequence[Path], *, dry_run: bool, progress: Progress) -> IngestReport:
        """Takes notes in."""
        ...

    def notes(self) -> list[NoteSummary]:
        """All notes."""
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

    def search(self, query: str, *, k: int) -> SearchResult:
        """The best passages."""
        return SearchResult.of(self._installation().search(query, k=k))

    def ask(
        self, question: str, *, effort: Effort, thread_id: str | None, listen: Listen | None
    ) -> AskResult:
        """Answers; `listen` gets the pieces as they come."""
        outcome = self._installation().ask(
            question, effort=effort, thread_id=thread_id, listen=listen or (lambda type, data: None)
        )
        return AskResult.of(outcome)

    def ingest(self, paths: Sequence[Path], *, dry_run: bool, progress: Progress) -> IngestReport:
        """Takes notes in."""
        return self._installation(write=True).ingest(paths, dry_run=dry_run, progress=progress)

    def notes(self) -> list[NoteSummary]:
        """All notes."""
        return self._installation().notes()

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

    def search(self, query: str, *, k: int) -> SearchResult:
        """The best passages."""
        return self._client.search(query, k=k)

    def ask(
        self, question: str, *, effort: Effort, thread_id: str | None, listen: Listen | None
    ) -> AskResult:
        """Answers; `listen` gets the pieces as they come."""
        if listen is None:
            return self._client.answer(question, effort=effort, thread_id=thread_id)
        run = self._client.ask(question, effort=effort, thread_id=thread_id)
        return AskResult.model_validate(self._follow(run.run_id, listen))

    def ingest(self, paths: Sequence[Path], *, dry_run: bool, progress: Progress) -> IngestReport:
        """Takes notes in; Ctrl-C stops the service's run at the next file."""
        for path in paths:
            try:
                str(path).encode()
            except UnicodeEncodeError:
                raise BadInput("path_encoding", path=path) from None
        run = self._client.ingest(paths, dry_run=dry_run)

        def listen(kind: str, data: dict[str, Any]) -> None:
            if kind == "progress":
                progress(data["done"], data["total"], data["what"])

        try:
            return IngestReport.model_validate(self._follow(run.run_id, listen))
        except KeyboardInterrupt:
            self._client.cancel(run.run_id)
            raise

    def _follow(self, run_id: str, listen: Listen) -> dict[str, Any]:
        for event in self._client.events(run_id):
            if event.type == "done":
                result: dict[str, Any] = event.data["result"]
                return result
            if event.type == "error":
                raise run_error(event)
            listen(event.type, event.data)
        raise Unavailable("service_away", address=self._client.address)

    def notes(self) -> list[NoteSummary]:
        """All notes."""
        return self._client.notes()

    def status(self) -> Status:
        """State of the installation."""
        return self._client.status()

    def release(self) -> None:
        """Nothing is held here."""

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()
