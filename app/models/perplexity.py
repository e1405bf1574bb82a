"""The perplexity of a model on a text. Imported by the trial process alone.

The text is cut into windows of `window` tokens, each beginning half a window behind the one before. In each,
the tokens of the second half are scored: of each the negative logarithm of the probability that the model gave
it after the tokens before it in the window, so that every scored token has at least half a window in front of
it, and each token behind the first half window is scored once. Where the tokenizer asks for it, the first token
of each window is replaced by the one that begins a text. Perplexity is the exponential of the mean.

With `overlap` off, windows stand side by side and the tokens behind the middle one of each are scored: the
definition of llama.cpp's own `llama-perplexity`, so that figures can be compared with published ones.
"""

import ctypes
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import llama_cpp
import numpy as np
from numpy.typing import NDArray

_BATCH = 512
_LEAST = 16
"""Tokens that a window needs."""
_ERROR = 4  # ggml_log_level


class TrialError(Exception):
    """Something that the request or the file is to blame for."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code, values)
        self.code = code
        self.values = values


def measure(
    *,
    path: str,
    text: str,
    window: int,
    overlap: bool,
    threads: int,
    progress: Callable[[int, int], None],
) -> Mapping[str, object]:
    """Measures it.

    Returns:
        `perplexity` and its standard `error` (by the delta method, tokens taken as independent), `scored`
        tokens, `tokens` of the text, `windows`, `window`, `seconds`.

    Raises:
        TrialError: `load_failed`; `perplexity_short`: the text has too few tokens.
    """
    model = _Model(path, max(window, _LEAST), threads)
    tokens = model.tokens(text)
    size = min(window, model.trained or window, len(tokens))
    if size < _LEAST:
        raise TrialError("perplexity_short", tokens=len(tokens), least=_LEAST)
    step = size // 2 if overlap else size
    starts = range(0, len(tokens) - size + 1, step)
    began = time.perf_counter()
    scores: list[NDArray[np.float64]] = []
    for number, start in enumerate(starts, 1):
        first = size - step if overlap else size // 2 + 1
        scores.append(model.scores(tokens[start : start + size], first))
        progress(number, len(starts))
    every = np.concatenate(scores)
    mean = float(every.mean())
    spread = float(every.std(ddof=1)) / math.sqrt(len(every)) if len(every) > 1 else 0.0
    value = math.exp(min(mean, 700.0))
    return {
        "perplexity": value,
        "error": value * spread,
        "scored": len(every),
        "tokens": len(tokens),
        "windows": len(starts),
        "window": size,
        "seconds": round(time.perf_counter() - began, 3),
    }


class _Model:
    """One model with a context of one window."""

    def __init__(self, path: str, window: int, threads: int) -> None:
        self._complaints: list[str] = []
        self._log = llama_cpp.llama_log_callback(self._hear)
        llama_cpp.llama_log_set(self._log, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        model_params = llama_cpp.llama_model_default_params()
        model_params.use_extra_bufts = False  # see app.models.native
        model = llama_cpp.llama_model_load_from_file(path.encode(), model_params)
        if not model:
            raise TrialError("load_failed", reason=self._reason())
        self.trained: int = llama_cpp.llama_model_n_ctx_train(model)
        context_params = llama_cpp.llama_context_default_params()
        context_params.n_ctx = window
        context_params.n_batch = context_params.n_ubatch = _BATCH
        context_params.n_threads = context_params.n_threads_batch = threads
        context = llama_cpp.llama_init_from_model(model, context_params)
        if not context:
            raise TrialError("load_failed", reason=self._reason())
        self._context = context
        self._vocabulary = llama_cpp.llama_model_get_vocab(model)
        self._size: int = llama_cpp.llama_vocab_n_tokens(self._vocabulary)
        begins = llama_cpp.llama_vocab_get_add_bos(self._vocabulary)
        self._begin: int | None = llama_cpp.llama_vocab_bos(self._vocabulary) if begins else None

    def tokens(self, text: str) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 16
        while True:
            found = (llama_cpp.llama_token * room)()
            count = llama_cpp.llama_tokenize(self._vocabulary, data, len(data), found, room, True, False)
            if count >= 0:
                return list(found[:count])
            room = -count  # a space may take three tokens, one for each byte of its mark

    def scores(self, window: Sequence[int], first: int) -> NDArray[np.float64]:
        """Negative log-probabilities of the tokens of a window from number `first` on."""
        tokens = list(window)
        if self._begin is not None:
            tokens[0] = self._begin
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context), True)
        found: list[float] = []
        for start in range(0, len(tokens), _BATCH):
            part = tokens[start : start + _BATCH]
            # the row behind a token says what it expects next
            wanted = [n for n in range(len(part)) if first - 1 <= start + n < len(tokens) - 1]
            self._decode(part, start, wanted)
            for n in wanted:
                found.append(self._score(n, tokens[start + n + 1]))
        return np.array(found, dtype=np.float64)

    def _decode(self, tokens: Sequence[int], start: int, wanted: Sequence[int]) -> None:
        batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
        try:
            batch.n_tokens = len(tokens)
            asked = set(wanted)
            for n, token in enumerate(tokens):
                batch.token[n] = token
                batch.pos[n] = start + n
                batch.n_seq_id[n] = 1
                batch.seq_id[n][0] = 0
                batch.logits[n] = n in asked
            code = llama_cpp.llama_decode(self._context, batch)
        finally:
            llama_cpp.llama_batch_free(batch)
        if code:
            raise TrialError("internal", reason=f"llama_decode gave {code}: {self._reason()}")

    def _score(self, row: int, token: int) -> float:
        pointer = llama_cpp.llama_get_logits_ith(self._context, row)
        logits = np.ctypeslib.as_array(pointer, shape=(self._size,)).astype(np.float64)
        highest = logits.max()
        return float(highest + np.log(np.exp(logits - highest).sum()) - logits[token])

    def _hear(self, level: int, text: bytes, _: Any) -> None:
        if level == _ERROR:
            self._complaints = [*self._complaints[-4:], text.decode("utf-8", "replace").strip()]

    def _reason(self) -> str:
        first = next((line for line in self._complaints if line), "llama.cpp gave no reason")
        return first.rpartition("error loading model: ")[2]
