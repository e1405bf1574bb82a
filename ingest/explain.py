"""Why a passage was found and stands where it does. Worked out afterwards, for the hits of a ranking alone."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import log
from typing import Final

from ingest.store import Store
from terakoya.text.analyser import Analyser
from terakoya.text.marking import Marker, Span, Term, shares
from terakoya.text.sentences import sentence_spans
from terakoya.types import Arm, Explanation, Hit, Language, Match, Passage, Ranking, Reason

NAMED: Final = 6
"""Terms that a reason names at most."""
_FREQUENCIES: Final = """
    SELECT term, count(DISTINCT chunk), (SELECT count(*) FROM chunks)
    FROM postings WHERE field <> 1 AND term IN (SELECT unnest($terms)) GROUP BY term
"""
_HELD: Final = """
    SELECT DISTINCT c.key, p.term FROM postings p JOIN chunks c ON c.id = p.chunk
    WHERE c.key IN (SELECT unnest($keys)) AND (p.field = 1) = $pairs AND p.term IN (SELECT unnest($terms))
"""


class Explainer:
    """Explains rankings of a store.

    Args:
        store: Where the hits come from.
        analyser: As search uses it.
        languages: What the embedder reads; empty where there is none.
    """

    def __init__(self, store: Store, analyser: Analyser, languages: frozenset[Language]) -> None:
        self._store = store
        self._analyser = analyser
        self._languages = languages

    def explain(self, ranking: Ranking) -> Ranking:
        """`ranking` with an explanation for each hit."""
        marker = Marker(ranking.query, self._analyser)
        weights = shares(marker.terms, self._rarity(marker.terms))
        keys = [hit.passage.id for hit in ranking.hits]
        held = self._held(keys, [term.form for term in marker.terms], pairs=False)
        without = [key for key in keys if not held.get(key)]
        pairs = self._held(without, list(self._analyser.grams(ranking.query)), pairs=True)
        ranks = _ranks(ranking)
        explained: list[Explanation] = []
        for hit, rank in zip(ranking.hits, ranks, strict=True):
            found = _explanation(hit, rank, marker, weights, held.get(hit.passage.id, frozenset()))
            found = replace(found, pairs=tuple(sorted(pairs.get(hit.passage.id, ()))))
            explained.append(
                replace(found, reasons=tuple(self._reasons(ranking, len(explained), found, explained)))
            )
        hits = tuple(replace(hit, explanation=e) for hit, e in zip(ranking.hits, explained, strict=True))
        return replace(ranking, hits=hits)

    def _rarity(self, terms: Sequence[Term]) -> dict[str, float]:
        """Inverse document frequency; a term that stands nowhere is as rare as can be."""
        forms = [term.form for term in terms]
        rows = self._store.rows(_FREQUENCIES, {"terms": forms}) if forms else []
        total = rows[0][2] if rows else 0
        counts = {form: n for form, n, _ in rows}
        return {form: log(1 + (total - (n := counts.get(form, 0)) + 0.5) / (n + 0.5)) for form in forms}

    def _held(
        self, keys: Sequence[str], terms: Sequence[str], *, pairs: bool
    ) -> Mapping[str, frozenset[str]]:
        if not keys or not terms:
            return {}
        rows = self._store.rows(_HELD, {"keys": list(keys), "terms": list(terms), "pairs": pairs})
        held: dict[str, set[str]] = {}
        for key, term in rows:
            held.setdefault(key, set()).add(term)
        return {key: frozenset(found) for key, found in held.items()}

    def _reasons(
        self, ranking: Ranking, at: int, this: Explanation, before: Sequence[Explanation]
    ) -> list[Reason]:
        hit = ranking.hits[at]
        reasons = _of_words(hit, this)
        if "reranker" in ranking.arms and "reranker" not in hit.arms:
            reasons.append(Reason(key="not_reread"))
        if "vector" in ranking.arms and "vector" not in hit.arms:
            read = hit.passage.language in self._languages
            reasons.append(Reason(key="meaning_far" if read else "meaning_unread"))
        if at == 0:
            reasons += _of_the_first(ranking, this)
        else:
            reasons.append(_of_the_place(ranking, at, this, before[at - 1]))
        return reasons


def _ranks(ranking: Ranking) -> list[dict[Arm, int]]:
    ranks: list[dict[Arm, int]] = [{} for _ in ranking.hits]
    for arm in ranking.arms:
        given = {at: hit.arms[arm] for at, hit in enumerate(ranking.hits) if arm in hit.arms}
        ordered = sorted(-score for score in given.values())
        for at, score in given.items():
            ranks[at][arm] = 1 + bisect_left(ordered, -score)
    return ranks


def _explanation(
    hit: Hit, ranks: Mapping[Arm, int], marker: Marker, weights: Mapping[str, float], held: frozenset[str]
) -> Explanation:
    text = hit.passage.text
    places = marker.places(text)
    ordered = sorted(marker.terms, key=lambda term: -weights[term.form])
    sentence, share = _best_sentence(hit.passage, places, weights)
    return Explanation(
        ranks=ranks,
        matches=tuple(
            Match(term=term.written, share=weights[term.form], spans=places.get(term.form, ()))
            for term in ordered
            if term.form in held or term.form in places
        ),
        missing=tuple(
            term.written
            for term in ordered
            if not term.minor and term.form not in held and term.form not in places
        ),
        sentence=sentence,
        sentence_share=share,
        marks=marker.marks(text),
    )


def _best_sentence(
    passage: Passage, places: Mapping[str, Sequence[Span]], weights: Mapping[str, float]
) -> tuple[Span | None, float]:
    best: tuple[Span | None, float] = (None, 0.0)
    for start, end in _sentences(passage):
        share = sum(
            weights[form]
            for form, spans in places.items()
            if any(start <= first and last <= end for first, last in spans)
        )
        if share > best[1]:
            best = (start, end), share
    return best


def _sentences(passage: Passage) -> Iterator[Span]:
    """Sentences, none of which reaches from one block into the next."""
    for at, behind in [(block.start, block.end) for block in passage.blocks] or [(0, len(passage.text))]:
        for start, end in sentence_spans(passage.text[at:behind]):
            yield at + start, at + end


def _of_words(hit: Hit, this: Explanation) -> list[Reason]:
    reasons = []
    inside = [match for match in this.matches if match.spans]
    above = [match for match in this.matches if not match.spans]
    if inside:
        reasons.append(Reason(key="words", values={"terms": _named(inside), "share": _percent(this.share)}))
    if above:
        reasons.append(Reason(key="words_above", values={"terms": _named(above)}))
    if hit.aliases:
        names = ", ".join(f"{term} = {alias}" for term, alias in hit.aliases.items())
        reasons.append(Reason(key="alias", values={"names": names}))
    elif not this.matches:
        known = {"pairs": ", ".join(this.pairs[:NAMED])}
        reasons.append(Reason(key="pairs", values=known) if this.pairs else Reason(key="no_words"))
    if this.missing:
        reasons.append(Reason(key="missing", values={"terms": ", ".join(this.missing[:NAMED])}))
    if this.sentence and len(inside) > 1:
        line, _ = hit.passage.lines(*this.sentence)
        reasons.append(Reason(key="sentence", values={"line": line, "share": _percent(this.sentence_share)}))
    return reasons


def _of_the_first(ranking: Ranking, this: Explanation) -> list[Reason]:
    if len(ranking.hits) < 2:
        return []
    leads = tuple(arm for arm in ranking.arms if this.ranks.get(arm) == 1)
    if "reranker" in leads:
        return [Reason(key="first_by_reranker")]
    if len(ranking.arms) > 1 and leads == tuple(arm for arm in ranking.arms if arm != "reranker"):
        return [Reason(key="first_by_both" if len(leads) > 1 else f"first_by_{leads[0]}")]
    if leads:
        return [Reason(key=f"first_by_{leads[0]}")]
    return [Reason(key="first_in_sum")]


def _of_the_place(ranking: Ranking, at: int, this: Explanation, above: Explanation) -> Reason:
    """Why it is behind the hit above it: the arm by which it is, and what that arm misses."""
    hit, other = ranking.hits[at], ranking.hits[at - 1]
    number = {"above": at}
    if hit.arms.get("reranker", 1.0) < other.arms.get("reranker", 0.0):
        return Reason(key="behind_reranker", values=number)
    if hit.score == other.score:
        return Reason(key="level", values=number)
    if hit.arms.get("lexical", 0.0) < other.arms.get("lexical", 0.0):
        here = {match.term for match in this.matches}
        more = [match for match in above.matches if match.term not in here and match.share >= 0.01]
        if more:
            return Reason(key="behind_terms", values={**number, "terms": _named(more)})
        if above.sentence_share > this.sentence_share + 0.01:
            return Reason(key="behind_sentence", values=number)
        return Reason(key="behind_often", values=number)
    if hit.arms.get("vector", -1.0) < other.arms.get("vector", -1.0):
        return Reason(key="behind_meaning", values=number)
    return Reason(key="behind", values=number)


def _named(matches: Sequence[Match]) -> str:
    """Terms with their shares, each once."""
    named = {match.term: match for match in reversed(matches)}
    shown = sorted(named.values(), key=lambda match: -match.share)[:NAMED]
    return ", ".join(f"{match.term} ({_percent(match.share)} %)" for match in shown)


def _percent(share: float) -> int:
    return round(100 * share)
