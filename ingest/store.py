"""The store: one DuckDB file with notes, chunks, postings and vectors, and who may open it."""

import json
import shutil
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import duckdb

from ingest.database import MEMORY_MB, Database, Derived
from ingest.view import View
from terakoya.errors import NotFound, Unavailable
from terakoya.types import Block, Language, Passage, Remark

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ingest.held import Held

SCHEMA_VERSION: Final = "7"

_FEEDBACK: Final = "SELECT trace_id, value, comment, epoch_ms(given_at) FROM feedback ORDER BY given_at DESC"
_PASSAGES: Final = """
    SELECT id, note, key, heading, ancestors, start_line, end_line, start_at, end_at, text, blocks, cuts, pages,
           language, doubtful
    FROM chunks WHERE {column} IN (SELECT unnest($wanted))
"""
_NOTES_OF: Final = "SELECT id, root, path FROM notes WHERE id IN (SELECT unnest($wanted))"
"""Asked apart from their passages: a join reads every note's path, for however few passages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRow:
    """One note in the store, without its text; `path` leads to it from `root`, the folder that was ingested."""

    source: str
    root: Path
    path: str
    title: str
    language: Language
    encoding: str
    repair: str | None
    chunks: int
    characters: int
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNote:
    """One note in the store, with its text.

    Attributes:
        source: As listed.
        path: Below its root; the suffix tells the format.
        title: Title.
        view: What a person reads of it.
        passages: First code point of each in the source, and behind its last.
    """

    source: str
    path: str
    title: str
    view: View
    passages: tuple[tuple[int, int], ...]


class Store(Database):
    """The DuckDB file of one installation. Safe in several threads; one process may have it open for writing.

    Attributes:
        filtered: Gives the chunks that filters asked before let through, by filter; empty after each change.
    """

    missing: ClassVar[str] = "store_empty"
    busy: ClassVar[str] = "store_busy"
    damaged: ClassVar[str] = "store_damaged"

    def __init__(self, path: Path, *, read_only: bool, memory_mb: int = MEMORY_MB) -> None:
        """Opens the file; for writing it is made when it is not there. See `Database`.

        Raises:
            Unavailable: Nothing was ingested yet, the file is damaged, or of another version of the schema.
            Busy: Another process has it open.
        """
        self._held: Held | None = None
        self._holding = threading.Lock()
        super().__init__(path, read_only=read_only, memory_mb=memory_mb)
        self.ingesting = threading.Lock()
        self.filtered: Derived[dict[str, NDArray[np.int64]]] = Derived(self, dict)
        self._root_names = Derived(self, self._prefixes)
        self._facts = Derived(self, lambda: dict(self.rows("SELECT key, value FROM meta")))
        try:
            if not read_only:
                with self.transaction() as cursor:
                    cursor.execute(files("ingest").joinpath("schema.sql").read_text(encoding="utf-8"))
                    cursor.execute(
                        "INSERT INTO meta SELECT 'schema', $v WHERE NOT EXISTS (FROM meta WHERE key = 'schema')",
                        {"v": SCHEMA_VERSION},
                    )
            found = self.meta("schema")
            if found != SCHEMA_VERSION:
                raise Unavailable("store_schema", path=path, found=found, wanted=SCHEMA_VERSION)
        except duckdb.CatalogException:
            self.close()
            raise Unavailable("store_empty", path=path) from None
        except duckdb.Error as error:
            self.close()
            raise self.translated(error) from error
        except BaseException:
            self.close()
            raise

    @property
    def held(self) -> "Held":
        """What of the vectors is in memory, for all that search them."""
        from ingest.held import Held

        with self._holding:
            if self._held is None:
                self._held = Held(self, self._memory_mb)
            return self._held

    def close(self) -> None:
        """Lets go of the file and of what is in memory; what was committed is on disk."""
        if self._held:
            self._held.close()
        super().close()

    def meta(self, key: str) -> str | None:
        """A value of the `meta` table."""
        return self._facts().get(key)

    def root_names(self) -> Mapping[int, str]:
        """What the sources of each root begin with: nothing while there is one root, else its name."""
        return self._root_names()

    def _prefixes(self) -> dict[int, str]:
        rows = self.rows("SELECT id, name FROM roots")
        return {root: f"{name}/" if len(rows) > 1 else "" for root, name in rows}

    def notes(self) -> list[NoteRow]:
        """All notes, by source."""
        rows = self.rows(
            """SELECT r.id, r.path, n.path, n.title, n.language, n.encoding, n.repair, length(n.view), n.remarks,
                      (SELECT count(*) FROM chunks WHERE note = n.id)
               FROM notes n JOIN roots r ON r.id = n.root"""
        )
        names = self.root_names()
        return sorted(
            (
                NoteRow(
                    source=names[root] + path,
                    root=Path(folder),
                    path=path,
                    title=title,
                    language=language,
                    encoding=encoding,
                    repair=repair,
                    chunks=chunks,
                    characters=characters,
                    remarks=tuple(Remark(key=key, values=values) for key, values in json.loads(remarks)),
                )
                for root, folder, path, title, language, encoding, repair, characters, remarks, chunks in rows
            ),
            key=lambda note: note.source,
        )

    def files_below(self, folder: Path) -> list[str]:
        """Paths below `folder` of the notes that were ingested from there."""
        found = self.rows(
            "SELECT n.path FROM notes n JOIN roots r ON r.id = n.root WHERE r.path = $folder",
            {"folder": str(folder.resolve())},
        )
        return [path for (path,) in found]

    def note(self, source: str) -> StoredNote:
        """One note by its source.

        Raises:
            NotFound: No such note.
        """
        for root, name in self.root_names().items():
            if source.startswith(name):
                found = self.rows(
                    """SELECT path, title, view, cuts,
                              (SELECT list([start_at, end_at] ORDER BY ordinal) FROM chunks WHERE note = notes.id)
                       FROM notes WHERE root = $root AND path = $path""",
                    {"root": root, "path": source.removeprefix(name).encode(errors="replace").decode()},
                )
                if found:
                    path, title, text, cuts, passages = found[0]
                    return StoredNote(
                        source=source,
                        path=path,
                        title=title,
                        view=View(text, tuple((at, length) for at, length in json.loads(cuts))),
                        passages=tuple((start, end) for start, end in passages or ()),
                    )
        raise NotFound("note_unknown", source=source)

    def counts(self) -> tuple[int, int]:
        """Number of notes and of chunks."""
        sql = "SELECT (SELECT count(*) FROM notes), (SELECT count(*) FROM chunks)"
        ((notes, chunks),) = self.rows(sql)
        return int(notes), int(chunks)

    def passages(self, keys: Sequence[str]) -> list[Passage]:
        """The passages with these ids, in this order; those that are gone are left out."""
        found = {p.id: p for _, p in self._passages("key", list(keys))}
        return [found[key] for key in keys if key in found]

    def passages_by_row(self, rows: Sequence[int]) -> dict[int, Passage]:
        """Passages by the number of their chunk."""
        return dict(self._passages("id", list(rows)))

    def _passages(self, column: str, wanted: list[Any]) -> list[tuple[int, Passage]]:
        if not wanted:
            return []
        rows = self.rows(_PASSAGES.format(column=column), {"wanted": wanted})
        notes = self.rows(_NOTES_OF, {"wanted": [*{row[1] for row in rows}]})
        names = self.root_names()
        sources = {note: names[root] + path for note, root, path in notes if root in names}
        # a note that went between the statements took its passages along
        return [(row[0], _passage(sources[row[1]], row[2:])) for row in rows if row[1] in sources]

    def feedback(self) -> list[tuple[str, int, str]]:
        """Trace, value and comment of every thumb, the oldest first."""
        return [
            (t, v, c)
            for t, v, c in self.rows("SELECT trace_id, value, comment FROM feedback ORDER BY given_at")
        ]

    def feedback_times(self) -> list[tuple[str, int, str, int]]:
        """Trace, 1 or 0, comment, and milliseconds since the epoch of each thumb, the latest first."""
        return [(str(row[0]), int(row[1]), str(row[2]), int(row[3])) for row in self.rows(_FEEDBACK)]

    def add_feedback(self, trace_id: str, value: int, comment: str) -> None:
        """Keeps a thumb; a later one on the same answer replaces it."""
        with self.transaction() as cursor:
            cursor.execute("DELETE FROM feedback WHERE trace_id = $trace", {"trace": trace_id})
            cursor.execute(
                "INSERT INTO feedback VALUES ($trace, $value, $comment, now())",
                {"trace": trace_id, "value": value, "comment": comment},
            )

    def forget_feedback(self, trace_ids: Sequence[str], *, comments_only: bool) -> None:
        """Deletes the thumbs on these answers, or the words that came with them."""
        from ingest.erasing import write_anew

        sql = "UPDATE feedback SET comment = ''" if comments_only else "DELETE FROM feedback"
        with self.transaction() as cursor:
            cursor.execute(f"{sql} WHERE trace_id IN (SELECT unnest($ids))", {"ids": list(trace_ids)})
            write_anew(cursor, "feedback")

    def copy_to(self, folder: Path) -> None:
        """Copies the file, and what was written ahead of it, into `folder` as one state; reading goes on.

        Raises:
            Unavailable: The disk is full, or the file is damaged.
        """
        with self.writing:  # nobody else may write: nothing changes in the file meanwhile
            try:
                if not self.read_only:
                    with self.cursor() as cursor:
                        cursor.execute("CHECKPOINT")
                for path in (self.path, self.path.with_name(f"{self.path.name}.wal")):
                    if path.exists():
                        shutil.copyfile(path, folder / path.name)
            except duckdb.Error as error:
                raise self.translated(error) from error


def encode_blocks(blocks: Sequence[Block]) -> str:
    """Blocks as the JSON of the `chunks` table: lists instead of objects, for a third of the size."""
    rows = [(b.kind, b.start, b.end, b.extent, b.depth, b.header, b.date) for b in blocks]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def even(name: str) -> str:
    """A path or tag as names are compared: in any case, and however its accents and kana are composed."""
    return unicodedata.normalize("NFC", name).lower()


def _passage(source: str, row: tuple[Any, ...]) -> Passage:
    (
        key,
        heading,
        ancestors,
        start_line,
        end_line,
        start,
        end,
        text,
        blocks,
        cuts,
        pages,
        language,
        doubtful,
    ) = row
    return Passage(
        id=key,
        source=source,
        heading=tuple(json.loads(heading)),
        ancestors=tuple(json.loads(ancestors)),
        start_line=start_line,
        end_line=end_line,
        start=start,
        end=end,
        text=text,
        blocks=tuple(
            Block(kind=kind, start=at, end=stop, extent=extent, depth=depth, header=tuple(header), date=date)
            for kind, at, stop, extent, depth, header, date in json.loads(blocks)
        ),
        cuts=tuple((at, length) for at, length in json.loads(cuts)),
        pages=tuple((at, page) for at, page in json.loads(pages)),
        language=language,
        doubtful=doubtful,
    )
