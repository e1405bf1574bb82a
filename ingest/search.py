"""Search: both arms find candidates, which are scored by what of the query stands in them, and by meaning."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from ingest.expansion import Expansion, Variant
from ingest.filters import chunks_of
from ingest.fusion import by_words, fused
from ingest.lexical import LexicalIndex, Occurrences
from ingest.matching import Held, match
from ingest.sequence import TermSequence
from ingest.store import Store
from ingest.vectors import NO_SIMILARITIES, Similarities, Vectors
from ingest.weighing import USUAL, Weighing
from terakoya.errors import BadInput
from terakoya.text.analyser import Analyser
from terakoya.text.language import language_of
from terakoya.text.normalise import fold, printable
from terakoya.types import Arm, Filter, Hit, Language, Passage, Ranking

LONGEST_QUERY: Final = 20_000
"""Code points; a longer query is a document, not a question."""
LARGEST_K: Final = 1_000_000
_ASIDE: Final = 4
"""Threads that vectors are compared in, beside those that ask."""
_EMPHASIS: Final = str.maketrans("", "", "*`~")
_CANDIDATES: Final = """
    SELECT id, language, context, text, sequence FROM chunks WHERE id IN (SELECT unnest($wanted))
"""


class HybridRetriever:
    """Ranks the chunks of a store. Safe in several threads.

    Each arm finds candidates: the lexical one by BM25 over words and character bigrams, the vector arm by
    similarity. A candidate of either is scored by seven shares of the query that stand in it (`ingest/matching.py`)
    and by its similarity, where the embedder reads both query and passage (`ingest/fusion.py`). Nothing in a
    score depends on the other candidates, or on how many hits are asked for.
    """

    def __init__(
        self, store: Store, analyser: Analyser, vectors: Vectors | None, weighing: Weighing = USUAL
    ) -> None:
        self._store = store
        self._weighing = weighing
        self._vectors = vectors
        self._lexical = LexicalIndex(store, analyser)
        self._expansion = Expansion(store, analyser)
        self._aside = ThreadPoolExecutor(_ASIDE, thread_name_prefix="search")

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
        wanted = min(k, LARGEST_K)
        only = chunks_of(filter, self._store)
        candidates = self._weighing.candidates
        first = max(wanted, candidates)
        # the two arms wait for different things, so they run side by side
        near = None
        if self._vectors and self._vectors.readable(language_of(text)):
            # in a copy of the context, so that whoever traces knows under which step the query is embedded
            near = self._aside.submit(copy_context().run, self._vectors.search, text, first, only)
        asked = [_Asked(self._lexical.find(text, only))]
        asked += [_Asked(self._lexical.find(v.text, only), v) for v in self._expansion.variants(text)]
        found = _best(asked, first)
        similar = near.result() if near else NO_SIMILARITIES
        nearest = similar.nearest
        scored = self._score(asked, {*islice(found, candidates), *islice(nearest, candidates)}, similar)
        behind = _behind(scored, found, nearest)
        best = [*sorted(scored, key=lambda chunk: (-scored[chunk].score, chunk)), *behind][:wanted]
        passages = self._store.passages_by_row(best)
        hits = [
            _hit(passages[chunk], scored[chunk] if chunk in scored else behind[chunk])
            for chunk in best
            if chunk in passages
        ]
        arms: tuple[Arm, ...] = ("lexical", "vector") if nearest else ("lexical",)
        return Ranking(query=query, hits=tuple(hits), arms=arms)

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """The passages with these ids, in this order; those that are gone are left out."""
        return self._store.passages(ids)

    def _score(
        self, asked: Sequence["_Asked"], candidates: Iterable[int], similar: Similarities
    ) -> dict[int, "_Scored"]:
        """Scores of candidates, by the form of the query that suits each best."""
        wanted = sorted(candidates)
        queries = [each.occurrences.query for each in asked]
        held = [each.occurrences.held(wanted) for each in asked]
        scored: dict[int, _Scored] = {}
        vectors = self._vectors if similar.nearest else None
        compared = self._aside.submit(vectors.of, wanted, similar) if vectors else None
        for chunk, language, context, text, sequence in self._store.rows(_CANDIDATES, {"wanted": wanted}):
            shown = ""
            if any(q.characters or q.runs for q in queries):
                shown = fold(f"{context}\n{text}".translate(_EMPHASIS))
            terms = TermSequence.decode(sequence)
            by_form = [
                each.score(of[chunk], terms, shown, self._weighing)
                for each, of in zip(asked, held, strict=True)
            ]
            lexical = max(by_form)
            aliases = asked[by_form.index(lexical)].aliases
            scored[chunk] = _Scored(lexical, lexical, aliases=aliases, language=language)
        if not (compared and vectors):
            return scored
        similarities = compared.result()
        for chunk, each in scored.items():
            similarity = similarities.get(chunk) if vectors.readable(each.language) else None
            score = fused(each.lexical, similarity, similar.background, self._weighing.meaning)
            scored[chunk] = replace(each, score=score, similarity=similarity)
        return scored


@dataclass(frozen=True, slots=True)
class _Asked:
    """The query, or another form of it, and what the index knows of it."""

    occurrences: Occurrences
    variant: Variant | None = None

    @property
    def weight(self) -> float:
        return self.variant.weight if self.variant else 1.0

    @property
    def aliases(self) -> dict[str, str]:
        return {r.term: r.alias for r in self.variant.replaced} if self.variant else {}

    def score(self, held: Held, terms: TermSequence, shown: str, weighing: Weighing) -> float:
        if self.variant and not self.variant.stands_in((terms.context, *terms.sentences)):
            return 0.0
        query = self.occurrences.query
        return self.weight * by_words(match(query, held, terms, shown), query.japanese, weighing)


@dataclass(frozen=True, slots=True)
class _Scored:
    score: float
    lexical: float
    similarity: float | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    language: Language = "en"


def _best(asked: Sequence[_Asked], k: int) -> dict[int, float]:
    """The `k` best chunks by any form of the query, best first."""
    if len(asked) == 1:
        return asked[0].occurrences.best(k)
    scores: dict[int, float] = {}
    for each in asked:
        for chunk, score in each.occurrences.best(k).items():
            scores[chunk] = max(scores.get(chunk, 0.0), each.weight * score)
    return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:k])


def _behind(
    scored: Mapping[int, _Scored], found: Mapping[int, float], nearest: Mapping[int, float]
) -> dict[int, _Scored]:
    """What was found and not scored, in order: by words, then by meaning alone."""
    last = min((each.score for each in scored.values()), default=0.0)
    return {
        chunk: _Scored(min(last, found.get(chunk, 0.0)), found.get(chunk, 0.0), nearest.get(chunk))
        for chunk in dict.fromkeys((*found, *nearest))
        if chunk not in scored
    }


def _hit(passage: Passage, scored: _Scored) -> Hit:
    arms: dict[Arm, float] = {"lexical": round(scored.lexical, 6)} if scored.lexical else {}
    if scored.similarity is not None:
        arms["vector"] = round(scored.similarity, 6)
    return Hit(passage=passage, score=round(scored.score, 6), arms=arms, aliases=scored.aliases)
