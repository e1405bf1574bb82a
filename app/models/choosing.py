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
Tokens = NDArray[np.int64]
Below = NDArray[np.float64]
"""How far logits are below that of the best token."""

_OUT = -100.0
_NEGLIGIBLE = 30.0
"""Tokens that far below the best are 1e-13 times as likely; all of a vocabulary together stay below 1e-7."""
_NEAR = (6.0, 12.0)
"""Few tokens are likely, and what is done with a whole vocabulary takes long: so far is looked first."""
_ROUGH = 1e-6
"""Of a sum in single precision, its error relative to the sum at most."""
_BLOCK = 16_384


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
        self._biases = sampling.logit_bias
        self._biased: tuple[Tokens, Logits] | None = None
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
        changed, values = self._changes(logits)
        if changed is None:
            token = self._first(logits)
        else:
            # In place and back again: a copy of a large vocabulary takes as long as all the rest.
            own = logits[changed]
            logits[changed] = values
            try:
                token = self._first(logits)
            finally:
                logits[changed] = own
        self._accept(token)
        if not self._logprobs:
            return Choice(token)
        return self._with_logprobs(token, logits)

    def _first(self, weighed: Logits) -> int:
        """A token by the weighed logits that the grammar and the forbidden texts let pass."""
        token = self._draw(weighed)
        if self._fits(token):
            return token
        # What was drawn is the sampled distribution restricted to what fits: rejected tokens lose
        # their mass, the others keep their shares.
        weighed = weighed.copy()
        if self._mask is not None:
            self._mask.rule_out(weighed)
        while True:
            token = self._draw(weighed)
            if not self._spells_forbidden(token) and self._is_text(token):
                return token
            weighed[token] = -np.inf

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

    def _changes(self, logits: Logits) -> tuple[Tokens | None, Logits]:
        """The tokens whose logits bias and penalties change, and what they become."""
        said = self._said if self._penal else None
        if not (self._biases or said):
            return None, logits
        if self._biased is None:
            biases = {token: bias for token, bias in self._biases.items() if 0 <= token < len(logits)}
            offsets = [-np.inf if bias <= _OUT else bias for bias in biases.values()]
            self._biased = np.array([*biases], dtype=np.int64), np.array(offsets, dtype=np.float32)
        tokens, added = self._biased
        if not said:
            return tokens, logits[tokens] + added
        others = [token for token in said if token not in self._biases]
        tokens = np.concatenate((tokens, np.array(others, dtype=np.int64)))
        values = logits[tokens]
        values[: len(added)] += added
        counts = np.fromiter((said.get(token, 0) for token in tokens.tolist()), dtype=np.float32)
        sampling = self._sampling
        repeated = sampling.repetition_penalty
        penal = np.where(values > 0, values / repeated, values * repeated)
        penal -= counts * np.float32(sampling.frequency_penalty) + np.float32(sampling.presence_penalty)
        return tokens, np.where(counts > 0, penal, values)

    def _draw(self, logits: Logits) -> int:
        sampling = self._sampling
        best = int(logits.argmax())
        if not math.isfinite(logits[best]):
            raise NothingLeft
        if sampling.temperature == 0 or sampling.top_k == 1:
            return best
        # The share of `top_p` is one of the model's own distribution, whatever the temperature.
        depth = _NEGLIGIBLE * (max(1.0, sampling.temperature) if sampling.top_p < 1 else sampling.temperature)
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
) -> tuple[Tokens, Below]:
    """The tokens that may be drawn, in no order, and how far their logits are below the best one's.

    Args:
        logits: Of the whole vocabulary.
        top_k: See `Sampling`.
        top_p: See `Sampling`.
        min_p: See `Sampling`.
        depth: Tokens further below the best than this are left out.
    """
    best = float(logits.max())
    if top_p < 1 and not top_k:
        tokens, below = _nucleus(logits, best, top_p, depth)
    else:
        tokens, below = _nearest(logits, best, top_k, depth)
        if top_p < 1:
            mass = top_p * float(np.exp(below).sum())
            tokens, below, sums = _sorted(tokens, below, mass)
            count = int(sums.searchsorted(mass * (1 - 1e-12))) + 1
            tokens, below = tokens[:count], below[:count]
    if min_p > 0:
        kept = below >= math.log(min_p)
        tokens, below = tokens[kept], below[kept]
    return tokens, below


def _within(logits: Logits, best: float, depth: float) -> tuple[Tokens, Below]:
    tokens = np.flatnonzero(logits >= np.float32(best - depth))
    return tokens, logits[tokens].astype(np.float64) - best


def _nearest(logits: Logits, best: float, count: int, depth: float) -> tuple[Tokens, Below]:
    """The `count` likeliest tokens, no further below the best than `depth`; 0 for all of these."""
    for drop in (*_NEAR, depth) if count else (depth,):
        tokens, below = _within(logits, best, min(drop, depth))
        if len(tokens) >= count or drop >= depth:
            break
    if count and count < len(tokens):
        chosen = np.argpartition(below, -count)[-count:]
        return tokens[chosen], below[chosen]
    return tokens, below


def _nucleus(logits: Logits, best: float, share: float, depth: float) -> tuple[Tokens, Below]:
    """The likeliest tokens that hold that share of the mass, the one that reaches it included."""
    # In single precision, and in blocks that stay in the processor's cache.
    rough = share * sum(
        float(np.exp(logits[start : start + _BLOCK] - np.float32(best)).sum(dtype=np.float64))
        for start in range(0, len(logits), _BLOCK)
    )
    for drop in (*_NEAR, depth):
        tokens, below = _within(logits, best, min(drop, depth))
        if drop >= depth or np.exp(below).sum() >= rough * (1 + 2 * _ROUGH):
            break
    tokens, below, sums = _sorted(tokens, below, rough * (1 + 2 * _ROUGH))
    least, most = (int(sums.searchsorted(rough * (1 + side * _ROUGH))) + 1 for side in (-1, 1))
    if least != most:  # too near to tell
        mass = share * float(np.exp(_within(logits, best, depth)[1]).sum())
        least = int(sums.searchsorted(mass * (1 - 1e-12))) + 1
    return tokens[:least], below[:least]


def _sorted(tokens: Tokens, below: Below, mass: float) -> tuple[Tokens, Below, NDArray[np.float64]]:
    """The likeliest tokens that hold that mass, and maybe more of them, with the sums of their masses."""
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
    return tokens, below, np.exp(below).cumsum()
