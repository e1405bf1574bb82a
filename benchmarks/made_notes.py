"""English-looking notes with as many different words as real ones have, and questions that one passage of them answers.

The words are made of syllables; how often each one comes follows Zipf's law. A note is about one of some hundred topics
with words of their own, so a question's words stand in many passages, and all of them in few. Sentences from
`benchmarks.corpus` would not do: they are put together from two hundred words, each of which stands everywhere.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

VOCABULARY: Final = 60_000
TOPICS: Final = 500
OF_TOPIC: Final = 2_000
"""Words of a topic."""
SECTIONS: Final = 8
"""Of a note; each becomes one passage."""
SHARE: Final = 0.4
"""Of the words of a text that are its topic's."""
ASKED: Final = 5
"""Words of a question; one of them stands somewhere else."""
_EXPONENT: Final = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Some words of a passage.

    Attributes:
        text: As it is asked.
        terms: As the analyser sees it.
        item: Number of the passage.
    """

    text: str
    terms: list[str]
    item: int


class NoteMaker:
    """Makes notes; the same number gives the same note."""

    def note(self, number: int) -> str:
        """Markdown with a heading for each passage."""
        chance = np.random.default_rng(number)
        topic = int(chance.integers(TOPICS))
        parts = [f"# {self._phrase(chance, topic, 3)}"]
        for _ in range(SECTIONS):
            sentences = [
                f"{self._phrase(chance, topic, int(chance.integers(7, 17))).capitalize()}."
                for _ in range(int(chance.integers(4, 12)))
            ]
            parts += [f"## {self._phrase(chance, topic, 2)}", " ".join(sentences)]
        return "\n\n".join(parts) + "\n"

    def asked(self, text: str, number: int) -> str:
        """A question that the passage with this text answers."""
        chance = np.random.default_rng((number, 1))
        words = [word.strip(".").lower() for word in text.split() if word.strip(".").isalpha()]
        kept = list(dict.fromkeys(words))
        chosen = [kept[at] for at in chance.choice(len(kept), min(ASKED - 1, len(kept)), replace=False)]
        return " ".join([*chosen, self._words[int(chance.integers(VOCABULARY))]])

    def _phrase(self, chance: np.random.Generator, topic: int, length: int) -> str:
        own = chance.random(length) < SHARE
        common = np.searchsorted(self._all, chance.random(length))
        # each topic's words are spread over the vocabulary in an order of its own
        special = (np.searchsorted(self._few, chance.random(length)) * 7919 + topic * 104_729) % VOCABULARY
        return " ".join(self._words[at] for at in np.where(own, special, common).tolist())

    @cached_property
    def _all(self) -> NDArray[np.float64]:
        return _zipf(VOCABULARY)

    @cached_property
    def _few(self) -> NDArray[np.float64]:
        return _zipf(OF_TOPIC)

    @cached_property
    def _words(self) -> list[str]:
        syllables = ["".join(each) for each in product("bdfgklmnprstvz", "aeiou")]
        words = ["".join(each) for length in (2, 3) for each in product(syllables, repeat=length)]
        chosen = np.random.default_rng(0).permutation(len(words))[:VOCABULARY]
        return [words[at] for at in chosen]


def encoded(questions: list[Question]) -> str:
    """As JSON, for the contestants."""
    return json.dumps([{"text": each.text, "terms": each.terms, "item": each.item} for each in questions])


def _zipf(count: int) -> NDArray[np.float64]:
    """Share of the words up to each rank."""
    shares = 1 / (np.arange(count) + 2.7) ** _EXPONENT
    upto: NDArray[np.float64] = np.cumsum(shares) / shares.sum()
    return upto
