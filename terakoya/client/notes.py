"""Notes of the service."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from terakoya.api import (
    AlikeNotes,
    ForgetReport,
    ForgetRequest,
    IngestRequest,
    NoteSummary,
    NoteText,
    NoteTree,
    RunStarted,
)
from terakoya.client.connection import SEARCH, UPLOAD, Connection


class NoteCalls(Connection):
    """Notes: what is there, taking more in, and forgetting."""

    def ingest(self, paths: Sequence[Path | str], *, dry_run: bool = False) -> RunStarted:
        """Begins an ingest run of absolute paths.

        Raises:
            Busy: Another ingest is under way.
        """
        request = IngestRequest(paths=[str(path) for path in paths], dry_run=dry_run)
        return self.model(RunStarted, "POST", "/api/ingest", json=request)

    def upload(self, files: Sequence[tuple[str, bytes]]) -> RunStarted:
        """Sends notes as (file name, content) and begins their ingest."""
        parts = [("files", (name, content, "application/octet-stream")) for name, content in files]
        return RunStarted.model_validate_json(
            self.send("POST", "/api/uploads", files=parts, timeout=UPLOAD).content
        )

    def notes(self) -> list[NoteSummary]:
        """All notes in the store."""
        return TypeAdapter(list[NoteSummary]).validate_json(self.send("GET", "/api/notes").content)

    def note(self, source: str) -> NoteText:
        """The text of one note.

        Raises:
            NotFound: There is no such note.
        """
        return self.model(NoteText, "GET", "/api/note", params={"source": source})

    def note_tree(self, source: str) -> NoteTree:
        """The blocks of a note.

        Raises:
            NotFound: There is no such note.
        """
        return self.model(NoteTree, "GET", "/api/note/tree", params={"source": source}, timeout=SEARCH)

    def duplicates(self, similarity: float) -> list[AlikeNotes]:
        """Groups of notes that are alike, the most alike first."""
        reply = self.send(
            "GET", "/api/notes/duplicates", params={"similarity": str(similarity)}, timeout=SEARCH
        )
        return TypeAdapter(list[AlikeNotes]).validate_json(reply.content)

    def forget(self, request: ForgetRequest) -> ForgetReport:
        """Forgets notes or a conversation; the notes' files stay, but for copies of uploads.

        Raises:
            NotFound: Nothing has that name.
            Busy: An ingest is under way, or a question in the conversation.
        """
        return self.model(ForgetReport, "POST", "/api/notes/forget", json=request, timeout=SEARCH)
