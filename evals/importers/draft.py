"""A draft: what is to become a suite file."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evals.note import Notes, read_notes
from terakoya.errors import BadInput
from terakoya.text.language import language_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a reader is told.

    Attributes:
        notes: The folder that the questions are about, for formats that do not hold the texts.
        split: Which judgements of a BEIR folder.
        limit: Most questions to take.
    """

    notes: Path | None = None
    split: str = ""
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a reader found.

    Attributes:
        name: For the suite.
        description: For the suite.
        cases: Mappings with the keys of a case in a suite file.
        texts: Notes to write, by source; none where the questions are about `folder`.
        folder: A folder of notes that is there already.
        left_out: How many questions were left out, by the reason: what follows `left_out_` in the names of the
            catalogue's group `eval`.
    """

    name: str
    description: str
    cases: tuple[Mapping[str, Any], ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)


class Sources:
    """Gives each document of a collection a file name, the same one every time it is asked."""

    def __init__(self) -> None:
        """Starts with no names taken."""
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, key: str) -> str:
        """The name of the note for `key`: its letters and digits, and a number where that is taken."""
        if key not in self._names:
            stem = re.sub(r"[^\w-]+", "-", key).strip("-_")[:80] or "note"
            name, number = f"{stem}.md", 2
            # Some file systems know no capital letters.
            while name.lower() in self._taken:
                name, number = f"{stem}-{number}.md", number + 1
            self._taken.add(name.lower())
            self._names[key] = name
        return self._names[key]


class Ids:
    """Gives each case an id of its own."""

    def __init__(self) -> None:
        """Starts with no ids taken."""
        self._taken: set[str] = set()

    def of(self, wanted: Any, number: int) -> str:
        """`wanted`, or `q` and the number where there is none, with a number behind it where it is taken."""
        base = str(wanted).strip() if wanted not in (None, "") else f"q{number}"
        name, turn = base, 2
        while name in self._taken:
            name, turn = f"{base}-{turn}", turn + 1
        self._taken.add(name)
        return name


def case(**keys: Any) -> dict[str, Any]:
    """A case without the keys that hold nothing, with the language of its question."""
    question = str(keys.get("question") or (keys.get("conversation") or [""])[-1])
    keys.setdefault("language", language_of(question))
    # `answerable: false` says something, a false value elsewhere does not.
    return {k: v for k, v in keys.items() if v or (k == "answerable" and v is False)}


def existing_notes(path: Path, options: Options) -> tuple[Path, Notes]:
    """The folder that the questions of `path` are about, and its notes.

    Raises:
        BadInput: It is not there, or a note in it cannot be read.
    """
    folder = options.notes or path.parent
    if not folder.is_dir():
        raise BadInput("eval_notes", path=path, line=1, folder=folder)
    try:
        return folder, read_notes(folder)
    except OSError as error:
        reason = error.strerror or error
        raise BadInput("eval_note_unread", path=path, line=1, source=error.filename, reason=reason) from None


def places(path: Path, line: int, pairs: Iterable[tuple[str, str]], notes: Notes) -> list[dict[str, Any]]:
    """Passages of source and text, each piece of text being one line or several.

    Raises:
        BadInput: There is no such note, or it does not hold the text.
    """
    found: list[dict[str, Any]] = []
    for source, words in pairs:
        note = notes.get(source)
        if note is None:
            raise BadInput("eval_note", path=path, line=line, source=source)
        pieces = [piece.strip() for piece in words.splitlines() if piece.strip()]
        for piece in pieces:
            if not note.lines_with(piece):
                raise BadInput("eval_passage", path=path, line=line, text=piece[:60], source=source)
        found += [{"source": source, "text": piece} for piece in pieces] or [{"source": source}]
    return found


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        BadInput: It is missing, or not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadInput("eval_import", path=path, line=line, reason="not UTF-8") from None
    except OSError as error:
        raise BadInput("eval_import_missing", path=path, reason=error.strerror or error) from None
