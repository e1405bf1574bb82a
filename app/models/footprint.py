"""How much memory a model takes, before it is loaded: one reckoning for the list, the doctor and the engine."""

from dataclasses import dataclass
from typing import Final

from app.models.options import ModelOptions

_BYTES: Final = {"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32, "q4_0": 18 / 32}
"""Bytes of a number in the key-value cache."""
_FLOAT: Final = 4
_ROWS: Final = 12
"""Rows as long as an embedding that each token of a batch takes on its way through a layer, at most."""
_KEPT: Final = 48
"""Sequences beside the slots, for threads that are kept; each may ask for a row of logits."""
_KEPT_STATES: Final = 4
"""The same where each takes a whole state, whether it is used or not."""
_LEAST_OUTPUTS: Final = 33
_HEAD: Final = 64
"""No common model has shorter heads: where their number is not known, it is not above what this gives."""
_PROCESS: Final = 96 * 2**20
"""Bytes of the worker without a model: Python, llama.cpp, the vocabulary's texts."""
_USUAL: Final = ModelOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """The figures of a model that decide how much memory it takes.

    Attributes:
        weights: Bytes of the file.
        cache_per_token: Bytes of the key-value cache for one token of context, with numbers of 16 bits.
        vocabulary: Number of tokens that it knows.
        embedding: Length of its embeddings.
        context: Tokens of context that it was trained for; 0 for unknown.
        heads: Heads that ask in a layer; 0 for unknown.
        state: Bytes of the state that recurrent layers keep for one sequence; 0 where there are none.
    """

    weights: int
    cache_per_token: int
    vocabulary: int
    embedding: int
    context: int = 0
    heads: int = 0
    state: int = 0

    def window(self, context_tokens: int, options: ModelOptions = _USUAL) -> int:
        """Tokens that one request gets when so many are asked for: not more than it was trained for."""
        longest = int(self.context * options.growth)
        return min(context_tokens, longest or context_tokens)

    def cache(self, cells: int, options: ModelOptions = _USUAL) -> int:
        """Bytes of the key-value cache for so many tokens."""
        share = (_BYTES[options.key_type] + _BYTES[options.value_type]) / (2 * _BYTES["f16"])
        return int(self.cache_per_token * share * cells)

    def overhead(self, cells: int, options: ModelOptions = _USUAL) -> int:
        """Bytes that are neither weights nor cache.

        The process; the states of recurrent layers; what llama.cpp reports as its output buffer (a row of
        logits for each sequence that may ask for one) and as its compute buffer: these rows again, a batch on
        its way through a layer, and the mask that says which token sees which cell. Without flash attention,
        each head's weights of all cells for a whole batch come on top.
        """
        batch = options.batch_tokens
        sequences = options.slots + (_KEPT_STATES if self.state else _KEPT)
        outputs = min(batch, max(sequences, _LEAST_OUTPUTS))
        logits = 2 * outputs * self.vocabulary * _FLOAT
        attention = 2 * batch * cells
        if options.flash_attention == "off":
            attention += batch * cells * (self.heads or self.embedding // _HEAD) * _FLOAT
        states = sequences * self.state
        return logits + batch * _ROWS * self.embedding * _FLOAT + attention + states + _PROCESS

    def memory(self, context_tokens: int, options: ModelOptions = _USUAL) -> int:
        """Bytes that running it takes at least: weights, overhead, and the cache of one request's context."""
        return self.taken(self.window(context_tokens, options), options)

    def taken(self, cells: int, options: ModelOptions = _USUAL) -> int:
        """Bytes that running it takes with a cache of so many tokens."""
        return self.weights + self.cache(cells, options) + self.overhead(cells, options)
