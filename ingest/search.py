"""Search: lexical and vector arm, fused by what each can be trusted with."""

from collections.abc import Mapping, Sequence
from typing import Final

from ingest.filters import chunks_of
from ingest.lexical import LexicalIndex, LexicalScores
from ingest.store import Store
from ingest.vectors import Vectors
from terakoya.errors import BadInput
from terakoya.text.analyser import Analyser
from terakoya.text.language import language_of
from terakoya.text.normalise import printable
from terakoya.text.sentences import sentence_spans
from terakoya.types import Arm, Filter, Hit, Passage, Ranking

LONGEST_QUERY: Final = 20_000
"""Code points; a longer query is a document, not a question."""
CANDIDATES: Final = 100
RESCORED: Final = 30
SENTENCE_WEIGHT: Final = 0.4
VECTOR_WEIGHT: Final = 0.5


class HybridRetriever:
    """Ranks the chunks of a store. Safe in several threads.

    Words and character bigrams are scored apart, each divided by its best score and summed; the best
    candidates are scored again by the share of the question's idf weight in their best sentence. The vector
    arm votes only on text in a language that its embedder reads, for queries in such a language; on other
    text the lexical score stands in for it, so that an embedder neither lifts nor sinks what it cannot read.
    """

    def __init__(self, store: Store, analyser: Analyser, vectors: Vectors | None) -> None:
        self._store = store
        self._analyser = analyser
        self._vectors = vectors
        self._lexical = LexicalIndex(store, analyser)

    def search(self, query: str, *, k: int = 10, filter: Filter | None = None) -> Ranking:
        """The `k` best passages among those that `filter` lets through, best first.

        Raises:
            BadInput: The query is empty or too long, or `k` is below 1.
        """
        text = printable(query).strip()
        if not text:
            raise BadInput("query_empty")
        if len(text) > LONGEST_QUERY:
            raise BadInput("query_long", length=len(text), limit=LONGEST_QUERY)
        if k < 1:
            raise BadInput("k_small", k=k)
        wanted = max(CANDIDATES, min(k, 1_000_000))
        only = chunks_of(filter, self._store)
        scores = self._lexical.search(text, wanted, only)
        lexical = _lexical_scores(scores)
        arms: list[Arm] = ["lexical"]
        vector: dict[int, float] = {}
        if self._vectors and self._vectors.readable(language_of(text)):
            vector = self._vectors.search(text, wanted, only)
            if vector:
                arms.append("vector")
        first = self._fuse(lexical, vector, {})
        top = sorted(first, key=lambda chunk: (-first[chunk], chunk))[: max(wanted, RESCORED)]
        passages = self._store.passages_by_row(top[: max(k, RESCORED)])
        rescored = self._sentence_shares(
            scores.idf, [(c, passages[c]) for c in top[:RESCORED] if c in passages]
        )
        lexical = {c: s + SENTENCE_WEIGHT * rescored.get(c, 0.0) for c, s in lexical.items()}
        fused = self._fuse(lexical, vector, passages)
        best = sorted((c for c in fused if c in passages), key=lambda chunk: (-fused[chunk], chunk))[:k]
        by_arm: dict[Arm, Mapping[int, float]] = {"lexical": lexical, "vector": vector}
        hits = tuple(
            Hit(
                passage=passages[chunk],
                score=round(fused[chunk], 6),
                arms={arm: round(values[chunk], 6) for arm, values in by_arm.items() if chunk in values},
            )
            for chunk in best
        )
        return Ranking(query=query, hits=hits, arms=tuple(arms))

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """The passages with these ids, in this order; those that are gone are left out."""
        return self._store.passages(ids)

    def _fuse(
        self, lexical: Mapping[int, float], vector: Mapping[int, float], passages: Mapping[int, Passage]
    ) -> dict[int, float]:
        if not vector:
            return dict(lexical)
        best_lexical = max(lexical.values(), default=1.0) or 1.0
        ordered = sorted(vector.values(), reverse=True)
        floor, best = ordered[-1], ordered[0]
        span = (best - floor) or 1.0
        fused = {}
        for chunk in {**lexical, **vector}:
            by_words = lexical.get(chunk, 0.0) / best_lexical
            passage = passages.get(chunk)
            if chunk in vector:
                by_meaning = max(0.0, (vector[chunk] - floor) / span)
            elif passage and self._vectors and not self._vectors.readable(passage.language):
                by_meaning = by_words
            else:
                by_meaning = 0.0
            fused[chunk] = (1 - VECTOR_WEIGHT) * by_words + VECTOR_WEIGHT * by_meaning
        return fused

    def _sentence_shares(
        self, idf: Mapping[str, float], candidates: Sequence[tuple[int, Passage]]
    ) -> dict[int, float]:
        """For each candidate the largest share of the question's idf weight that stands in one sentence."""
        total = sum(idf.values())
        if not total:
            return {}
        shares = {}
        for chunk, passage in candidates:
            best = 0.0
            for start, end in sentence_spans(passage.text):
                forms = {token.form for token in self._analyser.tokens(passage.text[start:end])}
                best = max(best, sum(weight for term, weight in idf.items() if term in forms))
            shares[chunk] = best / total
        return shares


def _lexical_scores(scores: LexicalScores) -> dict[int, float]:
    """Words and bigrams, each divided by its best score, averaged by what each can speak for."""
    arms = [(arm, weight) for arm, weight in ((scores.words, 1.0), (scores.grams, scores.gram_weight)) if arm]
    total = sum(weight for _, weight in arms) or 1.0
    combined: dict[int, float] = {}
    for arm, weight in arms:
        best = max(arm.values()) or 1.0
        for chunk, score in arm.items():
            combined[chunk] = combined.get(chunk, 0.0) + weight * score / best / total
    return combined
