"""The lexical arm: BM25 over `postings`, words and character bigrams each by itself.

BM25 as in Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), with the inverse document
frequency ln(1 + (N - n + 0.5) / (n + 0.5)), which is never negative.
"""

from dataclasses import dataclass
from math import log
from typing import Final

from ingest.filters import Chunks
from ingest.store import Store
from terakoya.text.analyser import Analyser

K1: Final = 1.2
B: Final = 0.4
"""Weak normalisation by length: chunks are cut to similar sizes already. Measured best on JSQuAD in 0.3 to 0.75."""

_FREQUENCIES: Final = """
    SELECT field, term, count(*)
    FROM postings
    WHERE (field = 0 AND term IN (SELECT unnest($words))) OR (field = 1 AND term IN (SELECT unnest($grams)))
    GROUP BY field, term
"""

_SCORES: Final = """
    WITH query AS (
        SELECT unnest($fields)::TINYINT AS field, unnest($terms) AS term, unnest($idf) AS idf
    ), matched AS (
        SELECT p.field, p.chunk, p.count, query.idf,
               CASE WHEN p.field = 0 THEN c.words / $words ELSE c.grams / $grams END AS length
        FROM postings p JOIN query ON p.field = query.field AND p.term = query.term JOIN chunks c ON c.id = p.chunk
        {only}
    )
    SELECT chunk, field, sum(idf * count * ($k1 + 1) / (count + $k1 * (1 - $b + $b * length))) AS score
    FROM matched GROUP BY chunk, field
    QUALIFY row_number() OVER (PARTITION BY field ORDER BY score DESC, chunk) <= $k
"""


@dataclass(frozen=True, slots=True)
class LexicalScores:
    """BM25 scores of one query.

    Attributes:
        words: Score by chunk over words.
        grams: Score by chunk over character bigrams.
        idf: Inverse document frequency of the query's words; those that stand nowhere have the highest.
        gram_weight: What bigrams count for beside words, 0 to 1.
    """

    words: dict[int, float]
    grams: dict[int, float]
    idf: dict[str, float]
    gram_weight: float


class LexicalIndex:
    """BM25 over the postings of a store."""

    def __init__(self, store: Store, analyser: Analyser) -> None:
        self._store = store
        self._analyser = analyser

    def search(self, query: str, k: int, only: Chunks | None = None) -> LexicalScores:
        """The `k` best chunks by words and by bigrams, among `only` these."""
        terms = self._analyser.query(query)
        words, grams = terms.words, terms.grams
        if not words and not grams:
            return LexicalScores({}, {}, {}, 0.0)
        ((chunks, mean_words, mean_grams),) = self._store.rows(
            "SELECT count(*), avg(words), avg(grams) FROM chunks"
        )
        frequencies = self._store.rows(_FREQUENCIES, {"words": list(words), "grams": list(grams)})
        idf = {(field, term): log(1 + (chunks - n + 0.5) / (n + 0.5)) for field, term, n in frequencies}
        unseen = log(1 + (chunks + 0.5) / 0.5)
        by_field: dict[int, dict[int, float]] = {0: {}, 1: {}}
        if idf:
            rows = self._store.rows(
                _SCORES.format(only=f"WHERE p.chunk IN ({only.sql})" if only else ""),
                {
                    **(only.values if only else {}),
                    "fields": [field for field, _ in idf],
                    "terms": [term for _, term in idf],
                    "idf": [
                        weight * (words if field == 0 else grams)[term]
                        for (field, term), weight in idf.items()
                    ],
                    "words": max(mean_words or 0.0, 1.0),
                    "grams": max(mean_grams or 0.0, 1.0),
                    "k1": K1,
                    "b": B,
                    "k": k,
                },
            )
            for chunk, field, score in rows:
                by_field[field][chunk] = score
        weights = {word: idf.get((0, word), unseen) for word in words}
        return LexicalScores(by_field[0], by_field[1], weights, terms.japanese)
