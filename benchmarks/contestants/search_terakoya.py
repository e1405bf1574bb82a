"""Terakoya: a store of notes, and each of its ways of searching by itself; also one more note for it.

Passages are read and indexed by the code of `terakoya ingest`; their vectors are those that all contestants get. Of
a store with more passages than `different`, the others are copies under other names, as reading takes long.
"""

import json
import time
from collections.abc import Sequence
from contextlib import closing
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from searching import RESULTS, Task, pages, serve

from benchmarks.made_notes import NoteMaker, Question, encoded
from ingest import postings
from ingest.filters import Chunks
from ingest.folder import FoundFile
from ingest.lexical import LexicalIndex
from ingest.mapping import LocalProcesses
from ingest.nearest import Nearest, insert
from ingest.read import NoteRecord, Reading, read_note
from ingest.rows import NumberedChunk, NumberedNote, insert_chunks, insert_notes
from ingest.search import HybridRetriever
from ingest.store import Store
from ingest.vectors import Vectors
from terakoya.errors import Unavailable
from terakoya.text.analyser import Analyser
from terakoya.types import Filter, Language

ROOT: Final = 1
FEW: Final = Filter(folders=("few",))
"""The folder of one note in a hundred."""
TOGETHER: Final = 5_000
"""Passages in a transaction."""
_COPIED: Final = """
    INSERT INTO notes SELECT n.* REPLACE (n.id + k * $notes AS id, replace(n.path, '.md', '-' || k || '.md') AS path)
    FROM notes n, range(1, $copies) copies(k);
    INSERT INTO chunks SELECT c.* REPLACE (
        c.id + k * $chunks AS id, c.note + k * $notes AS note, c.key || '-' || k AS key)
    FROM chunks c, range(1, $copies) copies(k) WHERE c.id + k * $chunks < $count;
    DELETE FROM notes WHERE id NOT IN (SELECT note FROM chunks);
    -- later notes get numbers that are free
    CREATE TEMP TABLE used AS SELECT nextval('ids') FROM range($count + $notes * $copies + 1);
"""

_WORDS_COPIED: Final = """
    INSERT INTO occurrences SELECT o.* REPLACE (o.chunk + k * $chunks AS chunk)
    FROM occurrences o, range(1, $copies) copies(k) WHERE o.chunk + k * $chunks < $count
"""


class Ready:
    """An embedder whose vectors were made beforehand, so that they cost nothing."""

    fingerprint = "ready"
    languages: frozenset[Language] = frozenset({"en"})
    tokens = None

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self.vectors = vectors
        self.number = 0

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self.vectors.shape[1])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The vector of the query that is asked now."""
        found: NDArray[np.float32] = self.vectors[self.number]
        return found

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Any vectors."""
        return self.vectors[np.arange(len(texts)) % len(self.vectors)]


class Reader:
    """Makes notes and reads them; pickles for worker processes."""

    def __call__(self, number: int) -> NoteRecord:
        """The note with this number."""
        path = f"{'few' if number % 100 == 0 else f'part-{number % 100}'}/note-{number}.md"
        data = self._maker.note(number).encode()
        reading = Reading(languages=Ready.languages)
        return read_note(data, path=path, root="/notes", analyser=self._analyser, reading=reading)

    def __reduce__(self) -> tuple[type["Reader"], tuple[()]]:
        """Without what it has loaded."""
        return type(self), ()

    @cached_property
    def _maker(self) -> NoteMaker:
        return NoteMaker()

    @cached_property
    def _analyser(self) -> Analyser:
        return Analyser()


