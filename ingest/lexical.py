"""The lexical arm: the passages that hold terms of a query, words and character bigrams, ranked by BM25.

BM25 as in Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009). Each field is divided by what it
gives a passage that repeats every term of the query without end, so that both are shares from 0 to 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.database import Derived
from ingest.filters import Chunks
from ingest.matching import Held, WeighedQuery, characters_of, kind_weights, pairs_of, runs_of
from ingest.postings import GRAMS, WORDS, code
from ingest.store import Store
from terakoya.text.analyser import Analyser
from terakoya.text.language import language_of

K1: Final = 0.9
B: Final = 0.6
"""Constants of BM25. How they were found: docs/search.md."""
SMALLEST_SHARE: Final = 0.1
"""Of a store with few notes in the query's language, this share counts as such."""
MOST_TERMS: Final = 256
"""Of a query that is a document rather than a question, no more terms of each field are looked up."""
_WIDEST: Final = 2**24
"""Numbers of chunks that lie no further apart are sorted by an array over all between them."""

_SIZES: Final = "SELECT language, count(*), sum(words), sum(grams) FROM chunks GROUP BY language"
_OCCURRENCES: Final = """
    SELECT term, chunk, count, length FROM occurrences WHERE term IN (SELECT unnest($codes))
"""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Occurrences:
    """The passages that hold terms of a query, and how much of it each holds.

    Attributes:
        query: The query as the store weighs it.
    """

    def __init__(
        self, query: WeighedQuery, chunks: Integers, words: Floats, grams: Floats, passage: Floats
    ) -> None:
        """Arrays of equal length, the chunks in ascending order; see `Held` for the shares."""
        self.query = query
        self._chunks = chunks
        self._shares = words, grams, passage

    def best(self, k: int) -> dict[int, float]:
        """The `k` best chunks, best first: by words, and by bigrams as far as they can speak for the query."""
        words, grams, _ = self._shares
        scores = words + self.query.japanese * grams
        if k < len(scores):
            last = np.partition(scores, len(scores) - k)[len(scores) - k]
            chosen = np.flatnonzero(scores >= last)
        else:
            chosen = np.arange(len(scores))
        order = chosen[np.lexsort((self._chunks[chosen], -scores[chosen]))][:k]
        return dict(zip(self._chunks[order].tolist(), scores[order].tolist(), strict=True))

    def held(self, chunks: Sequence[int]) -> dict[int, Held]:
        """What these chunks hold of the query."""
        wanted = np.asarray(chunks, dtype=np.int64)
        places = np.searchsorted(self._chunks, wanted)
        places[places == len(self._chunks)] = 0
        known = self._chunks[places] == wanted if len(self._chunks) else np.zeros(len(wanted), dtype=np.bool_)
        nothing = Held(words=0.0, grams=0.0, passage=0.0)
        if not known.any():
            return dict.fromkeys(chunks, nothing)
        words, grams, passage = (share[places].tolist() for share in self._shares)
        return {
            chunk: Held(words=words[at], grams=grams[at], passage=passage[at]) if known[at] else nothing
            for at, chunk in enumerate(chunks)
        }


@dataclass(frozen=True, slots=True)
class _Sizes:
    """What all queries need of a store."""

    chunks: Mapping[str, int]
    total: int
    words: float
    grams: float


class LexicalIndex:
    """BM25 over the postings of a store. Safe in several threads."""

    def __init__(self, store: Store, analyser: Analyser) -> None:
        self._store = store
        self._analyser = analyser
        self._sizes = Derived(store, self._measured)

    def find(self, query: str, only: Chunks | None = None) -> Occurrences:
        """The passages that hold terms of `query`, among `only` these.

        The rarity of a term is ln(1 + (N - n + 0.5) / (n + 0.5)) for `n` passages of `N` that hold it. `N`
        counts the passages in the query's language: beside many Japanese notes, "the" is as common as ever.
        """
        asked = self._analyser.query(query)
        kinds = kind_weights(asked.tokens)
        words = sorted(kinds, key=lambda form: -kinds[form])[:MOST_TERMS]
        grams = list(islice(asked.grams, MOST_TERMS))
        codes = np.array([code(WORDS, form) for form in words] + [code(GRAMS, gram) for gram in grams])
        rows = self._store.columns(_OCCURRENCES, {"codes": codes.tolist()}) if len(codes) else {}
        terms = places_of(codes, rows["term"]) if len(codes) else np.zeros(0, dtype=np.int64)
        sizes = self._sizes()
        size = max(sizes.chunks.get(language_of(query), 0), SMALLEST_SHARE * sizes.total)
        held_by = np.bincount(terms, minlength=len(codes))
        rarity = np.log(1 + (np.maximum(size - held_by, 0.0) + 0.5) / (held_by + 0.5))
        weights = {form: kinds[form] * float(rarity[at]) for at, form in enumerate(words)}
        weighed = WeighedQuery(
            words=weights,
            pairs=pairs_of(asked.tokens, weights),
            runs=runs_of(query),
            characters=characters_of(asked.tokens),
            japanese=asked.japanese if grams else 0.0,
        )
        if not len(terms):
            nothing = np.zeros(0)
            return Occurrences(weighed, np.zeros(0, dtype=np.int64), nothing, nothing, nothing)
        of_words = np.array([weights[form] * asked.words[form] for form in words] + [0.0] * len(grams))
        of_grams = np.array([0.0] * len(words) + [float(asked.grams[gram]) for gram in grams]) * rarity
        of_passage = np.array([*weights.values()] + [0.0] * len(grams))
        chunks, counts, lengths = (np.ascontiguousarray(rows[name]) for name in ("chunk", "count", "length"))
        if only:
            inside = np.isin(chunks, only.numbers(self._store))
            terms, chunks, counts, lengths = terms[inside], chunks[inside], counts[inside], lengths[inside]
        mean = np.where(terms < len(words), sizes.words, sizes.grams)
        saturated = counts / (counts + K1 * (1 - B + B * lengths / mean))
        numbers, at = numbered(chunks)
        shares = [
            np.bincount(at, share[terms] * factor, minlength=len(numbers)) / (share.sum() or 1.0)
            for share, factor in ((of_words, saturated), (of_grams, saturated), (of_passage, 1.0))
        ]
        return Occurrences(weighed, numbers, *shares)

    def _measured(self) -> _Sizes:
        rows = self._store.rows(_SIZES)
        total = sum(row[1] for row in rows)
        return _Sizes(
            {language: n for language, n, _, _ in rows},
            total,
            max(sum(row[2] for row in rows) / (total or 1), 1.0),
            max(sum(row[3] for row in rows) / (total or 1), 1.0),
        )


def places_of(wanted: Integers, found: Integers) -> Integers:
    """For each of `found` its place in `wanted`."""
    order = np.argsort(wanted)
    places: Integers = order[np.searchsorted(wanted[order], found)]
    return places


def numbered(chunks: Integers) -> tuple[Integers, Integers]:
    """The chunks in ascending order, each once, and where among them each of `chunks` is."""
    if not len(chunks):
        return chunks, chunks
    low = int(chunks.min())
    width = int(chunks.max()) - low + 1
    if width > _WIDEST:
        return np.unique(chunks, return_inverse=True)
    seen = np.zeros(width, dtype=np.bool_)
    seen[chunks - low] = True
    return np.flatnonzero(seen) + low, (np.cumsum(seen) - 1)[chunks - low]
