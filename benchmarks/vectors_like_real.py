"""As many vectors as are wanted, distributed like the embeddings of a sample of real text.

What makes a search for neighbours easy or hard is how the similarities to a query are spread, and how much nearer the
nearest ones are than all the others. Independent Gaussian numbers are far harder than embeddings: nothing is near.
Here, mean and covariance are those of the sample, and the points are the leaves of a tree: each level adds a step to
its parent, so that there are topics, topics within them, and near twins. Variances of the steps are shares of the
sample's; the shares were chosen on 100,000 embeddings of English sentences so that the similarity of the nearest, the
tenth and the hundredth neighbour grows with the number of vectors as it does there. `benchmarks.search` shows beside
each other what it measures on the sample and on as many vectors made like it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

BRANCHES: Final = 4
"""Children of a node in the mean; which parent a node has is left to chance, so topics differ in size."""
LEVELS: Final = 9
TOPICS: Final = 0.08
STEP: Final = 0.075
"""Shares of the variance: of the first level, and of each further one. The rest is a point's own."""
_PAGE: Final = 20_000


@dataclass(frozen=True, slots=True)
class Likeness:
    """What of a sample is kept.

    Attributes:
        mean: Of its vectors.
        axes: Principal axes as rows, each as long as the standard deviation along it.
    """

    mean: Vectors
    axes: Vectors

    @classmethod
    def of(cls, sample: Vectors) -> "Likeness":
        """Of a few thousand unit vectors, better ten times as many as they have numbers."""
        mean = sample.mean(axis=0, dtype=np.float64)
        variances, axes = np.linalg.eigh(np.cov(sample.T.astype(np.float64)))
        lengths = np.sqrt(np.maximum(variances, 0.0))
        return cls(mean.astype(np.float32), (axes * lengths).T.astype(np.float32))

    def write(self, file: Path, count: int, beyond: int, seed: int = 0) -> Vectors:
        """Writes `count` unit vectors as a `.npy` file, a page at a time; returns so many `beyond` them."""
        out = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=(count, len(self.mean)))
        rest = []
        at = 0
        for page in self.pages(count + beyond, seed):
            kept = page[: max(0, count - at)]
            out[at : at + len(kept)] = kept
            rest.append(page[len(kept) :])
            at += len(kept)
        out.flush()
        return np.concatenate(rest)

    def pages(self, count: int, seed: int = 0) -> Iterator[Vectors]:
        """The same vectors in pieces; the tree, too, depends on the seed."""
        chance = np.random.default_rng(seed)
        width = len(self.axes)
        nodes = _steps(chance, BRANCHES, width, TOPICS)
        for level in range(2, LEVELS + 1):
            parents = nodes[chance.integers(0, len(nodes), BRANCHES**level)]
            nodes = parents + _steps(chance, len(parents), width, STEP)
        nodes -= nodes.mean(axis=0)
        own = 1 - TOPICS - STEP * (LEVELS - 1)
        for at in range(0, count, _PAGE):
            size = min(_PAGE, count - at)
            page = nodes[chance.integers(0, len(nodes), size)] + _steps(chance, size, width, own)
            page = page @ self.axes + self.mean
            yield page / np.linalg.norm(page, axis=1, keepdims=True)


def questions_about(vectors: Vectors, count: int, similarity: float, seed: int = 0) -> Vectors:
    """Unit vectors with this similarity to some of `vectors`, off it in a direction in which vectors differ."""
    chance = np.random.default_rng(seed)
    about, one, apart = (chance.integers(low, len(vectors), count) for low in (0, 0, 1))
    nearest = vectors[about]
    away = vectors[one] - vectors[(one + apart) % len(vectors)]
    away -= (away * nearest).sum(axis=1, keepdims=True) * nearest
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    asked: Vectors = (similarity * nearest + np.sqrt(1 - similarity**2) * away).astype(np.float32)
    return asked


def _steps(chance: np.random.Generator, count: int, width: int, share: float) -> Vectors:
    return chance.standard_normal((count, width), dtype=np.float32) * np.float32(np.sqrt(share))
