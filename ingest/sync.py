"""Brings the store in step with folders on disk: what changed is read, what is gone goes."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import duckdb

from ingest.folder import FoundFile, Root, Scope, scope_of, walk
from ingest.mapping import InThisProcess
from ingest.moved_root import known_roots, move, moved
from ingest.read import ChunkRecord, NoteRecord, Reading
from ingest.reader import Candidate, FileReader
from ingest.rows import (
    NumberedChunk,
    NumberedNote,
    delete_notes,
    insert_chunks,
    insert_notes,
    rebuild_postings,
)
from ingest.store import Store
from ingest.vectors import Stopped, Vectors
from terakoya.errors import BadInput, Busy, TerakoyaError
from terakoya.protocols import Mapper
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


class _Batch:
    """Notes that are written together."""

    def __init__(self) -> None:
        self.notes: list[tuple[Candidate, NoteRecord]] = []
        self.added: list[str] = []
        self.changed: list[str] = []
        self.renamed: list[str] = []
        self.chunks = 0

    @property
    def records(self) -> list[ChunkRecord]:
        return [chunk for _, record in self.notes for chunk in record.chunks]

    def add(self, candidate: Candidate, record: NoteRecord | None, source: str, old: str | None) -> None:
        """Adds a note; `old` is the name that it had. Without a record it is only told of."""
        if old is not None:
            self.renamed.append(f"{old} -> {source}")
        else:
            (self.added if candidate.replaces is None else self.changed).append(source)
        if record:
            self.notes.append((candidate, record))
            self.chunks += len(record.chunks)


@dataclass(slots=True)
class _Run:
    """One call of `Ingest.run`."""

    report: Report
    progress: Progress
    cancelled: Callable[[], bool]


class Ingest:
    """Reads notes into a store.

    Args:
        store: Open for writing.
        analyser: Makes the terms of the lexical index.
        vectors: The vector index, or None when there is no embedder.
        max_bytes: Files larger than this are refused.
        mapper: Where files are read; this process by default.
    """

    def __init__(
        self,
        store: Store,
        analyser: Analyser,
        vectors: Vectors | None,
        *,
        max_bytes: int,
        mapper: Mapper | None = None,
    ) -> None:
        self._store = store
        self._analyser = analyser
        self._vectors = vectors
        self._max_bytes = max_bytes
        self._mapper = mapper or InThisProcess()
        self._reading = vectors.reading if vectors else Reading()

    def run(
        self,
        paths: Sequence[Path],
        *,
        dry_run: bool = False,
        progress: Progress = lambda done, total, what: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Report:
        """Syncs `paths`; notes below other paths are not touched.

        `progress` gets how many files, or vectors, are done of how many, and the source of the note at work; none
        while vectors are made.

        Raises:
            BadInput: A path does not exist or cannot be read, or is a folder that holds no notes at all.
            Busy: Another ingest into this store is under way.
        """
        if not self._store.ingesting.acquire(blocking=False):
            raise Busy("ingest_busy")
        started = time.perf_counter()
        report = Report(dry_run=dry_run)
        run = _Run(report, progress, cancelled)
        try:
            roots = known_roots(self._store)
            for path in paths:  # one that cannot be read stops the run before anything is written
                scope_of(path, roots)
            if not dry_run:
                self._renew_postings()
                if self._vectors:
                    self._vectors.begin()
            for path in paths:  # once more, as a path before may have become its root
                roots = self._followed(path, roots, dry_run=dry_run)
                roots = self._sync(path, scope_of(path, roots), roots, run)
            if self._vectors and not dry_run:
                self._vectors.finish(lambda done, total: progress(done, total, ""), cancelled)
        except Stopped:
            pass  # the next run goes on from here
        finally:
            self._store.ingesting.release()
        if report.problems and all(path.is_file() for path in paths) and not report.read:
            raise report.problems[0][1]  # a file that was named, not one that was come across
        report.seconds = time.perf_counter() - started
        return report

    def _followed(self, path: Path, roots: list[Root], *, dry_run: bool) -> list[Root]:
        """The roots, one of them in another place where `path` is its folder, moved."""
        root = moved(self._store, path.expanduser().resolve(), roots)
        if root is None:
            return roots
        if not dry_run:
            move(self._store, root)
        return [root if each.id == root.id else each for each in roots]

    def _sync(self, path: Path, scope: Scope, roots: list[Root], run: _Run) -> list[Root]:
        report = run.report
        root = next((r for r in roots if r.path == scope.root), None)
        hidden: list[tuple[str, TerakoyaError]] = []
        others = [r.path for r in roots if r.path != scope.root]
        found = list(walk(scope, others, lambda below, error: hidden.append((below, error))))
        known = self._known(root, scope) if root else {}
        if not found and not known:
            raise hidden[0][1] if hidden else BadInput("folder_empty", path=path)
        if not found and not hidden and not scope.single:
            # a disk that is not mounted looks so
            raise BadInput("folder_emptied", path=path, notes=len(known))
        if root is None:
            root = Root(id=0, path=scope.root, name=_free_name(scope.root.name, roots))
            roots = [*roots, root]
        prefix = f"{root.name}/" if len(roots) > 1 else ""
        report.problems += [(prefix + below, error) for below, error in hidden]
        before = len(report.problems)
        # what cannot be looked at now is not gone
        seen = {f.path for f in found} | {p for p in known for below, _ in hidden if _below(p, below)}
        gone = {p: note for p, note in known.items() if p not in seen}
        candidates = self._candidates(found, known, report)
        if not report.dry_run:
            self._delete([note.id for note in gone.values()])
        root = self._read(root, candidates, gone, prefix, run)
        if scope.single and len(found) == 1 and len(report.problems) > before:
            raise report.problems[-1][1]
        return [*(r for r in roots if r.path != root.path), root]

    def _candidates(
        self, found: Sequence[FoundFile], known: dict[str, _Known], report: Report
    ) -> list[Candidate]:
        """The files that are not known as they are; neither size nor time tells of a change for certain."""
        version = self._reading.version
        candidates = []
        for file in found:
            before = known.get(file.path)
            current = before if before and before.reader == version else None
            if current and (current.size, current.mtime_ns) == (file.size, file.mtime_ns):
                report.unchanged += 1
            else:
                candidates.append(
                    Candidate(
                        found=file,
                        replaces=before.id if before else None,
                        digest=current.digest if current else "",
                    )
                )
        return candidates

    def _read(
        self, root: Root, candidates: Sequence[Candidate], gone: dict[str, _Known], prefix: str, run: _Run
    ) -> Root:
        """Reads the candidates, wherever the mapper lets them be read, and writes them batch by batch."""
        report = run.report
        missing = {note.digest: path for path, note in gone.items()}
        touched: list[tuple[int, FoundFile]] = []
        batch = _Batch()
        source = ""
        reader = FileReader(
            root=root.path,
            max_bytes=self._max_bytes,
            reading=self._reading,
            analyser=self._analyser,
            only_digest=report.dry_run,
        )
        with closing(reader), closing(self._mapper.map(reader, candidates)) as results:
            for index, candidate in enumerate(candidates):
                if run.cancelled():
                    break
                source = prefix + printable(candidate.found.path)
                run.progress(index, len(candidates), source)
                result = next(results)
                if isinstance(result, TerakoyaError):
                    report.problems.append((source, result))
                    continue
                digest, record = result
                if candidate.replaces is not None and digest == candidate.digest:
                    report.unchanged += 1
                    touched.append((candidate.replaces, candidate.found))
                    continue
                old = missing.pop(digest, None) if candidate.replaces is None else None
                batch.add(candidate, record, source, f"{prefix}{printable(old)}" if old is not None else None)
                if batch.chunks >= _BATCH_CHUNKS:
                    root = self._commit(root, batch, run, index + 1, len(candidates))
                    batch = _Batch()
        report.deleted += [prefix + path for path in missing.values()]
        self._touch(touched)
        root = self._commit(root, batch, run, len(candidates), len(candidates))
        if not run.cancelled():
            run.progress(len(candidates), len(candidates), source)
        return root

    def _commit(self, root: Root, batch: _Batch, run: _Run, done: int, total: int) -> Root:
        """Writes a batch in one transaction; a new root comes into the store with its first notes.

        `done` of `total` candidates are read by now, which is told when their vectors have to be made.
        """
        chunks = batch.records
        if batch.notes:
            vectors = (
                self._vectors.embed(
                    [chunk.windows for chunk in chunks],
                    run.cancelled,
                    lambda: run.progress(done, total, ""),
                )
                if self._vectors
                else None
            )
            with self._store.transaction() as cursor:
                if not root.id:
                    root = _add_root(cursor, root)
                delete_notes(cursor, [c.replaces for c, _ in batch.notes if c.replaces is not None])
                row = cursor.execute(
                    "SELECT nextval('ids') FROM range($n)", {"n": len(batch.notes) + len(chunks)}
                ).fetchall()
                ids = iter([int(value[0]) for value in row])
                notes: list[NumberedNote] = []
                numbered: list[NumberedChunk] = []
                for candidate, record in batch.notes:
                    note = next(ids)
                    notes.append(NumberedNote(note, candidate.found, record))
                    numbered += [
                        NumberedChunk(id=next(ids), note=note, ordinal=ordinal, record=chunk)
                        for ordinal, chunk in enumerate(record.chunks)
                    ]
                insert_notes(cursor, root.id, self._reading.version, notes)
                insert_chunks(cursor, numbered)
                if self._vectors and vectors is not None:
                    self._vectors.insert(cursor, [chunk.id for chunk in numbered], vectors)
        run.report.added += batch.added
        run.report.changed += batch.changed
        run.report.renamed += batch.renamed
        run.report.chunks += len(chunks)
        return root

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

    def _known(self, root: Root, scope: Scope) -> dict[str, _Known]:
        rows = self._store.rows(
            "SELECT path, id, digest, size, mtime_ns, reader FROM notes WHERE root = $root", {"root": root.id}
        )
        return {row[0]: _Known(*row[1:]) for row in rows if scope.covers(row[0])}

    def _renew_postings(self) -> None:
        """Analyses all chunks again when the analyser is another than the one that made the postings."""
        found, wanted = self._store.meta("analyser"), self._analyser.fingerprint
        if found != wanted:
            with self._store.transaction() as cursor:
                if found is not None:
                    rebuild_postings(cursor, self._analyser)
                cursor.execute("INSERT OR REPLACE INTO meta VALUES ('analyser', $wanted)", {"wanted": wanted})


def _add_root(cursor: duckdb.DuckDBPyConnection, root: Root) -> Root:
    row = cursor.execute(
        "INSERT INTO roots SELECT nextval('ids'), $path, $name RETURNING id",
        {"path": str(root.path), "name": root.name},
    ).fetchone()
    return replace(root, id=int(row[0]) if row else 0)


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
