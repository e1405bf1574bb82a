"""Documents of other programs with their vectors, in a DuckDB file of their own: no note is ever in it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from ingest.database import Database, registered
from ingest.metadata import Condition
from terakoya.errors import BadInput, BadValue

SCHEMA_VERSION: Final = "documents 1"

_PAGE: Final = 64
_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS documents (
        number BIGINT NOT NULL,     -- in the order of coming, which breaks ties
        id VARCHAR PRIMARY KEY,
        text VARCHAR NOT NULL,
        metadata JSON NOT NULL,
        vector FLOAT[{size}] NOT NULL
    )
"""
_PUT: Final = """
    INSERT INTO documents SELECT nextval('numbers'), id, text, metadata, vector FROM incoming
    ON CONFLICT (id) DO UPDATE
    SET text = excluded.text, metadata = excluded.metadata, vector = excluded.vector
"""
_SCORED: Final = """
    SELECT id, text, metadata, vector, array_inner_product(vector, $query::FLOAT[{size}]) AS score
    FROM documents WHERE {condition} ORDER BY score DESC, number
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A text with its id and its metadata."""

    id: str
    text: str
    metadata: dict[str, Any]


Wanted = Mapping[str, Any] | Callable[[StoredDocument], bool]
"""Which documents: a condition on the metadata (see `ingest.metadata`), or a function of the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredDocument:
    """A document that was found.

    Attributes:
        document: The document.
        score: Cosine similarity to what was looked for, -1 to 1.
        vector: The document's unit vector.
    """

    document: StoredDocument
    score: float
    vector: NDArray[np.float32]


class Documents(Database):
    """A file of documents, searched exactly by the cosine similarity of their vectors.

    Args:
        path: The file, which is made when it is not there; None keeps everything in memory.
        read_only: Leave the file to others: several processes may read it, or one may write it.

    Raises:
        BadInput: The file holds something else.
        Unavailable: It is not there to be read, or damaged.
        Busy: Another process has it open for writing.
    """

    missing: ClassVar[str] = "documents_missing"
    busy: ClassVar[str] = "documents_busy"
    damaged: ClassVar[str] = "documents_damaged"

    def __init__(self, path: Path | None, *, read_only: bool = False) -> None:
        super().__init__(path, read_only=read_only)
        try:
            tables = {name for (name,) in self.rows("SELECT table_name FROM duckdb_tables()")}
            if not tables and not read_only:
                with self.transaction() as cursor:
                    cursor.execute("CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL)")
                    cursor.execute("INSERT INTO meta VALUES ('schema', $v)", {"v": SCHEMA_VERSION})
                    cursor.execute("CREATE SEQUENCE numbers")
            elif "meta" not in tables or self._meta("schema") != SCHEMA_VERSION:
                raise BadInput("documents_file", path=self.path)
        except BaseException:
            self.close()
            raise

    def put(self, documents: Sequence[StoredDocument], vectors: Sequence[Sequence[float]]) -> None:
        """Adds documents, or replaces those that have the same id: all of them, or none where one is refused.

        Args:
            documents: Of several with one id the last counts.
            vectors: One for each; their length counts for nothing.

        Raises:
            BadValue: A vector, a text or metadata cannot be kept.
        """
        self._require_writable()
        if not documents:
            return
        matrix = _matrix(vectors, len(documents))
        latest = {document.id: at for at, document in enumerate(documents)}
        kept = [documents[at] for at in latest.values()]
        columns = {
            "id": [_storable(document.id, document.id) for document in kept],
            "text": [_storable(document.text, document.id) for document in kept],
            "metadata": [_encoded(document) for document in kept],
        }
        size = matrix.shape[1]
        with self.transaction() as cursor:
            self._require_size(size)
            cursor.execute(_TABLE.format(size=size))
            with registered(cursor, "incoming", columns, matrix[list(latest.values())]):
                cursor.execute(_PUT)

    def get(self, ids: Sequence[str]) -> list[StoredDocument]:
        """The documents with these ids, in this order; ids that are not there are left out."""
        if not ids or not self._size():
            return []
        rows = self.rows(
            "SELECT id, text, metadata FROM documents WHERE id IN (SELECT unnest($ids))", {"ids": list(ids)}
        )
        found = {row[0]: _document(*row) for row in rows}
        return [found[id] for id in dict.fromkeys(ids) if id in found]

    def delete(self, ids: Sequence[str] | None) -> None:
        """Deletes the documents with these ids, where they are there; None deletes all."""
        self._require_writable()
        if not self._size():
            return
        with self.transaction() as cursor:
            if ids:
                cursor.execute("DELETE FROM documents WHERE id IN (SELECT unnest($ids))", {"ids": list(ids)})
            if ids is None or not cursor.execute("SELECT 1 FROM documents LIMIT 1").fetchone():
                cursor.execute("DROP TABLE documents")  # the length of the vectors is free again

    def nearest(self, vector: Sequence[float], k: int, wanted: Wanted | None = None) -> list[ScoredDocument]:
        """The `k` documents most similar to `vector` among those wanted, best first.

        Raises:
            BadValue: The vector has another length than those in the file, or the filter cannot be used.
        """
        if k < 1 or not self._size():
            return []
        query = _matrix([vector], 1)[0]
        self._require_size(len(query))
        condition = Condition(wanted) if isinstance(wanted, Mapping) else Condition({})
        values = {"query": query.tolist(), **condition.values}
        sql = _SCORED.format(size=len(query), condition=condition.sql)
        if callable(wanted):
            return self._taken(sql, values, k, wanted)
        return [_scored(row) for row in self.rows(f"{sql} LIMIT $k", {**values, "k": k})]

    def count(self) -> int:
        """Number of documents."""
        return int(self.rows("SELECT count(*) FROM documents")[0][0]) if self._size() else 0

    def _taken(
        self, sql: str, values: Mapping[str, object], k: int, wanted: Callable[[StoredDocument], bool]
    ) -> list[ScoredDocument]:
        """The first `k` that a function wants; it is asked about no more than it takes to find them."""
        found: list[ScoredDocument] = []
        try:
            with self.cursor() as cursor:
                cursor.execute(sql, values)
                while len(found) < k and (rows := cursor.fetchmany(_PAGE)):
                    found += [scored for scored in map(_scored, rows) if wanted(scored.document)]
        except duckdb.Error as error:
            raise self.translated(error) from error
        return found[:k]

    def _meta(self, key: str) -> str | None:
        rows = self.rows("SELECT value FROM meta WHERE key = $key", {"key": key})
        return str(rows[0][0]) if rows else None

    def _size(self) -> int | None:
        """Length of the vectors; None while there is no document."""
        rows = self.rows(
            """SELECT data_type FROM duckdb_columns()
               WHERE table_name = 'documents' AND column_name = 'vector'"""
        )
        return int(rows[0][0].removeprefix("FLOAT[").removesuffix("]")) if rows else None

    def _require_size(self, size: int) -> None:
        wanted = self._size()
        if wanted not in (None, size):
            raise BadValue("documents_size", found=size, wanted=wanted, path=self.path)

    def _require_writable(self) -> None:
        if self.read_only:
            raise BadInput("documents_read_only", path=self.path)


def _matrix(vectors: Sequence[Sequence[float]], count: int) -> NDArray[np.float32]:
    """Unit vectors, shape (count, dimensions); a vector of zeros stays."""
    try:
        matrix = np.asarray(vectors, dtype=np.float64)
    except ValueError:  # rows of different lengths
        matrix = np.empty(0)
    if matrix.ndim != 2 or len(matrix) != count or not matrix.shape[1] or not np.isfinite(matrix).all():
        raise BadValue("documents_vectors", shape=str(matrix.shape), count=count)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    units: NDArray[np.float32] = (matrix / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
    return units


def _storable(text: str, id: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:  # an unpaired surrogate
        raise BadValue("documents_text", id=ascii(id)) from None
    return text


def _encoded(document: StoredDocument) -> str:
    try:
        encoded = json.dumps(document.metadata, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadValue("documents_metadata", id=document.id, reason=error) from None
    return _storable(encoded, document.id)


def _document(id: str, text: str, metadata: str) -> StoredDocument:
    return StoredDocument(id=id, text=text, metadata=json.loads(metadata))


def _scored(row: tuple[Any, ...]) -> ScoredDocument:
    id, text, metadata, vector, score = row
    return ScoredDocument(
        document=_document(id, text, metadata),
        score=min(1.0, max(-1.0, float(score))),
        vector=np.asarray(vector, dtype=np.float32),
    )
