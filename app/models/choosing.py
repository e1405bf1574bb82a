"""From logits to the next token."""

import codecs
import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.models.sampling import Sampling

Logits = NDArray[np.float32]

_OUT = -100.0
_NEGLIGIBLE = 30.0
"""Tokens that far below the best are 1e-13 times as likely; all of a vocabulary together stay below 1e-7."""


class NothingLeft(Exception):
    """Grammar, bias and forbidden texts together leave no token."""


class Mask(Protocol):
    """What a grammar can say of tokens."""

    def allows(self, token: int) -> bool:
        """Whether the token may come next."""

    def rule_out(self, logits: Logits) -> None:
        """Sets all logits to minus infinity that may not come next."""

    def accept(self, token: int) -> None:
        """The token came."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A chosen token.

    Attributes:
        token: Its number.
        logprob: Its log-probability by the model alone, no controls applied; None where nobody asked.
        top: The likeliest tokens and theirs.
    """

    token: int
    logprob: float | None = None
    top: tuple[tuple[int, float], ...] = ()


class Chooser:
    """Chooses the tokens of one output.

    Args:
        sampling: The controls.
        seed: Of the draw.
        spelling: Bytes of a token; empty for one that ends the output or is a control token.
        mask: A grammar.
        logprobs: Whether log-probabilities are wanted.
    """

    def __init__(
        self,
        sampling: Sampling,
        *,
        seed: int,
        spelling: Callable[[int], bytes],
        mask: Mask | None = None,
        logprobs: bool = False,
    ) -> None:
        self._sampling = sampling
        self._random = np.random.default_rng(seed)
        self._spelling = spelling
        self._mask = mask
        self._logprobs = logprobs or sampling.logprobs > 0
        self._window: deque[int] = deque()
        self._said: Counter[int] = Counter()
        self._penal = (
            sampling.repetition_penalty != 1 or sampling.presence_penalty or sampling.frequency_penalty
        )
        self._forbidden = [text.encode().lower() for text in sampling.forbidden]
        self._longest = max(map(len, self._forbidden), default=0)
        self._tail = b""
        self._begun = b""

    def choose(self, logits: Logits) -> Choice:
        """The next token. `logits` are left as they are.

        Raises:
            NothingLeft: No token may come.

        The grammar and the forbidden texts are asked about the chosen token first, and rule out others only
        where it is not allowed: going through a whole vocabulary takes many milliseconds.
        """
        weighed = self._weighed(logits)
        token = self._draw(weighed)
        if not self._fits(token):
            # What was drawn is the sampled distribution restricted to what fits: rejected tokens lose
            # their mass, the others keep their shares.
            if weighed is logits:
                weighed = logits.copy()
            if self._mask is not None:
                self._mask.rule_out(weighed)
            while True:
                token = self._draw(weighed)
                if not self._spells_forbidden(token) and self._is_text(token):
                    break
                weighed[token] = -np.inf
        self._accept(token)
        if not self._logprobs:
            return Choice(token)
        return self._with_logprobs(token, logits)

    def _fits(self, token: int) -> bool:
        if self._mask is not None and not (self._mask.allows(token) and self._is_text(token)):
            return False
        return not self._spells_forbidden(token)

    def _is_text(self, token: int) -> bool:
        """Whether the output stays UTF-8: a grammar takes any byte for the rest of a character that was begun."""
        return self._mask is None or _begun(self._begun + self._spelling(token)) is not None

    def _spells_forbidden(self, token: int) -> bool:
        if not self._forbidden:
            return False
        text = self._tail + self._spelling(token).lower()
        return any(word in text for word in self._forbidden)

    def _weighed(self, logits: Logits) -> Logits:
        sampling = self._sampling
        if not (sampling.logit_bias or (self._penal and self._said)):
            return logits
        weighed = logits.copy()
        for token, bias in sampling.logit_bias.items():
            if 0 <= token < len(weighed):
                weighed[token] = -np.inf if bias <= _OUT else weighed[token] + bias
        if self._penal and self._said:
            tokens = np.fromiter(self._said.keys(), dtype=np.int64)
            counts = np.fromiter(self._said.values(), dtype=np.float32)
            values = weighed[tokens]
            repeated = sampling.repetition_penalty
            values = np.where(values > 0, values / repeated, values * repeated)
            weighed[tokens] = (
                values
                - counts * np.float32(sampling.frequency_penalty)
                - np.float32(sampling.presence_penalty)
            )
        return weighed

    def _draw(self, logits: Logits) -> int:
        sampling = self._sampling
        best = int(logits.argmax())
        if not np.isfinite(logits[best]):
            raise NothingLeft
        if sampling.temperature == 0 or sampling.top_k == 1:
            return best
        depth = _NEGLIGIBLE * max(1.0, sampling.temperature)
        tokens, below = candidates(logits, sampling.top_k, sampling.top_p, sampling.min_p, depth=depth)
        if len(tokens) == 1:
            return int(tokens[0])
        cumulated = np.exp(below / sampling.temperature).cumsum()
        place = int(cumulated.searchsorted(self._random.random() * cumulated[-1], side="right"))
        return int(tokens[min(place, len(tokens) - 1)])

    def _accept(self, token: int) -> None:
        if self._mask is not None:
            self._mask.accept(token)
            self._begun = _begun(self._begun + self._spelling(token)) or b""
        if self._longest:
            self._tail = (self._tail + self._spelling(token).lower())[-(self._longest - 1) :]
            if self._longest == 1:
                self._tail = b""
        if self._penal:
            self._window.append(token)
            self._said[token] += 1
            if self._sampling.penalty_window and len(self._window) > self._sampling.penalty_window:
                gone = self._window.popleft()
                self._said[gone] -= 1
                if not self._said[gone]:
                    del self._said[gone]

    def _with_logprobs(self, token: int, logits: Logits) -> Choice:
        wide = logits.astype(np.float64)
        best = float(wide.max())
        whole = best + math.log(float(np.exp(wide - best).sum()))
        count = min(self._sampling.logprobs, len(logits))
        top: Sequence[int] = ()
        if count:
            likeliest = np.argpartition(logits, -count)[-count:]
            top = likeliest[np.argsort(-logits[likeliest], kind="stable")].tolist()
        return Choice(token, float(wide[token]) - whole, tuple((t, float(wide[t]) - whole) for t in top))


