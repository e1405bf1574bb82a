"""The vector arm: unit vectors of chunks, made by an embedder and kept in step with the chunks."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from ingest.database import Derived, registered
from ingest.filters import Chunks
from ingest.fusion import USUAL, Background
from ingest.mapping import InThisProcess
from ingest.nearest import Nearest, Vectors2D, create, insert
from ingest.read import Reading
from ingest.store import Store
from terakoya.errors import Unavailable
from terakoya.protocols import Embedder, Mapper
from terakoya.types import Language

_BATCH: Final = 64
"""Texts that are embedded before their vectors are kept: what an interruption waits for, and can cost."""
_PAGE: Final = 1024
_SAMPLE: Final = 256
"""Vectors from which it is told how similar unrelated chunks are; 32,640 pairs."""
_FEWEST: Final = 32
"""From fewer it is not told: they may all be of one note."""
_WITHOUT_VECTOR: Final = """
    SELECT id, heading, ancestors, text, language, shown FROM chunks
    WHERE id > $last AND language IN (SELECT unnest($languages))
          AND id NOT IN (SELECT chunk FROM vectors WHERE chunk > $last)
    ORDER BY id LIMIT $page
"""
_BEHIND: Final = """
    SELECT max(id), count(*) FILTER (
        language IN (SELECT unnest($languages)) AND id NOT IN (SELECT chunk FROM vectors WHERE chunk > $last)
    ) FROM chunks WHERE id > $last
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarities:
    """Cosine similarities of a query and the best window of each chunk.

    Attributes:
        nearest: Of the nearest chunks, nearest first; empty where there is nothing to compare with.
        background: What they mean for this embedder.
        query: Unit vector of the query, None where nothing was compared.
    """

    nearest: Mapping[int, float]
    background: Background
    query: NDArray[np.float32] | None = None


NO_SIMILARITIES: Final = Similarities(nearest={}, background=USUAL)


def _digest(text: str) -> str:
    return blake2b(text.encode(errors="replace"), digest_size=16).hexdigest()


class Stopped(Exception):
    """The work was cancelled; what was embedded so far is in the cache."""


def _never() -> bool:
    return False


def _nobody() -> None:
    """Nobody wants to know."""


