"""From shares and similarities to one score. How the constants were found: docs/search.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingest.matching import Shares

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WEIGHTS: Final[Mapping[str, float]] = {
    "words": 4.0,
    "passage": 1.0,
    "sentence": 2.0,
    "neighbours": 1.0,
    "grams": 2.0,
    "runs": 1.0,
    "characters": 1.0,
}
"""What each share counts for. Most can be doubled or halved without much loss: that they are many is what helps."""
OF_JAPANESE: Final = ("grams", "runs", "characters")
"""Shares that speak for the Japanese of a query alone."""
MEANING: Final = 0.08
"""What one standard deviation of similarity is worth beside the words, which are 0 to 1."""
UNREAD: Final = (0.6, 5.0)
"""Similarity, in standard deviations, that goes with no word and with all words in common."""


@dataclass(frozen=True, slots=True)
class Background:
    """How similar an embedder finds passages that have nothing to do with one another.

    Embedders differ: of some all similarities lie above 0.7. In standard deviations above the mean they compare.

    Attributes:
        mean: Mean cosine similarity.
        spread: Its standard deviation.
    """

    mean: float
    spread: float

    @classmethod
    def of(cls, vectors: "NDArray[np.float32]") -> "Background":
        """From unit vectors of passages, shape (number, dimensions)."""
        import numpy as np

        similarities = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
        return cls(float(similarities.mean()), max(float(similarities.std()), 0.01))


USUAL: Final = Background(mean=0.03, spread=0.1)
"""Of all-MiniLM-L6-v2 over the paragraphs of XQuAD: stands in where there are few vectors to tell from."""


def by_words(shares: Shares, japanese: float) -> float:
    """The score of the lexical arm, 0 to 1.

    Args:
        shares: Of the query in a passage.
        japanese: What bigrams, runs and characters can speak for, 0 to 1.
    """
    score = total = 0.0
    for name, weight in WEIGHTS.items():
        counted = weight * japanese if name in OF_JAPANESE else weight
        score += counted * float(getattr(shares, name))
        total += counted
    return score / total


def fused(words: float, similarity: float | None, background: Background) -> float:
    """The score of a passage that both arms vote on.

    Args:
        words: Of the lexical arm.
        similarity: Cosine similarity to the query; None where the embedder does not read the passage's language.
            What usually goes with such a lexical score stands in, so that the passage neither gains nor loses.
        background: Of the embedder.
    """
    low, high = UNREAD
    deviations = (
        low + (high - low) * words
        if similarity is None
        else (similarity - background.mean) / background.spread
    )
    return words + MEANING * deviations
