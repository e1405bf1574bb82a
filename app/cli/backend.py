"""Who answers a command: the service of the home over HTTP, or the installation in this process."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from app.cli.progress import Meter
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
from terakoya.protocols import Decide
from terakoya.types import Effort, Filter, SecondMessage

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
        second_message: SecondMessage | None = None,
        listen: Listen | None,
        decide: Decide = nobody,
    ) -> AskResult:
        """Answers; `listen` gets the pieces as they come. Ctrl-C cuts it short; a second one ends the command.

        `decide` asks a person whether a tool that changes something may be called.
        """
        ...

    def go_on(self, id: str, *, listen: Listen, decide: Decide = nobody) -> AskResult:
        """Goes on with a question that was left unfinished, as `ask` asks one."""
        ...

    def drop(self, id: str) -> None:
        """Gives up a question that was left unfinished."""
        ...

    def unfinished(self) -> list[Unfinished]:
        """The questions whose process ended before they were answered, the oldest first."""
        ...

    def threads(self) -> list[ThreadSummary]:
        """The conversations, the latest first."""
        ...

    def thread(self, thread_id: str) -> Thread:
        """One conversation."""
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
