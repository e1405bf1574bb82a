"""Another spelling for a query that finds nothing, out of the words that the notes use."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Final

from ingest.store import Store
from terakoya.text.analyser import Analyser
from terakoya.text.marking import Marker
from terakoya.text.normalise import aligned
from terakoya.types import Ranking

SUGGESTED: Final = 3
_ALIKE: Final = 0.75
"""Likeness of two katakana words, from which on one may be meant by the other."""
_LATIN: Final = re.compile(r"[a-zà-ɏ][a-zà-ɏ'-]*")
_KATAKANA: Final = re.compile("[ァ-ヺー]{3,}")
_KNOWN: Final = "SELECT DISTINCT term FROM postings WHERE field <> 1 AND term IN (SELECT unnest($terms))"
_NEAR: Final = """
    SELECT term, n, least(
        damerau_levenshtein(term, $form),
        -- stems of a word and of the same word misspelled may end at another place
        damerau_levenshtein(term, left($word, length(term) - 1)),
        damerau_levenshtein(term, left($word, length(term)))
    ) AS distance
    FROM (
        SELECT term, count(*) AS n FROM postings
        WHERE field <> 1 AND length(term) BETWEEN $shortest AND $longest GROUP BY term
    )
    WHERE distance <= $reach
    ORDER BY distance, left(term, 1) <> left($form, 1), n DESC, term LIMIT $most
"""
_DISTANCES: Final = "SELECT w, damerau_levenshtein(lower(w), lower($word)) FROM (SELECT unnest($words) AS w)"
_HOLDING: Final = """
    SELECT c.context, c.text FROM postings p JOIN chunks c ON c.id = p.chunk
    WHERE p.field <> 1 AND p.term = $term ORDER BY p.count DESC, c.id LIMIT 1
"""
_VARIANTS: Final = (
    ("ヴァ", "バ"),
    ("ヴィ", "ビ"),
    ("ヴェ", "ベ"),
    ("ヴォ", "ボ"),
    ("ヴ", "ブ"),
    ("ティ", "チ"),
    ("ディ", "ジ"),
    ("トゥ", "ツ"),
    ("ヂ", "ジ"),
    ("ヅ", "ズ"),
    ("ヲ", "オ"),
)
_SMALL: Final = str.maketrans("ァィゥェォヵヶ", "アイウエオカケ", "ーッ・")
_GLIDE: Final = re.compile("(?<=[イキギシジチニヒビピミリ])ヤ")


class Speller:
    """Suggests queries over the vocabulary of a store: Latin words and words in katakana.

    Latin words are compared by their Damerau-Levenshtein distance: one slip in five letters or more, two in
    eight or more, in shorter ones two letters exchanged. Katakana words are compared without long marks and
    small tsu and with the variants of a sound made one (ヴァイオリン, バイオリン), by the characters they share.
    """

    def __init__(self, store: Store, analyser: Analyser) -> None:
        self._store = store
        self._analyser = analyser

    def advise(self, ranking: Ranking) -> Ranking:
        """`ranking` with suggestions, where words were looked for that stand nowhere, as far as it tells."""
        missing = [set(hit.explanation.missing) for hit in ranking.hits if hit.explanation]
        found = any("lexical" in hit.arms for hit in ranking.hits)
        if found and not (missing and set.intersection(*missing)):
            return ranking
        return replace(ranking, suggestions=tuple(self.suggest(ranking.query)))

    def suggest(self, query: str) -> list[str]:
        """`query` with other spellings of the words that no note has, the likeliest first; often none."""
        terms = [term for term in Marker(query, self._analyser).terms if not term.minor]
        known = self._known([term.form for term in terms])
        unknown = [term for term in terms if term.form not in known]
        words = {term.written: term.form for term in unknown if _LATIN.fullmatch(term.form)}
        spellings = {written: self._latin(written, form)[:SUGGESTED] for written, form in words.items()}
        for run, written in _katakana_runs(query):
            # a word that the dictionary does not know may be cut anywhere
            parts = [term for term in unknown if term.written in written]
            if parts:
                spellings[written] = self._katakana(run)
            if parts and not spellings[written]:
                spellings |= {part.written: self._katakana(part.form) for part in parts}
        found = [(written, others) for written, others in spellings.items() if others]
        suggested = []
        for rank in range(SUGGESTED if len(found) == 1 else min(1, len(found))):
            corrected = query
            for written, others in found:
                corrected = corrected.replace(written, others[min(rank, len(others) - 1)], 1)
            suggested.append(corrected)
        return [other for other in dict.fromkeys(suggested) if other != query]

    def _known(self, forms: Sequence[str]) -> set[str]:
        rows = self._store.rows(_KNOWN, {"terms": list(forms)}) if forms else []
        return {form for (form,) in rows}

    def _latin(self, word: str, form: str) -> list[str]:
        reach = 2 if len(word) >= 8 else 1
        near = self._near(form, word.lower(), (len(form) - 4, len(form) + reach), reach, 20)
        written = [way for term, _ in near for way in self._ways(term)]
        rows = self._store.rows(_DISTANCES, {"word": word, "words": list(dict.fromkeys(written))})
        distances = {way: distance for way, distance in rows if distance <= reach}
        if len(word) < 5:
            distances = {way: 1 for way in distances if sorted(way.lower()) == sorted(word.lower())}
        best = sorted(distances, key=lambda way: (distances[way], way[0].lower() != word[0].lower(), way))
        return list({way.lower(): way for way in reversed(best)}.values())[::-1]

    def _katakana(self, form: str) -> list[str]:
        if not _KATAKANA.fullmatch(form):
            return []
        wanted = _sound(form)
        # DuckDB compares bytes, of which a kana has three: this only narrows the choice
        near = self._near(form, form, (len(form) - 3, len(form) + 3), 9, 500)
        alike = sorted(
            (
                (SequenceMatcher(None, wanted, _sound(term)).ratio(), n, term)
                for term, n in near
                if _KATAKANA.fullmatch(term)
            ),
            reverse=True,
        )
        likely = [term for likeness, _, term in alike if likeness >= _ALIKE][:SUGGESTED]
        return [min(ways, key=lambda way: (len(way), way)) for term in likely if (ways := self._ways(term))]

    def _near(
        self, form: str, word: str, lengths: tuple[int, int], reach: int, most: int
    ) -> list[tuple[str, int]]:
        values = {
            "form": form,
            "word": word,
            "shortest": max(3, lengths[0]),
            "longest": lengths[1],
            "reach": reach,
            "most": most,
        }
        return [(term, n) for term, n, _ in self._store.rows(_NEAR, values)]

    def _ways(self, term: str) -> set[str]:
        """How the passage that has it most often writes a term of the index, which has stems."""
        rows = self._store.rows(_HOLDING, {"term": term})
        lines = [line for row in rows for part in row for line in part.split("\n")]
        found = set()
        for line in lines:
            _, starts = aligned(line)
            for token in self._analyser.tokens(line):
                if token.form == term:
                    found.add(line[starts[token.start] : starts[token.end]])
        return found


def _katakana_runs(query: str) -> Iterator[tuple[str, str]]:
    """Each run of katakana, folded, and as the query has it."""
    normal, starts = aligned(query)
    for run in _KATAKANA.finditer(normal):
        yield run.group(), query[starts[run.start()] : starts[run.end()]]


def _sound(word: str) -> str:
    """A katakana word with the variants of a sound made one."""
    for variant, one in _VARIANTS:
        word = word.replace(variant, one)
    return _GLIDE.sub("ア", word.translate(_SMALL))
