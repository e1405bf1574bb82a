"""LangChain's `Embeddings` over the embedders that Terakoya knows."""

from langchain_core.embeddings import Embeddings

from ingest.embedder import CATALOGUE, embedder_named
from terakoya.errors import BadInput, Unavailable


class TerakoyaEmbeddings(Embeddings):
    """Unit vectors of a sentence-transformers model, with the prefixes that it was trained with.

    Args:
        name: A name that TERAKOYA_EMBEDDER takes, or the folder of a model.

    Raises:
        BadInput: There is no such embedder.
        Unavailable: sentence-transformers is not installed.
    """

    def __init__(self, name: str = "all-MiniLM-L6-v2") -> None:
        if name == "none":
            raise BadInput("embedder_unknown", name=name, names=", ".join(CATALOGUE))
        embedder = embedder_named(name)
        if embedder is None:
            raise Unavailable("embedder_missing", name=name)
        self._embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector for each text."""
        vectors: list[list[float]] = self._embedder.embed_documents(texts).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """The vector of a query."""
        vector: list[float] = self._embedder.embed_query(text).tolist()
        return vector
