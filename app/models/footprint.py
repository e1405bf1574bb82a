"""How much memory a model takes, before it is loaded."""

from dataclasses import dataclass
from typing import Final

BATCH: Final = 512
"""Tokens that are evaluated at once."""
_FLOAT: Final = 4
_PROCESS: Final = 128 * 2**20
"""Bytes of the worker without a model: Python, llama.cpp, the vocabulary's texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """The figures of a model that decide how much memory it takes.

    Attributes:
        weights: Bytes of the file.
        cache_per_token: Bytes of the key-value cache for one token of context.
        vocabulary: Number of tokens that it knows.
        embedding: Length of its embeddings.
        context: Tokens of context that it was trained for; 0 for unknown.
    """

    weights: int
    cache_per_token: int
    vocabulary: int
    embedding: int
    context: int = 0

    def cache(self, context_tokens: int) -> int:
        """Bytes of the key-value cache for this context, at most the one that it was trained for."""
        return self.cache_per_token * min(context_tokens, self.context or context_tokens)

    @property
    def overhead(self) -> int:
        """Bytes that are neither weights nor cache.

        Above all the buffer for the logits of a whole batch and two rows of embeddings, which is what
        llama.cpp reports as its compute buffer (300.75 MiB for 151,936 tokens and embeddings of 1,024).
        """
        return BATCH * _FLOAT * (self.vocabulary + 2 * self.embedding) + _PROCESS

    def memory(self, context_tokens: int) -> int:
        """Bytes that running it with this context takes: weights, key-value cache and overhead."""
        return self.weights + self.cache(context_tokens) + self.overhead
