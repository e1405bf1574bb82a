"""Takes notes out of the store without reading the disk: their folder may be long gone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingest.erasing import erase_notes, overwrite
from ingest.folder import Root
from ingest.store import Store
from terakoya.errors import BadInput, Busy, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What went.

    Attributes:
        sources: The notes, as they were listed.
        folders: Paths of the roots of which nothing is left.
        on_disk: Those of `sources` whose file stays.
        passages: Ids of their passages.
        texts: What stood in them.
        digests: Of their files' bytes.
    """

    sources: tuple[str, ...]
    folders: tuple[str, ...]
    on_disk: tuple[str, ...]
    passages: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Note:
    id: int
    root: Root
    path: str
    source: str


def forget(
    store: Store, source: str, path: Path | None = None, *, copies: Path | None = None, dry_run: bool = False
) -> Forgotten:
    """Deletes a note, or all notes below a folder, in one transaction; the files of notes stay.

    What they leave in free blocks of the store's file is overwritten.

    Args:
        store: Open for writing, unless `dry_run`.
        source: A note or a folder of notes, as `Store.notes` lists them.
        path: Where that is on disk, absolute; asked only when no source fits. It need not exist.
        copies: A folder of copies that were made for the store. They go with the last of their notes.
        dry_run: Only say what would go.

    Raises:
        BadInput: Nothing is named.
        NotFound: The store has nothing there.
        Busy: An ingest is under way.
    """
    if not source.strip("/"):
        raise BadInput("forget_nothing")
    if not store.ingesting.acquire(blocking=False):
        raise Busy("ingest_busy")
    try:
        roots = [
            Root(id=row[0], path=Path(row[1]), name=row[2])
            for row in store.rows("SELECT id, path, name FROM roots ORDER BY id")
        ]
        notes = _notes(store, roots)
        going, left = _chosen(source, path, notes, roots)
        files = _copies(copies, going, notes) if copies else frozenset()
        texts = store.rows(
            "SELECT view, digest FROM notes WHERE id IN (SELECT unnest($notes::BIGINT[]))",
            {"notes": [note.id for note in going]},
        )
        forgotten = Forgotten(
            sources=tuple(note.source for note in going),
            folders=tuple(str(root.path) for root in left),
            on_disk=tuple(note.source for note in going if _on_disk(note) not in (None, *files)),
            passages=tuple(
                key
                for (key,) in store.rows(
                    "SELECT key FROM chunks WHERE note IN (SELECT unnest($notes::BIGINT[]))",
                    {"notes": [note.id for note in going]},
                )
            ),
            texts=tuple(view for view, _ in texts),
            digests=tuple(digest for _, digest in texts),
        )
        if not dry_run:
            for (
                file
            ) in files:  # before the rows: what is left of an end between the two goes with the next ingest
                file.unlink(missing_ok=True)
            with store.transaction() as cursor:
                _forget_vectors(cursor, [note.id for note in going])
                erase_notes(cursor, [note.id for note in going])
                cursor.execute(
                    "DELETE FROM roots WHERE id IN (SELECT unnest($roots::BIGINT[]))",
                    {"roots": [root.id for root in left]},
                )
            overwrite(store)
        return forgotten
    finally:
        store.ingesting.release()


def _forget_vectors(cursor: duckdb.DuckDBPyConnection, notes: list[int]) -> None:
    """Takes their vectors out of the cache, where they would stay for the next ingest.

    They are told by their numbers, so that no embedder has to be loaded. Those of other embedders than the
    store's cannot be told, and go with them.
    """
    if cursor.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'vectors'").fetchone():
        cursor.execute(
            """DELETE FROM embedding_cache WHERE vector IN (
                   SELECT v.vector::FLOAT[] FROM vectors v JOIN chunks c ON c.id = v.chunk
                   WHERE c.note IN (SELECT unnest($notes::BIGINT[])))""",
            {"notes": notes},
        )
    cursor.execute(
        """DELETE FROM embedding_cache
           WHERE fingerprint NOT IN (SELECT value FROM meta WHERE key IN ('embedder', 'embedding'))"""
    )


def _notes(store: Store, roots: Sequence[Root]) -> list[_Note]:
    prefixes = store.root_names()
    by_id = {root.id: root for root in roots}
    rows = store.rows("SELECT id, root, path FROM notes ORDER BY root, path")
    return [_Note(note, by_id[root], path, prefixes[root] + path) for note, root, path in rows]


def _chosen(
    source: str, path: Path | None, notes: Sequence[_Note], roots: Sequence[Root]
) -> tuple[list[_Note], list[Root]]:
    """The notes that go, and the roots that go with them."""
    named = source.strip("/")
    going = _below(lambda note: note.source, named, notes)
    folders: list[Root] = []
    if not going and path is not None:
        place = path.resolve()
        folders = [root for root in roots if root.path == place]
        within = [note for note in notes if note.root.path in (place, *place.parents)]
        going = _below(lambda note: str(note.root.path / note.path), str(place), within)
    if not going and not folders:
        known = ", ".join(f"`{root.path}`" for root in roots) or "-"
        raise NotFound("forget_unknown", source=source, folders=known)
    gone = {note.id for note in going}
    touched = {note.root.id for note in going} | {root.id for root in folders}
    kept = {note.root.id for note in notes if note.id not in gone}
    return going, [root for root in roots if root.id in touched - kept]


def _below(name: Callable[[_Note], str], place: str, notes: Sequence[_Note]) -> list[_Note]:
    return [note for note in notes if name(note) == place or name(note).startswith(place + "/")]


def _on_disk(note: _Note) -> Path | None:
    """The note's file, or for a member the archive that it was in, where that is there."""
    file = note.root.path / note.path
    between = [file, *(parent for parent in file.parents if note.root.path in parent.parents)]
    return next((place for place in between if place.is_file()), None)


def _copies(folder: Path, going: Sequence[_Note], notes: Sequence[_Note]) -> frozenset[Path]:
    """The files in `folder` of the notes that go; an archive only where none of its notes stays."""
    place = folder.resolve()
    within = [note for note in notes if note.root.path == place]
    gone = {note.id for note in going}
    staying = {_on_disk(note) for note in within if note.id not in gone}
    leaving = {file for note in within if note.id in gone and (file := _on_disk(note))}
    return frozenset(leaving - staying)
