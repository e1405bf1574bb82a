"""Reads one file of a folder into a note; pickles, so that a worker process can do it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.folder import Bytes, FoundFile
from ingest.pictures import Pictures
from ingest.read import NoteRecord, Reading, check_note, digest_of, read_note
from terakoya.errors import TerakoyaError
from terakoya.text.analyser import Analyser
from terakoya.text.normalise import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file that may hold something new.

    Attributes:
        found: The file.
        replaces: Number of the note that the store has of it.
        digest: Of that note, where it was read as it would be now; a file with this digest is not read.
    """

    found: FoundFile
    replaces: int | None = None
    digest: str = ""

    def __str__(self) -> str:
        """Its path, for people."""
        return printable(self.found.path)


class FileReader:
    """Candidates to notes.

    Args:
        root: What the paths of the notes are relative to.
        max_bytes: Files larger than this are refused.
        reading: What the chunks are made for.
        analyser: Makes the terms; a worker process makes one of its own.
        only_digest: Tell whether a file changed and can be read, and make no note of it.
    """

    def __init__(
        self, *, root: Path, max_bytes: int, reading: Reading, analyser: Analyser, only_digest: bool = False
    ) -> None:
        self._root = root
        self._max_bytes = max_bytes
        self._reading = reading
        self._only_digest = only_digest
        self._analyser = analyser
        self._files = Bytes(max_bytes)
        self._pictures = Pictures(root, self._files)

    def __reduce__(self) -> tuple[Any, ...]:
        """Its settings."""
        return _again, (self._root, self._max_bytes, self._reading, self._only_digest)

    def __call__(self, candidate: Candidate) -> tuple[str, NoteRecord | None] | TerakoyaError:
        """Digest and note (None where the digest is known), or what is wrong with the file."""
        try:
            data = self._files.read(candidate.found)
            digest = digest_of(data)
            if digest == candidate.digest:
                return digest, None
            if self._only_digest:
                check_note(data, path=candidate.found.path)
                return digest, None
            return digest, read_note(
                data,
                path=candidate.found.path,
                root=str(self._root),
                analyser=self._analyser,
                reading=self._reading,
                missing=lambda image: self._pictures.missing(candidate.found, image),
            )
        except TerakoyaError as error:
            return error

    def close(self) -> None:
        """Closes the archive that was read from last."""
        self._files.close()


def _again(root: Path, max_bytes: int, reading: Reading, only_digest: bool) -> FileReader:
    # no text comes twice, and what each worker remembered would be as much again
    analyser = Analyser(remembered=0)
    return FileReader(
        root=root, max_bytes=max_bytes, reading=reading, analyser=analyser, only_digest=only_digest
    )
