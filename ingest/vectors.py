"""The vector arm: unit vectors in the DuckDB file, searched exactly."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from ingest.read import embedded_text
from ingest.store import Store
from terakoya.errors import Unavailable
from terakoya.protocols import Embedder
from terakoya.types import Language

Vector = NDArray[np.float32]

_CHUNKS: Final = """
    SELECT id, heading, ancestors, text, language FROM chunks
    WHERE language IN (SELECT unnest($languages))
"""
_WITHOUT_VECTOR: Final = "AND NOT EXISTS (FROM vectors WHERE chunk = chunks.id)"
"""Notes may have come in while no embedder was set."""


class Vectors:
    """Vectors of the chunks that an embedder can read, in the table `vectors`."""

    def __init__(self, store: Store, embedder: Embedder) -> None:
        self._store = store
        self._embedder = embedder

    def embed(self, texts: Sequence[tuple[str, Language]]) -> list[Vector | None]:
        """Vectors of texts with their languages, from the cache where they are known; None where unreadable."""
        wanted = [self._digest(text) if lang in self._embedder.languages else None for text, lang in texts]
        cached = self._cached([digest for digest in wanted if digest])
        missing = {d: t for d, (t, _) in zip(wanted, texts, strict=True) if d and d not in cached}
        if missing:
            made = self._embedder.embed_documents(list(missing.values()))
            fresh = dict(zip(missing, made, strict=True))
            with self._store.transaction() as cursor:
                cursor.execute(
                    "INSERT INTO embedding_cache SELECT $f, unnest($d), unnest($v)::FLOAT[]",
                    {
                        "f": self._embedder.fingerprint,
                        "d": list(fresh),
                        "v": [vector.tolist() for vector in fresh.values()],
                    },
                )
            cached |= fresh
        return [cached[digest] if digest else None for digest in wanted]

    def insert(
        self, cursor: duckdb.DuckDBPyConnection, chunks: Sequence[int], vectors: Sequence[Vector | None]
    ) -> None:
        """Adds the vectors of chunks inside the caller's transaction."""
        rows = [
            (chunk, vector.tolist())
            for chunk, vector in zip(chunks, vectors, strict=True)
            if vector is not None
        ]
        if rows:
            size = len(rows[0][1])
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS vectors (chunk BIGINT NOT NULL, vector FLOAT[{size}] NOT NULL)"
            )
            cursor.execute(
                f"INSERT INTO vectors SELECT unnest($c), unnest($v)::FLOAT[{size}]",
                {"c": [chunk for chunk, _ in rows], "v": [vector for _, vector in rows]},
            )

    def renew(self) -> None:
        """Embeds what has no vector of this embedder: all when another made them, else those left out."""
        found, wanted = self._store.meta("embedder"), self._embedder.fingerprint
        rows = self._store.rows(
            _CHUNKS + (_WITHOUT_VECTOR if found == wanted and self._exists() else ""),
            {"languages": sorted(self._embedder.languages)},
        )
        if found == wanted and not rows:
            return
        vectors = self.embed([(embedded_text(h, a, text), language) for _, h, a, text, language in rows])
        with self._store.transaction() as cursor:
            if found != wanted:
                cursor.execute("DROP TABLE IF EXISTS vectors")
            self.insert(cursor, [row[0] for row in rows], vectors)
            cursor.execute("INSERT OR REPLACE INTO meta VALUES ('embedder', $wanted)", {"wanted": wanted})

    def check(self) -> None:
        """Refuses to search vectors that another embedder made.

        Raises:
            Unavailable: The store's embedder is another than the one configured.
        """
        found = self._store.meta("embedder")
        if found not in (None, self._embedder.fingerprint):
            raise Unavailable(
                "store_embedder", found=found.split("|")[0], wanted=self._embedder.fingerprint.split("|")[0]
            )

    def search(self, query: str, k: int) -> dict[int, float]:
        """The `k` nearest chunks with their cosine similarity, by an exact scan."""
        if not self._exists():
            return {}
        self.check()
        vector = self._embedder.embed_query(query)
        rows = self._store.rows(
            f"SELECT chunk, array_inner_product(vector, $query::FLOAT[{len(vector)}]) AS score "  # noqa: S608 - a number
            "FROM vectors ORDER BY score DESC, chunk LIMIT $k",
            {"query": vector.tolist(), "k": k},
        )
        return {int(chunk): float(score) for chunk, score in rows}

    def count(self) -> int:
        """Number of vectors in the store."""
        return int(self._store.rows("SELECT count(*) FROM vectors")[0][0]) if self._exists() else 0

    def warm(self) -> None:
        """Loads the embedder."""
        self._embedder.embed_query("warm")

    def readable(self, language: Language) -> bool:
        """Whether the embedder was trained to read `language`."""
        return language in self._embedder.languages

    def _digest(self, text: str) -> str:
        return blake2b(text.encode(errors="replace"), digest_size=16).hexdigest()

    def _cached(self, digests: list[str]) -> dict[str, Vector]:
        if not digests:
            return {}
        rows = self._store.rows(
            "SELECT digest, vector FROM embedding_cache WHERE fingerprint = $f AND digest IN (SELECT unnest($d))",
            {"f": self._embedder.fingerprint, "d": digests},
        )
        return {digest: np.asarray(vector, dtype=np.float32) for digest, vector in rows}

    def _exists(self) -> bool:
        return bool(self._store.rows("SELECT 1 FROM duckdb_tables() WHERE table_name = 'vectors'"))
