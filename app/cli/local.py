"""The installation in this process, as a backend of the commands."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.backend import Listen
from app.cli.interrupt import interruptible
from app.cli.progress import Meter
from app.cli.session import Opener
from app.deciding import nobody
from terakoya.api import (
    AlikeNotes,
    AskResult,
    BackupReport,
    FactModel,
    FeedbackItem,
    ForgetReport,
    ForgetRequest,
    IngestReport,
    NoteSummary,
    NoteText,
    NoteTree,
    RatedAnswer,
    SearchResult,
    Status,
    Thread,
    ThreadSummary,
    Unfinished,
)
from terakoya.errors import Unavailable
from terakoya.protocols import Decide
from terakoya.types import Effort, Filter, SecondMessage

if TYPE_CHECKING:
    from app.floor import Place
    from app.installation import Installation
    from app.settings import Settings


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
        second_message: SecondMessage | None = None,
        listen: Listen | None,
        decide: Decide = nobody,
    ) -> AskResult:
        """Answers; `listen` gets the pieces as they come."""
        installation = self._installation()
        place = installation.line_up(
            question, effort=effort, thread_id=thread_id, second_message=second_message
        )
        return self._answer(installation, place, listen or (lambda type, data: None), decide)

    def _answer(
        self, installation: "Installation", place: "Place", listen: Listen, decide: Decide
    ) -> AskResult:
        with interruptible(lambda: None) as cancelled:
            outcome = installation.answer(place, listen=listen, cancelled=cancelled, decide=decide)
        return AskResult.of(outcome)

    def go_on(self, id: str, *, listen: Listen, decide: Decide = nobody) -> AskResult:
        """Goes on with a question that was left unfinished."""
        installation = self._installation()
        return self._answer(installation, installation.adopt(id), listen, decide)

    def drop(self, id: str) -> None:
        """Gives up a question that was left unfinished."""
        self._installation().drop(id)

    def unfinished(self) -> list[Unfinished]:
        """The questions whose process ended before they were answered, the oldest first."""
        return self._installation().unfinished()

    def threads(self) -> list[ThreadSummary]:
        """The conversations, the latest first."""
        return self._installation().threads()

    def thread(self, thread_id: str) -> Thread:
        """One conversation."""
        return self._installation().thread(thread_id)

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