class Terakoya:
    """A store, made by the plan in `plan.json`.

    It has `count` passages, of which so many `different`. With `words`, their terms and questions about them are
    left for the other contestants.
    """

    def __init__(self, task: Task) -> None:
        self.data = task.data
        self.file = task.place / "terakoya.duckdb"
        plan = json.loads((task.data / "plan.json").read_text(encoding="utf-8"))
        self.count, self.different = int(plan["count"]), min(int(plan["count"]), int(plan["different"]))
        self.words = bool(plan["words"])
        self.queries = np.load(task.data / "queries.npy")
        self.analyser, self.embedder = Analyser(), Ready(self.queries)
        self._open()
        self.questions: list[Question] = []
        self.told: dict[str, Any] = {}

    def build(self) -> None:
        """Fills the store. The time and the bytes that are told are those of the vectors, or of the words."""
        start = time.perf_counter()
        notes = self._read()
        read = time.perf_counter() - start
        self._copy(notes)
        before = self._checkpoint()
        start = time.perf_counter()
        for at, page in pages(self.data / "vectors.npy"):
            with self.store.transaction() as cursor:
                insert(cursor, range(at, at + len(page)), list(page[:, np.newaxis, :]))
        size = self._checkpoint() - before
        seconds = time.perf_counter() - start
        self.told = {"seconds": read, "disk": before} if self.words else {"seconds": seconds, "disk": size}
        few = Chunks(FEW, self.store.root_names())
        np.save(self.data / "few.npy", self.store.columns(few.sql, few.values)["id"])
        if self.words:
            self._leave_words()
        self.store.close()
        self._open()  # as a service finds it: in the process that built it, DuckDB reads half as fast
        self.nearest.hold()
        self.store.held.wait()

    def _open(self) -> None:
        self.store = Store(self.file, read_only=False)
        self.vectors = Vectors(self.store, self.embedder)
        self.nearest = Nearest(self.store)
        self.lexical = LexicalIndex(self.store, self.analyser)
        self.hybrid = HybridRetriever(self.store, self.analyser, self.vectors)

    def find(self, way: str, number: int) -> Sequence[int]:
        """Asks in one way, or adds a note."""
        match way:
            case "all":
                return list(self.nearest.find(self.queries[number], RESULTS))
            case "few":
                few = Chunks(FEW, self.store.root_names())
                return list(self.nearest.find(self.queries[number], RESULTS, few))
            case "words":
                return list(self.lexical.find(self.questions[number].text).best(RESULTS))
            case "hybrid":
                self.embedder.number = number
                self.hybrid.search(self.questions[number].text, k=RESULTS)
            case "add":
                self._add(*self.later[number])
        return []

    @cached_property
    def later(self) -> list[tuple[NumberedNote, list[NumberedChunk]]]:
        """Notes that are not in the store, read."""
        notes, read = [], Reader()
        for number in range(len(self.queries)):
            record = read(10**9 + number)
            (first,) = self.store.rows(f"SELECT min(nextval('ids')) FROM range({len(record.chunks) + 1})")[0]
            notes.append(self._numbered(record, first, first + 1))
        return notes

    def _add(self, note: NumberedNote, chunks: list[NumberedChunk]) -> None:
        vectors = self.vectors.embed([chunk.record.windows for chunk in chunks])
        with self.store.transaction() as cursor:
            insert_notes(cursor, ROOT, "1", [note])
            insert_chunks(cursor, chunks)
            self.vectors.insert(cursor, [chunk.id for chunk in chunks], vectors)

    def _read(self) -> int:
        """Reads notes until there are enough passages; returns the number of notes."""
        with self.store.transaction() as cursor:
            cursor.execute(f"INSERT INTO roots VALUES ({ROOT}, '/notes', 'notes')")
        notes, chunks = list[NumberedNote](), list[NumberedChunk]()
        first = 0
        with closing(LocalProcesses().map(Reader(), count())) as records:
            for number, record in enumerate(records):
                if isinstance(record, Unavailable):
                    raise record
                note, own = self._numbered(record, self.count + number, first)
                notes.append(note)
                chunks += own[: self.different - first]
                first += len(own)
                if len(chunks) >= TOGETHER or first >= self.different:
                    with self.store.transaction() as cursor:
                        insert_notes(cursor, ROOT, "1", notes)
                        insert_chunks(cursor, chunks)
                    notes.clear()
                    chunks.clear()
                if first >= self.different:
                    break
        return number + 1

    def _numbered(
        self, record: NoteRecord, note: int, first: int
    ) -> tuple[NumberedNote, list[NumberedChunk]]:
        file = FoundFile(root=Path("/notes"), path=record.path, size=1, mtime_ns=1)
        chunks = [
            NumberedChunk(id=first + at, note=note, ordinal=at, record=chunk)
            for at, chunk in enumerate(record.chunks)
        ]
        return NumberedNote(note, file, record), chunks

    def _copy(self, notes: int) -> None:
        values = {
            "notes": notes,
            "chunks": self.different,
            "count": self.count,
            "copies": -(-self.count // self.different),
        }
        with self.store.transaction() as cursor:
            for statement in cursor.extract_statements(_COPIED + (_WORDS_COPIED if self.words else "")):
                named = {name: values[name] for name in statement.named_parameters}
                cursor.execute(statement, named)
        if self.words:
            with self.store.transaction() as cursor:
                postings.arrange(cursor, whole=True)

    def _checkpoint(self) -> int:
        with self.store.cursor() as cursor:
            cursor.execute("CHECKPOINT")
        return self.file.stat().st_size

    def _leave_words(self) -> None:
        """Writes what all find the same passages with."""
        maker = NoteMaker()
        chosen = np.random.default_rng(0).integers(0, self.different, len(self.queries)).tolist()
        with (self.data / "terms.txt").open("w", encoding="utf-8") as file:
            for at in range(0, self.different, TOGETHER):
                rows = self.store.rows(
                    "SELECT sequence FROM chunks WHERE id >= $at AND id < $end ORDER BY id",
                    {"at": at, "end": min(at + TOGETHER, self.different)},
                )
                file.writelines(" ".join(sequence.split()) + "\n" for (sequence,) in rows)
        texts = dict(
            self.store.rows("SELECT id, text FROM chunks WHERE id IN (SELECT unnest($i))", {"i": chosen})
        )
        for number, item in enumerate(chosen):
            text = maker.asked(texts[item], number)
            terms = list(self.analyser.query(text).words)
            self.questions.append(Question(text=text, terms=terms, item=item))
        (self.data / "asked.json").write_text(encoded(self.questions), encoding="utf-8")


if __name__ == "__main__":
    serve({"terakoya": Terakoya}, ["duckdb"])