def _begun(data: bytes) -> bytes | None:
    """The bytes at the end that begin a character; None where these are not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        decoder.decode(data)
    except UnicodeDecodeError:
        return None
    begun = decoder.getstate()[0]
    # Half of a surrogate pair: Python notices at its last byte only, when nothing else can follow any more.
    return None if begun[:1] == b"\xed" and begun[1:] >= b"\xa0" else begun


def candidates(
    logits: Logits, top_k: int, top_p: float, min_p: float, *, depth: float = _NEGLIGIBLE
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The tokens that may be drawn, the likeliest first, and how far their logits are below the best one's.

    Args:
        logits: Of the whole vocabulary.
        top_k: See `Sampling`.
        top_p: See `Sampling`.
        min_p: See `Sampling`.
        depth: Tokens further below the best than this are left out.
    """
    best = logits.max()
    tokens = np.flatnonzero(logits > best - depth)
    below = (logits[tokens] - best).astype(np.float64)
    if top_k and top_k < len(tokens):
        chosen = np.argpartition(below, -top_k)[-top_k:]
        tokens, below = tokens[chosen], below[chosen]
    if top_p < 1:
        tokens, below = _nucleus(tokens, below, top_p)
    if min_p > 0:
        kept = below >= math.log(min_p)
        tokens, below = tokens[kept], below[kept]
    order = np.argsort(-below, kind="stable")
    return tokens[order], below[order]


def _nucleus(
    tokens: NDArray[np.int64], below: NDArray[np.float64], share: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The likeliest tokens that hold that share of the mass, the one that reaches it included."""
    mass = share * float(np.exp(below).sum())
    # Sorting a vocabulary costs more than the rest; a few hundred tokens hold nearly always enough.
    size = 256
    while size < len(below):
        part = np.argpartition(below, -size)[-size:]
        if np.exp(below[part]).sum() >= mass:
            tokens, below = tokens[part], below[part]
            break
        size *= 8
    order = np.argsort(-below, kind="stable")
    tokens, below = tokens[order], below[order]
    count = int(np.exp(below).cumsum().searchsorted(mass * (1 - 1e-12))) + 1
    return tokens[:count], below[:count]
