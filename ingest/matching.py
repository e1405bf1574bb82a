"""How much of a query stands in a passage, seen in seven ways, each a share of the query from 0 to 1.

Neighbours are the ordered pairs of Metzler and Croft, "A Markov Random Field Model for Term Dependencies" (2005).
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum
from typing import Final

from ingest.sequence import TermSequence
from terakoya.text.analyser import Token, TokenKind
from terakoya.text.language import JAPANESE
from terakoya.text.normalise import fold

RUN: Final = 4
"""Characters of a run: long enough that 第45回 and a compound stand in one."""
_MOST_RUNS: Final = 256
"""Of a query that is a document rather than a question, no more are looked for."""
_BREAKS: Final = re.compile(r"[\s、。，．「」『』（）()・,.?!:;\[\]【】〈〉《》~〜\"'’/|]+")

_CHINESE: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")

KIND_WEIGHTS: Final[Mapping[TokenKind, float]] = {
    "name": 2.0,
    "number": 1.5,
    "latin": 1.5,
    "noun": 1.0,
    "weak": 0.6,
    "predicate": 0.5,
    "affix": 0.4,
    "question": 1.0,
}
"""What a term counts for beside its rarity: names and numbers are what a question is about, verbs are often
said in another way. English function words are `weak` beside `latin`. See docs/search.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighedQuery:
    """A query as a store weighs it.

    Attributes:
        words: Weight of each term, its rarity times that of its kind.
        pairs: Weight of terms that follow one another, the mean of both.
        runs: Longer runs of characters around its Japanese words.
        characters: The Chinese characters of its words: 隣国 and 隣の国 have two in common.
        japanese: What bigrams, runs and characters can speak for beside words, 0 to 1.
    """

    words: Mapping[str, float]
    pairs: Mapping[tuple[str, str], float]
    runs: Sequence[str]
    characters: frozenset[str]
    japanese: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the index alone tells of how much of a query stands in a passage, each 0 to 1.

    Attributes:
        words: BM25 over words.
        grams: BM25 over character bigrams.
        passage: Of the weight of its terms, what stands anywhere.
    """

    words: float
    grams: float
    passage: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares(Held):
    """The same with what the order of the passage's text tells.

    Attributes:
        sentence: What stands in one sentence, or above it.
        neighbours: What stands one behind the other, as in the query.
        runs: Of its runs of characters, how many stand there.
        characters: Of its Chinese characters, how many stand there.
    """

    sentence: float
    neighbours: float
    runs: float
    characters: float


def kind_weights(tokens: Iterable[Token]) -> dict[str, float]:
    """For each term what its kind counts for; one that is of several kinds has the weightiest."""
    weights: dict[str, float] = {}
    for token in tokens:
        weights[token.form] = max(KIND_WEIGHTS[token.kind], weights.get(token.form, 0.0))
    return weights


def pairs_of(tokens: Sequence[Token], weights: Mapping[str, float]) -> dict[tuple[str, str], float]:
    """Terms that follow one another, of those that have a weight; a part does not follow its whole."""
    return {
        (a.form, b.form): (weights[a.form] + weights[b.form]) / 2
        for a, b in pairwise(tokens)
        if a.form != b.form and b.start >= a.end and a.form in weights and b.form in weights
    }


def runs_of(text: str) -> list[str]:
    """The runs of `RUN` characters of a query, within marks and spaces, where there is Japanese."""
    found: dict[str, None] = {}
    for piece in _BREAKS.split(fold(text)):
        if JAPANESE.search(piece):
            found.update(dict.fromkeys(piece[at : at + RUN] for at in range(len(piece) - RUN + 1)))
    return list(found)[:_MOST_RUNS]


def characters_of(tokens: Iterable[Token]) -> frozenset[str]:
    """The Chinese characters of terms; the mark of repetition is none."""
    return frozenset(_CHINESE.findall("".join(token.surface for token in tokens)))


def match(query: WeighedQuery, held: Held, terms: TermSequence, text: str) -> Shares:
    """How much of `query` stands in a passage.

    Args:
        query: The query.
        held: What the index tells of it.
        terms: Those of the passage.
        text: Of the passage with what stands above it, folded.
    """
    total = fsum(query.words.values()) or 1.0
    above = query.words.keys() & terms.context
    within = (query.words.keys() & sentence for sentence in terms.sentences)
    return Shares(
        words=held.words,
        grams=held.grams,
        passage=held.passage,
        sentence=max((fsum(query.words[form] for form in above | here) for here in within), default=0.0)
        / total,
        neighbours=_neighbours(query, (terms.context, *terms.sentences)) / total,
        runs=_part(query.runs, text),
        characters=_part(query.characters, text),
    )


def _part(wanted: Collection[str], text: str) -> float:
    return sum(each in text for each in wanted) / len(wanted) if wanted else 0.0


def _neighbours(query: WeighedQuery, lines: Iterable[Sequence[str]]) -> float:
    if not query.pairs:
        return 0.0
    found: set[tuple[str, str]] = set()
    for line in lines:
        found.update(pair for pair in pairwise(line) if pair in query.pairs)
    return fsum(query.pairs[pair] for pair in found)