class Vectors:
    """Vectors of the chunks that an embedder can read, in the table `vectors`: one for each window of a chunk.

    Args:
        store: Holds them.
        embedder: Makes them.
        mapper: Where they are made.
    """

    def __init__(self, store: Store, embedder: Embedder, mapper: Mapper | None = None) -> None:
        self._store = store
        self._embedder = embedder
        self._mapper = mapper or InThisProcess()
        self._nearest = Nearest(store)
        self._background = Derived(store, self._unrelated)

    @property
    def reading(self) -> Reading:
        """What chunks are made for, so that this embedder can read them."""
        return Reading(languages=self._embedder.languages, tokens=self._embedder.tokens)

    def embed(
        self,
        chunks: Sequence[Sequence[str]],
        cancelled: Callable[[], bool] = _never,
        begin: Callable[[], None] = _nobody,
    ) -> list[Vectors2D | None]:
        """Vectors of chunks, each given as its windows; from the cache where known, None for no windows.

        `begin` is called where some are not known: the embedder may have to be loaded, which takes long.

        Raises:
            Stopped: It was cancelled.
            Unavailable: The embedder cannot be loaded.
        """
        digests = [[_digest(text) for text in windows] for windows in chunks]
        known = self._cached([digest for each in digests for digest in each])
        missing: dict[str, str] = {}
        for each, windows in zip(digests, chunks, strict=True):
            missing.update((d, t) for d, t in zip(each, windows, strict=True) if d not in known)
        if missing:
            begin()
        # of one length together: every text of a batch costs as much as the longest
        ordered = sorted(missing, key=lambda digest: len(missing[digest]))
        batches = [ordered[at : at + _BATCH] for at in range(0, len(ordered), _BATCH)]
        texts = ([missing[d] for d in batch] for batch in batches)
        with closing(self._mapper.map(self._embedder.embed_documents, texts)) as made:
            for batch in batches:
                if cancelled():
                    raise Stopped
                vectors = next(made)
                if isinstance(vectors, Unavailable):
                    raise vectors
                self._keep(batch, vectors)
                known |= dict(zip(batch, vectors, strict=True))
        return [np.stack([known[digest] for digest in each]) if each else None for each in digests]

    def insert(
        self, cursor: duckdb.DuckDBPyConnection, chunks: Sequence[int], vectors: Sequence[Vectors2D | None]
    ) -> None:
        """Adds the vectors of chunks inside the caller's transaction."""
        insert(cursor, chunks, vectors)

    def begin(self) -> None:
        """Makes room for this embedder's vectors, where another made those that are there."""
        wanted = self._embedder.fingerprint
        if self._store.meta("embedder") == wanted or self._store.meta("embedding") == wanted:
            return
        with self._store.transaction() as cursor:
            cursor.execute("DROP TABLE IF EXISTS vectors")
            cursor.execute("TRUNCATE embedded")
            cursor.execute("DELETE FROM meta WHERE key IN ('embedder', 'embedding')")
            fresh = not cursor.execute("SELECT 1 FROM chunks LIMIT 1").fetchone()
            # until all that was there is embedded, search would favour what is
            cursor.execute(
                "INSERT INTO meta VALUES ($key, $wanted)",
                {"key": "embedder" if fresh else "embedding", "wanted": wanted},
            )

    def finish(
        self,
        progress: Callable[[int, int], None] = lambda done, total: None,
        cancelled: Callable[[], bool] = _never,
    ) -> None:
        """Embeds what has no vector yet: notes came in while no embedder was set, or another was.

        Args:
            progress: Called with chunks done and in all.
            cancelled: Asked between batches.

        Raises:
            Stopped: It was cancelled; the next call goes on from there.
        """
        if not self._nearest.exist():
            languages = sorted(self._embedder.languages)
            sql = "SELECT 1 FROM chunks WHERE language IN (SELECT unnest($l)) LIMIT 1"
            if self._store.rows(sql, {"l": languages}):
                with self._store.transaction() as cursor:
                    create(cursor, self._embedder.dimensions)
        if self._nearest.exist():
            self._embed_rest(progress, cancelled)
        if self._store.meta("embedder") != self._embedder.fingerprint:
            with self._store.transaction() as cursor:
                cursor.execute("DELETE FROM meta WHERE key = 'embedding'")
                cursor.execute(
                    "INSERT OR REPLACE INTO meta VALUES ('embedder', $f)", {"f": self._embedder.fingerprint}
                )

    def _embed_rest(self, progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> None:
        languages = sorted(self._embedder.languages)
        read = "+".join(languages)
        known = self._store.rows("SELECT max(last) FROM embedded WHERE languages = $read", {"read": read})
        done, first = 0, -1 if known[0][0] is None else int(known[0][0])
        last = first
        ((newest, total),) = self._store.rows(_BEHIND, {"last": first, "languages": languages})
        while done < total:
            rows = self._store.rows(_WITHOUT_VECTOR, {"last": last, "languages": languages, "page": _PAGE})
            if not rows:
                break
            progress(done, total)
            reading = self.reading
            windows = [
                reading.windows(json.loads(h), json.loads(a), text, language, shown)
                for _, h, a, text, language, shown in rows
            ]
            vectors = self.embed(windows, cancelled)
            numbers = [int(row[0]) for row in rows]
            with self._store.transaction() as cursor:
                self.insert(cursor, numbers, vectors)
            done, last = done + len(rows), numbers[-1]
        if newest is not None and newest - first > _PAGE:  # not for every note
            with self._store.transaction() as cursor:
                cursor.execute("DELETE FROM embedded WHERE languages = $read", {"read": read})
                cursor.execute(
                    "INSERT INTO embedded VALUES ($read, $newest)", {"read": read, "newest": newest}
                )

    def check(self) -> None:
        """Refuses to search vectors that another embedder made.

        Raises:
            Unavailable: The store's embedder is another than the one configured.
        """
        found = self._store.meta("embedder") or self._store.meta("embedding")
        if found not in (None, self._embedder.fingerprint):
            raise Unavailable(
                "store_embedder", found=found.split("|")[0], wanted=self._embedder.fingerprint.split("|")[0]
            )

    def search(self, query: str, k: int, only: Chunks | None = None) -> Similarities:
        """The `k` chunks nearest to a query. See `Nearest`.

        `only` these chunks are looked at, where it is given.

        Nothing is found while vectors of a new embedder are still being made: a ranking must not depend on
        how far that is.
        """
        if not self._nearest.exist():
            return NO_SIMILARITIES
        self.check()
        if self._store.meta("embedding"):
            return NO_SIMILARITIES
        vector = self._embedder.embed_query(query)
        # what is looked for has its words or its meaning near: a query far from everything needs no second look
        nearest = self._nearest.find(vector, k, only, thorough=False)
        return Similarities(nearest=nearest, background=self._background(), query=vector)

    def of(self, chunks: Sequence[int], similar: Similarities) -> dict[int, float]:
        """The similarity of each of these chunks that has a vector, to the query of `similar`."""
        known = {chunk: similar.nearest[chunk] for chunk in chunks if chunk in similar.nearest}
        if similar.query is None:
            return known
        others = [chunk for chunk in chunks if chunk not in known]
        return {**known, **self._nearest.of(similar.query, others)}

    def _unrelated(self) -> Background:
        """How similar chunks are that have nothing to do with one another, told from some of the vectors."""
        sample = self._nearest.sample(_SAMPLE)
        return Background.of(sample) if len(sample) >= _FEWEST else USUAL

    def count(self) -> int:
        """Number of vectors in the store."""
        return self._nearest.count()

    def warm(self) -> None:
        """Loads the embedder."""
        self._embedder.embed_query("warm")

    def hold(self) -> None:
        """Begins to read the vectors into memory: many searches will come."""
        if self._nearest.exist():
            self._nearest.hold()

    def readable(self, language: Language) -> bool:
        """Whether the embedder was trained to read `language`."""
        return language in self._embedder.languages

    def _keep(self, digests: Sequence[str], vectors: Vectors2D) -> None:
        with self._store.transaction() as cursor, registered(cursor, "made", {"digest": digests}, vectors):
            cursor.execute(
                "INSERT INTO embedding_cache SELECT $f, digest, vector FROM made",
                {"f": self._embedder.fingerprint},
            )

    def _cached(self, digests: list[str]) -> dict[str, NDArray[np.float32]]:
        if not digests:
            return {}
        found = self._store.columns(
            "SELECT digest, vector FROM embedding_cache WHERE fingerprint = $f AND digest IN (SELECT unnest($d))",
            {"f": self._embedder.fingerprint, "d": digests},
        )
        return {
            d: np.asarray(v, dtype=np.float32) for d, v in zip(found["digest"], found["vector"], strict=True)
        }
