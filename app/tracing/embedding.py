"""Query vectors as observations of kind `embedding`."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from terakoya.protocols import Embedder, TokenCounter, Tracer
from terakoya.types import Language

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class TracedEmbedder:
    """An embedder that records each query that it makes a vector of, under the step that is open.

    Documents go to the embedder itself, which may do its work in other processes.

    Args:
        embedder: Makes the vectors.
        tracer: Takes the observations.
    """

    def __init__(self, embedder: Embedder, tracer: Tracer) -> None:
        self._embedder = embedder
        self._tracer = tracer

    @property
    def fingerprint(self) -> str:
        """See `terakoya.protocols.Embedder`."""
        return self._embedder.fingerprint

    @property
    def dimensions(self) -> int:
        """See `terakoya.protocols.Embedder`."""
        return self._embedder.dimensions

    @property
    def languages(self) -> frozenset[Language]:
        """See `terakoya.protocols.Embedder`."""
        return self._embedder.languages

    @property
    def tokens(self) -> TokenCounter | None:
        """See `terakoya.protocols.Embedder`."""
        return self._embedder.tokens

    @property
    def embed_documents(self) -> "Callable[[Sequence[str]], NDArray[np.float32]]":
        """The embedder's own: it pickles, and this one with its tracer does not."""
        return self._embedder.embed_documents

    def embed_query(self, text: str) -> "NDArray[np.float32]":
        """See `terakoya.protocols.Embedder`."""
        with self._tracer.span("embed", "embedding", input=text) as span:
            vector = self._embedder.embed_query(text)
            span.set(model=self._embedder.fingerprint.partition("|")[0], metadata={"dimensions": len(vector)})
        return vector
