"""What search weighs: the numbers of a score that settings may change. How they were found: docs/search.md."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """What counts for how much in the score of a passage.

    Most shares can be doubled or halved without much loss: that they are many is what helps.

    Attributes:
        words: Of the share of this name, see `ingest.matching.Shares`.
        passage: The same.
        sentence: The same.
        neighbours: The same.
        grams: The same; speaks for the Japanese of a query alone, as the next two.
        runs: The same.
        characters: The same.
        meaning: What one standard deviation of similarity is worth beside the words, which are 0 to 1.
        candidates: Passages of each arm that are scored; what lies behind them keeps the score that found it.
    """

    words: float = 4.0
    passage: float = 1.0
    sentence: float = 2.0
    neighbours: float = 1.0
    grams: float = 2.0
    runs: float = 1.0
    characters: float = 1.0
    meaning: float = 0.08
    candidates: int = 40


SHARES: Final = ("words", "passage", "sentence", "neighbours", "grams", "runs", "characters")
"""The fields that weigh a share of the query."""
OF_JAPANESE: Final = ("grams", "runs", "characters")
"""Shares that speak for the Japanese of a query alone."""
USUAL: Final = Weighing()
