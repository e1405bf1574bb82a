"""What a reranker may do to a ranking, and how long it may take for it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from ingest.plain import plain
from terakoya.protocols import Reranker, Retriever
from terakoya.text.language import language_of
from terakoya.types import Filter, Hit, Passage, Ranking

DEPTH: Final = 32
"""Hits that are read again at most: what stands further behind is seldom what was asked for."""
BATCH: Final = 4
"""Hits that are read at once; between two batches the clock is looked at."""
TRUST: Final = 0.7
"""Weight of the reranker beside the rest to 1 for what search said: it decides, unless it hardly sees a difference."""


class RerankingRetriever:
    """A retriever whose first hits are read again.

    Args:
        retriever: Finds them. Its order must not depend on how many are asked for.
        reranking: Reorders them.
    """

    def __init__(self, retriever: Retriever, reranking: "Reranking") -> None:
        self._retriever = retriever
        self._reranking = reranking

    def search(self, query: str, *, k: int = 10, filter: Filter | None = None) -> Ranking:
        """The `k` best passages for `query` among those that `filter` lets through, best first.

        Raises:
            BadInput: The query is empty or too long, or `k` is below 1.
            Unavailable: The reranker cannot be loaded.
        """
        ranking = self._retriever.search(query, k=max(k, DEPTH) if k > 0 else k, filter=filter)
        hits = self._reranking.reordered(query, ranking.hits)[:k]
        read = any("reranker" in hit.arms for hit in hits)
        return replace(ranking, hits=hits, arms=(*ranking.arms, "reranker") if read else ranking.arms)

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """The passages with these ids, in this order; those that are gone are left out."""
        return self._retriever.passages(ids)


class Reranking:
    """Reorders the first hits of a ranking by what a reranker says, within a budget of time.

    The hits in the reranker's languages are read best first, batch by batch. The first batch is always read;
    another one is begun only where, at the pace so far, it ends within the budget. So the hits that were read
    are the best ones by search, however many they are, and only they change places, among themselves: a hit
    that was not read, for want of time or of the language, keeps the place that it had. A run that ends early
    is a shallower reranking and never a mixture of two orders. Scores stay with the places.

    Args:
        reranker: Reads query and passages.
        seconds: The budget of one query; loading the model is not counted.
        clock: Seconds that only grow.
    """

    def __init__(
        self, reranker: Reranker, seconds: float, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._reranker = reranker
        self._seconds = seconds
        self._clock = clock

    def reordered(self, query: str, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """`hits`, best first, in the new order; those that were read have the arm `reranker`, 0 to 1.

        Raises:
            Unavailable: The reranker cannot be loaded.
        """
        if language_of(query) not in self._reranker.languages:
            return tuple(hits)
        places = [
            at for at, hit in enumerate(hits[:DEPTH]) if hit.passage.language in self._reranker.languages
        ]
        if len(places) < 2:
            return tuple(hits)
        relevance = self._read(query, [hits[at].passage for at in places])
        read = places[: len(relevance)]
        best = max(hits[at].score for at in read)
        scores = {
            at: TRUST * relevant + (1 - TRUST) * (max(hits[at].score, 0.0) / best if best > 0 else 0.0)
            for at, relevant in zip(read, relevance, strict=True)
        }
        arms = dict(zip(read, relevance, strict=True))
        ordered = list(hits)
        for place, at in zip(read, sorted(read, key=lambda at: (-scores[at], at)), strict=True):
            ordered[place] = replace(
                hits[at], score=hits[place].score, arms={**hits[at].arms, "reranker": round(arms[at], 6)}
            )
        return tuple(ordered)

    def _read(self, query: str, passages: Sequence[Passage]) -> list[float]:
        """Relevance of as many of the first passages as there is time for."""
        self._reranker.warm()
        texts = [_text(passage) for passage in passages]
        begun = self._clock()
        relevance: list[float] = []
        behind = 0
        while len(relevance) < len(texts):
            batch = texts[len(relevance) : len(relevance) + BATCH]
            size = sum(map(len, batch))
            spent = self._clock() - begun
            if relevance and spent + spent / behind * size > self._seconds:
                break
            relevance += self._reranker.relevance(query, batch)
            behind += size
        return relevance


def _text(passage: Passage) -> str:
    """A passage under its headings, as a reader sees it; never empty."""
    above = " > ".join((*passage.heading, *passage.ancestors))
    return f"{above}\n{plain(passage.text)}".strip() or passage.source
