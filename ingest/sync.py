"""Brings the store in step with folders on disk: what changed is read, what is gone goes."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ingest.folder import Bytes, FoundFile, Root, Scope, scope_of, walk
from ingest.read import READER_VERSION, NoteRecord, digest_of, read_note
from ingest.rows import delete_notes, insert_chunks, insert_note, insert_postings, rebuild_postings
from ingest.store import Store
from ingest.vectors import Vectors
from terakoya.errors import BadInput, Busy, TerakoyaError
from terakoya.text.analyser import Analyser
from terakoya.text.normalise import printable

Progress = Callable[[int, int, str], None]
"""Called with notes done, notes in all, and the note at work."""

_BATCH_CHUNKS: Final = 256
"""Chunks a transaction: enough that its cost does not show, few enough that little is lost with it."""


@dataclass(slots=True)
class Report:
    """What an ingest did; lists hold sources.

    Attributes:
        added: New notes.
        changed: Notes read again.
        renamed: `old -> new`, same content.
        deleted: Notes whose file is gone.
        unchanged: Number of notes left as they were.
        chunks: Number of chunks written.
        problems: (path, error) of files that could not be read; what the store had of them stays.
        dry_run: Nothing was written.
        seconds: Duration.
    """

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    unchanged: int = 0
    chunks: int = 0
    problems: list[tuple[str, TerakoyaError]] = field(default_factory=list)
    dry_run: bool = False
    seconds: float = 0.0

    @property
    def read(self) -> int:
        """Number of notes that are in the store after it."""
        return len(self.added) + len(self.changed) + len(self.renamed) + self.unchanged


@dataclass(frozen=True, slots=True)
class _Known:
    id: int
    digest: str
    size: int
    mtime_ns: int
    reader: str


@dataclass(frozen=True, slots=True)
class _Change:
    found: FoundFile
    data: bytes
    replaces: int | None  # id of the note that it replaces


class Ingest:
    """Reads notes into a store.

    Args:
        store: Open for writing.
        analyser: Makes the terms of the lexical index.
        vectors: The vector index, or None when there is no embedder.
        max_bytes: Files larger than this are refused.
    """

    def __init__(self, store: Store, analyser: Analyser, vectors: Vectors | None, *, max_bytes: int) -> None:
        self._store = store
        self._analyser = analyser
        self._vectors = vectors
        self._max_bytes = max_bytes

    def run(
        self,
        paths: Sequence[Path],
        *,
        dry_run: bool = False,
        progress: Progress = lambda done, total, what: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Report:
        """Syncs `paths`; notes below other paths are not touched.

        Raises:
            BadInput: A path does not exist or cannot be read, or holds no notes at all.
            Busy: Another ingest into this store is under way.
        """
        if not self._store.ingesting.acquire(blocking=False):
            raise Busy("ingest_busy")
        started = time.perf_counter()
        report = Report(dry_run=dry_run)
        try:
            if not dry_run:
                self._renew_index()
            roots = self._roots()
            for path in paths:  # one that cannot be read stops the run before anything is written
                scope_of(path, roots)
            for path in paths:  # once more, as a path before may have become its root
                roots = self._sync(path, scope_of(path, roots), roots, report, progress, cancelled)
        finally:
            self._store.ingesting.release()
        if report.problems and all(path.is_file() for path in paths) and not report.read:
            raise report.problems[0][1]  # a file that was named, not one that was come across
        report.seconds = time.perf_counter() - started
        return report

    def _sync(
        self,
        path: Path,
        scope: Scope,
        roots: list[Root],
        report: Report,
        progress: Progress,
        cancelled: Callable[[], bool],
    ) -> list[Root]:
        root = next((r for r in roots if r.path == scope.root), None)
        hidden: list[tuple[str, TerakoyaError]] = []
        others = [r.path for r in roots if r.path != scope.root]
        found = list(walk(scope, others, lambda below, error: hidden.append((below, error))))
        known = self._known(root, scope) if root else {}
        if not found and not known:
            raise hidden[0][1] if hidden else BadInput("folder_empty", path=path)
        if root is None:
            root = Root(id=0, path=scope.root, name=_free_name(scope.root.name, roots))
            roots = [*roots, root]
        prefix = f"{root.name}/" if len(roots) > 1 else ""
        report.problems += [(prefix + below, error) for below, error in hidden]
        before = len(report.problems)
        changes, touched = self._plan(found, known, prefix, report)
        if scope.single and len(found) == 1 and len(report.problems) > before:
            raise report.problems[-1][1]
        if not root.id and not report.dry_run:
            root = self._add_root(root)
            roots = [*roots[:-1], root]
        # what cannot be looked at now is not gone
        seen = {f.path for f in found} | {p for p in known for below, _ in hidden if _below(p, below)}
        gone = {p: note for p, note in known.items() if p not in seen}
        self._tell_renames(changes, gone, prefix, report)
        if not report.dry_run:
            self._delete([note.id for note in gone.values()])
            self._touch(touched)
            self._write(root, changes, report, prefix, progress, cancelled)
        return roots

    def _plan(
        self, found: Sequence[FoundFile], known: dict[str, _Known], prefix: str, report: Report
    ) -> tuple[list[_Change], list[tuple[int, FoundFile]]]:
        changes: list[_Change] = []
        touched: list[tuple[int, FoundFile]] = []
        with Bytes(self._max_bytes) as files:
            for file in found:
                before = known.get(file.path)
                current = before is not None and before.reader == READER_VERSION
                if before and current and (before.size, before.mtime_ns) == (file.size, file.mtime_ns):
                    report.unchanged += 1
                    continue
                try:
                    data = files.read(file)
                except TerakoyaError as error:
                    report.problems.append((prefix + printable(file.path), error))
                    continue
                if before and current and before.digest == digest_of(data):
                    report.unchanged += 1
                    touched.append((before.id, file))
                else:
                    changes.append(_Change(file, data, before.id if before else None))
                    (report.changed if before else report.added).append(prefix + file.path)
        return changes, touched

    @staticmethod
    def _tell_renames(changes: list[_Change], gone: dict[str, _Known], prefix: str, report: Report) -> None:
        by_digest = {note.digest: path for path, note in gone.items()}
        renamed = set()
        for change in changes:
            old = by_digest.pop(digest_of(change.data), None) if change.replaces is None else None
            if old:
                renamed.add(old)
                report.added.remove(prefix + change.found.path)
                report.renamed.append(f"{prefix}{old} -> {prefix}{change.found.path}")
        report.deleted += [prefix + path for path in gone if path not in renamed]

    def _write(
        self,
        root: Root,
        changes: Sequence[_Change],
        report: Report,
        prefix: str,
        progress: Progress,
        cancelled: Callable[[], bool],
    ) -> None:
        batch: list[tuple[_Change, NoteRecord]] = []
        size = 0
        for done, change in enumerate(changes):
            if cancelled():
                break
            progress(done, len(changes), prefix + change.found.path)
            try:
                record = read_note(
                    change.data, path=change.found.path, root=str(root.path), analyser=self._analyser
                )
            except TerakoyaError as error:
                self._drop_from(report, prefix + change.found.path)
                report.problems.append((prefix + change.found.path, error))
                continue
            batch.append((change, record))
            size += len(record.chunks)
            if size >= _BATCH_CHUNKS:
                self._commit(root, batch)
                report.chunks += size
                batch, size = [], 0
        if batch:
            self._commit(root, batch)
            report.chunks += size
        progress(len(changes), len(changes), "")

    @staticmethod
    def _drop_from(report: Report, source: str) -> None:
        for names in (report.added, report.changed):
            if source in names:
                names.remove(source)

    def _commit(self, root: Root, batch: Sequence[tuple[_Change, NoteRecord]]) -> None:
        chunks = [chunk for _, record in batch for chunk in record.chunks]
        vectors = (
            self._vectors.embed([(c.embedded_text, c.language) for c in chunks]) if self._vectors else None
        )
        with self._store.transaction() as cursor:
            delete_notes(cursor, [change.replaces for change, _ in batch if change.replaces is not None])
            row = cursor.execute(
                "SELECT nextval('ids') FROM range($n)", {"n": len(batch) + len(chunks)}
            ).fetchall()
            ids = iter([int(value[0]) for value in row])
            numbers: list[int] = []
            for change, record in batch:
                note = next(ids)
                insert_note(cursor, note, root, change.found, record)
                own = [next(ids) for _ in record.chunks]
                insert_chunks(cursor, note, own, record.chunks)
                numbers += own
            insert_postings(cursor, zip(numbers, chunks, strict=True))
            if self._vectors and vectors is not None:
                self._vectors.insert(cursor, numbers, vectors)

    def _delete(self, notes: Sequence[int]) -> None:
        if notes:
            with self._store.transaction() as cursor:
                delete_notes(cursor, list(notes))

    def _touch(self, touched: Sequence[tuple[int, FoundFile]]) -> None:
        if touched:
            with self._store.transaction() as cursor:
                cursor.executemany(
                    "UPDATE notes SET size = ?, mtime_ns = ? WHERE id = ?",
                    [(file.size, file.mtime_ns, note) for note, file in touched],
                )

    def _roots(self) -> list[Root]:
        rows = self._store.rows("SELECT id, path, name FROM roots ORDER BY id")
        return [Root(id=row[0], path=Path(row[1]), name=row[2]) for row in rows]

    def _add_root(self, root: Root) -> Root:
        with self._store.transaction() as cursor:
            row = cursor.execute(
                "INSERT INTO roots SELECT nextval('ids'), $path, $name RETURNING id",
                {"path": str(root.path), "name": root.name},
            ).fetchone()
        return Root(id=row[0] if row else 0, path=root.path, name=root.name)

    def _known(self, root: Root, scope: Scope) -> dict[str, _Known]:
        rows = self._store.rows(
            "SELECT path, id, digest, size, mtime_ns, reader FROM notes WHERE root = $root", {"root": root.id}
        )
        return {row[0]: _Known(*row[1:]) for row in rows if scope.covers(row[0])}

    def _renew_index(self) -> None:
        """Analyses all chunks again when the analyser is another than the one that made the postings."""
        found, wanted = self._store.meta("analyser"), self._analyser.fingerprint
        if found != wanted:
            with self._store.transaction() as cursor:
                if found is not None:
                    rebuild_postings(cursor, self._analyser)
                cursor.execute("INSERT OR REPLACE INTO meta VALUES ('analyser', $wanted)", {"wanted": wanted})
        if self._vectors:
            self._vectors.renew()


def _below(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(folder + "/")


def _free_name(name: str, roots: Sequence[Root]) -> str:
    taken = {root.name for root in roots}
    name = name or "notes"
    return next(n for n in _numbered(name) if n not in taken)


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1
