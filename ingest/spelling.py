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
    SELECT term, n, damerau_levenshtein(term, $form) AS distance
    FROM (
        SELECT term, count(*) AS n FROM postings
        WHERE field <> 1 AND length(term) BETWEEN $shortest AND $longest GROUP BY term
    )
    WHERE distance BETWEEN 1 AND $reach
    ORDER BY distance, left(term, 1) <> left($form, 1), n DESC, term LIMIT $most
"""
_HOLDING: Final = """
    SELECT c.heading, c.text FROM postings p JOIN chunks c ON c.id = p.chunk
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
        spellings = {written: self._latin(form) for written, form in words.items()}
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

    def _latin(self, form: str) -> list[str]:
        reach = 2 if len(form) >= 8 else 1
        near = [term for term, _ in self._near(form, reach, reach, 20)]
        if len(form) < 5:
            near = [term for term in near if sorted(term) == sorted(form)]
        return self._written(near)

    def _katakana(self, form: str) -> list[str]:
        if not _KATAKANA.fullmatch(form):
            return []
        wanted = _sound(form)
        # DuckDB compares bytes, of which a kana has three: this only narrows the choice
        alike = sorted(
            (
                (SequenceMatcher(None, wanted, _sound(term)).ratio(), n, term)
                for term, n in self._near(form, 3, 9, 500)
                if _KATAKANA.fullmatch(term)
            ),
            reverse=True,
        )
        return self._written([term for likeness, _, term in alike if likeness >= _ALIKE])

    def _near(self, form: str, longer: int, reach: int, most: int) -> list[tuple[str, int]]:
        values = {
            "form": form,
            "shortest": len(form) - longer,
            "longest": len(form) + longer,
            "reach": reach,
            "most": most,
        }
        return [(term, n) for term, n, _ in self._store.rows(_NEAR, values)]

    def _written(self, terms: Sequence[str]) -> list[str]:
        """How notes write the first few terms of the index, which has stems."""
        found = [self._shortest(term) for term in terms[:SUGGESTED]]
        return [written for written in found if written]

    def _shortest(self, term: str) -> str:
        rows = self._store.rows(_HOLDING, {"term": term})
        lines = [line for heading, text in rows for line in (*heading, *text.split("\n"))]
        found = set()
        for line in lines:
            _, starts = aligned(line)
            for token in self._analyser.tokens(line):
                if token.form == term:
                    found.add(line[starts[token.start] : starts[token.end]])
        return min(found, key=lambda written: (len(written), written), default="")


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
