"""From shares and similarities to one score. How the constants were found: docs/search.md."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingest.matching import Shares
from ingest.weighing import OF_JAPANESE, SHARES, Weighing
from ingest.weighing import USUAL as USUAL_WEIGHING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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


def by_words(shares: Shares, japanese: float, weighing: Weighing = USUAL_WEIGHING) -> float:
    """The score of the lexical arm, 0 to 1.

    Args:
        shares: Of the query in a passage.
        japanese: What bigrams, runs and characters can speak for, 0 to 1.
        weighing: What each share counts for.
    """
    score = total = 0.0
    for name in SHARES:
        weight: float = getattr(weighing, name)
        counted = weight * japanese if name in OF_JAPANESE else weight
        score += counted * float(getattr(shares, name))
        total += counted
    return score / total if total else 0.0


def fused(
    words: float, similarity: float | None, background: Background, meaning: float = USUAL_WEIGHING.meaning
) -> float:
    """The score of a passage that both arms vote on.

    Args:
        words: Of the lexical arm.
        similarity: Cosine similarity to the query; None where the embedder does not read the passage's language.
            What usually goes with such a lexical score stands in, so that the passage neither gains nor loses.
        background: Of the embedder.
        meaning: What one standard deviation of similarity is worth.
    """
    low, high = UNREAD
    deviations = (
        low + (high - low) * words
        if similarity is None
        else (similarity - background.mean) / background.spread
    )
    return words + meaning * deviations
