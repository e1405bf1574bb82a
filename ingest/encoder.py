"""Many texts to vectors, in the way that is quickest on this machine among those that give equal vectors."""

import copy
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

EQUAL: Final = 0.999
"""Least cosine between a text's vector and the one in single precision for a way to count as equal."""
PROBED: Final = 128
"""Number of texts from which on it pays to look for a quicker way, which takes about a second."""
_SAMPLE: Final = 8
_FAR: Final = 1.8
"""A way that is quicker by so much is taken without a look at the others, as looking takes time too."""
_BATCH_CHARACTERS: Final = 4_000
"""About a thousand tokens: with more, what is between two layers no longer fits into the processor's cache."""
_LONGEST_EAGER: Final = 512
"""Tokens up to which attention is quicker without the kernel that saves memory."""


class Encoder:
    """Encodes texts with a sentence-transformers model, one batch a core.

    Args:
        model: A `SentenceTransformer` on the CPU.
        limit: Tokens that it reads of a text, None where it has no limit.
    """

    def __init__(self, model: Any, limit: int | None) -> None:
        self._model = model
        self._limit = limit
        self._way: Any = None
        self._seen = 0
        self._tokenizing = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors, shape (len(texts), dimensions)."""
        order = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        self._seen += len(texts)
        if self._way is None and self._seen >= PROBED:
            self._way = self._quickest([texts[i] for i in order[:: max(1, len(order) // _SAMPLE)]][:_SAMPLE])
        model = self._way or self._model
        batches = list(_batches(order, texts))
        # a thread for each core with one batch each: when the cores have other work too, threads that share a
        # batch wait for one another after every layer
        with ThreadPoolExecutor(min(_cores(), len(batches)) or 1, initializer=_one_thread) as pool:
            made = list(pool.map(lambda batch: self._forward(model, [texts[i] for i in batch]), batches))
        rows = np.concatenate(made) if made else np.zeros((0, 0), dtype=np.float32)
        vectors = np.empty_like(rows)
        vectors[order] = rows
        return vectors

    def encode_one(self, text: str) -> Matrix:
        """One unit vector in single precision, shape (dimensions,)."""
        vector: Matrix = self._forward(self._model, [text])[0]
        return vector

    def _forward(self, model: Any, texts: list[str]) -> Matrix:
        import torch

        with self._tokenizing:  # one tokenizer must not be used by two threads at once
            features = self._model.preprocess(texts)
        with torch.inference_mode():
            found = model(features)["sentence_embedding"].float()
            return np.asarray(torch.nn.functional.normalize(found, dim=1).numpy(), dtype=np.float32)

    def _quickest(self, sample: list[str]) -> Any:
        """The model, or a copy of it that gives equal vectors in less time."""
        with ThreadPoolExecutor(1, initializer=_one_thread) as pool:
            return pool.submit(self._probe, sample).result()

    def _probe(self, sample: list[str]) -> Any:
        expected, usual = self._timed(self._model, sample)
        best, least = self._model, usual
        for make in _WAYS:
            try:
                made = make(self._model, self._limit)
                vectors, seconds = self._timed(made, sample)
            except Exception:  # noqa: S112 - a model may hold layers that a way does not know; then it is none
                continue
            if seconds < least and float((vectors * expected).sum(axis=1).min()) >= EQUAL:
                best, least = made, seconds
            if least < usual / _FAR:
                break
        return best

    def _timed(self, model: Any, sample: list[str]) -> tuple[Matrix, float]:
        """Vectors of the sample, and the seconds of this thread, which is the only one that works on them."""
        self._forward(model, sample[-1:])  # the first run also lays out the weights
        started = time.thread_time()
        vectors = self._forward(model, sample)
        return vectors, time.thread_time() - started


def _packed(model: Any, limit: int | None) -> Any:
    """Single precision with the weights laid out for oneDNN, which is quicker than MKL on some processors."""
    from torch.utils.mkldnn import to_mkldnn

    return to_mkldnn(copy.deepcopy(model).eval())  # type: ignore[no-untyped-call]


def _halved(model: Any, limit: int | None) -> Any:
    """bfloat16, which processors with AMX or AVX-512 multiply several times as fast."""
    import torch

    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        raise NotImplementedError  # it would run, and take minutes
    made = copy.deepcopy(model).to(torch.bfloat16)
    if limit is not None and limit <= _LONGEST_EAGER:
        for module in made.modules():
            if hasattr(module, "set_attn_implementation"):
                module.set_attn_implementation("eager")
                break
    return made


_WAYS: Final[tuple[Callable[[Any, int | None], Any], ...]] = (_halved, _packed)


def _batches(order: Sequence[int], texts: Sequence[str]) -> Iterator[list[int]]:
    """Texts of like length together, about `_BATCH_CHARACTERS` in each; every one costs as much as the longest."""
    batch: list[int] = []
    for index in order:
        if batch and (len(batch) + 1) * max(len(texts[batch[0]]), 1) > _BATCH_CHARACTERS:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
