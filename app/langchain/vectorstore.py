"""LangChain's `VectorStore` over a DuckDB file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.runnables.config import run_in_executor
from langchain_core.vectorstores import VectorStore
from numpy.typing import NDArray

from ingest.documents import Documents, ScoredDocument, StoredDocument, Wanted
from terakoya.errors import BadValue

Filter = Mapping[str, Any] | Callable[[Document], bool]
"""Which documents: `{"year": {"$gte": 2024}}` (see `ingest.metadata`), or a function of the document."""


class TerakoyaVectorStore(VectorStore):
    """Documents with the vectors of any `Embeddings`, in a DuckDB file of their own.

    Search is exact: every vector is compared, and a filter is applied before the best `k` are taken. Scores are
    cosine similarities, -1 to 1, the higher the nearer. An instance may be used by several threads; one process
    may have a file open for writing, or several with `read_only`.

    Args:
        embedding: Makes the vectors of texts and queries.
        path: The file, made when it is not there. None keeps everything in memory.
        read_only: Open the file without changing it.

    Raises:
        BadInput: The file holds something else, such as the notes of an installation.
        Busy: Another process has the file open.
    """

    def __init__(
        self, embedding: Embeddings, path: Path | str | None = None, *, read_only: bool = False
    ) -> None:
        self._embedding = embedding
        self._documents = Documents(
            Path(path).expanduser() if path is not None else None, read_only=read_only
        )

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the file."""
        self.close()

    def close(self) -> None:
        """Lets go of the file; everything added is on disk already."""
        self._documents.close()

    @property
    def embeddings(self) -> Embeddings:
        """What makes the vectors."""
        return self._embedding

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        path: Path | str | None = None,
        **kwargs: Any,
    ) -> Self:
        """A store with these texts added to what its file holds already.

        Raises:
            ValueError: There is not one of `metadatas` or `ids` for each text.
        """
        store = cls(embedding, path)
        try:
            store.add_texts(texts, metadatas, ids=ids)
        except BaseException:
            store.close()
            raise
        return store

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: Sequence[dict[str, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Adds texts, or replaces those with the same id: all of them, or none where one is refused.

        Args:
            texts: The texts.
            metadatas: One for each; what JSON can hold.
            ids: One for each; None makes a new one.
            **kwargs: Nothing else is known.

        Returns:
            The ids, in the order of the texts.

        Raises:
            ValueError: There is not one of `metadatas` or `ids` for each text, or one cannot be kept.
        """
        documents = _documents(list(texts), metadatas, ids)
        if documents:
            self._documents.put(documents, self._embedding.embed_documents([d.text for d in documents]))
        return [document.id for document in documents]

    async def aadd_texts(
        self,
        texts: Iterable[str],
        metadatas: Sequence[dict[str, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """As `add_texts`, with the embedding's own asynchronous call."""
        documents = _documents(list(texts), metadatas, ids)
        if documents:
            vectors = await self._embedding.aembed_documents([document.text for document in documents])
            await run_in_executor(None, self._documents.put, documents, vectors)
        return [document.id for document in documents]

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """The documents with these ids, in this order; ids that are not there are left out."""
        return [_document(found) for found in self._documents.get(ids)]

    def delete(self, ids: Sequence[str] | None = None, **kwargs: Any) -> bool:
        """Deletes the documents with these ids, where they are there; None deletes all."""
        self._documents.delete(ids)
        return True

    def similarity_search(
        self, query: str, k: int = 4, filter: Filter | None = None, **kwargs: Any
    ) -> list[Document]:
        """The `k` documents nearest to `query`, best first."""
        return [document for document, _ in self.similarity_search_with_score(query, k, filter)]

    async def asimilarity_search(
        self, query: str, k: int = 4, filter: Filter | None = None, **kwargs: Any
    ) -> list[Document]:
        """As `similarity_search`, with the embedding's own asynchronous call."""
        return [document for document, _ in await self.asimilarity_search_with_score(query, k, filter)]

    def similarity_search_with_score(
        self, query: str, k: int = 4, filter: Filter | None = None, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """The `k` documents nearest to `query` with their cosine similarity, best first."""
        return self.similarity_search_with_score_by_vector(self._embedding.embed_query(query), k, filter)

    async def asimilarity_search_with_score(
        self, query: str, k: int = 4, filter: Filter | None = None, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """As `similarity_search_with_score`, with the embedding's own asynchronous call."""
        vector = await self._embedding.aembed_query(query)
        return await run_in_executor(None, self.similarity_search_with_score_by_vector, vector, k, filter)

    def similarity_search_by_vector(
        self, embedding: list[float], k: int = 4, filter: Filter | None = None, **kwargs: Any
    ) -> list[Document]:
        """The `k` documents nearest to a vector, best first."""
        return [document for document, _ in self.similarity_search_with_score_by_vector(embedding, k, filter)]

    def similarity_search_with_score_by_vector(
        self, embedding: Sequence[float], k: int = 4, filter: Filter | None = None, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """The `k` documents nearest to a vector with their cosine similarity, best first.

        Raises:
            ValueError: The vector has another length than those in the file, or the filter cannot be used.
        """
        found = self._documents.nearest(embedding, k, _wanted(filter))
        return [(_document(each.document), each.score) for each in found]

    def max_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """`k` documents near to `query` and unlike one another; see `max_marginal_relevance_search_by_vector`."""
        return self.max_marginal_relevance_search_by_vector(
            self._embedding.embed_query(query), k, fetch_k, lambda_mult, filter
        )

    async def amax_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """As `max_marginal_relevance_search`, with the embedding's own asynchronous call."""
        vector = await self._embedding.aembed_query(query)
        return await run_in_executor(
            None, self.max_marginal_relevance_search_by_vector, vector, k, fetch_k, lambda_mult, filter
        )

    def max_marginal_relevance_search_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Filter | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """`k` documents near to a vector and unlike one another.

        Args:
            embedding: The vector.
            k: How many documents to return.
            fetch_k: How many of the nearest to choose from.
            lambda_mult: 1 looks at nearness alone, 0 at unlikeness alone.
            filter: Which documents.
            **kwargs: Nothing else is known.
        """
        found = self._documents.nearest(embedding, max(k, fetch_k), _wanted(filter))
        return [_document(found[at].document) for at in _diverse(found, k, lambda_mult)]

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        """Relevance, 0 to 1, of a cosine similarity: what points away is as little relevant as can be."""
        return lambda score: min(1.0, max(0.0, score))


def _documents(
    texts: Sequence[str],
    metadatas: Sequence[dict[str, Any]] | None,
    ids: Sequence[str | None] | None,
) -> list[StoredDocument]:
    for what, given in (("metadatas", metadatas), ("ids", ids)):
        if given is not None and len(given) != len(texts):
            raise BadValue("documents_count", what=what, count=len(given), texts=len(texts))
    return [
        StoredDocument(id=id or str(uuid4()), text=text, metadata=metadata)
        for text, metadata, id in zip(
            texts, metadatas or [{} for _ in texts], ids or [None for _ in texts], strict=True
        )
    ]


def _document(found: StoredDocument) -> Document:
    return Document(id=found.id, page_content=found.text, metadata=found.metadata)


def _wanted(filter: Filter | None) -> Wanted | None:
    if filter is None or isinstance(filter, Mapping):
        return filter
    return lambda found: filter(_document(found))


def _diverse(found: Sequence[ScoredDocument], k: int, lambda_mult: float) -> list[int]:
    """Which of `found` to take, in order, by maximal marginal relevance (Carbonell and Goldstein, 1998)."""
    if not found:
        return []
    vectors = np.stack([each.vector for each in found])
    relevance: NDArray[np.float64] = np.array([each.score for each in found])
    likeness: NDArray[np.float64] = vectors.astype(np.float64) @ vectors.T
    nearest_taken = np.zeros(len(found))
    left = list(range(len(found)))
    taken: list[int] = []
    while left and len(taken) < k:
        worth = lambda_mult * relevance - (1 - lambda_mult) * nearest_taken
        best = max(left, key=lambda at: (worth[at] if taken else relevance[at], -at))
        left.remove(best)
        nearest_taken = np.maximum(nearest_taken, likeness[best]) if taken else likeness[best].copy()
        taken.append(best)
    return taken
