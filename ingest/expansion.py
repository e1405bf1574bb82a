"""What else a query may be asking for: its terms replaced by what the notes make stand for them.

A query in another form is another query: it is weighed by itself, counts for less, and only in passages where
the other name stands whole. A passage has the best score that any form gives it. So a passage that holds the
query's own words has the score that it would have had, and names cannot add up.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

import duckdb

from ingest.aliases import Group
from ingest.database import Database, Derived
from terakoya.text.analyser import Analyser, Token, spine
from terakoya.text.language import JAPANESE
from terakoya.text.normalise import fold

WEIGHT: Final = 0.8
"""What the query in another form counts for. How it was found: docs/search.md."""
MOST: Final = 4
"""Other forms of one query."""
_MOST_NAMES: Final = 3
"""Other names of one term."""
_MOST_SENSES: Final = 2
"""A term that has more meanings among the notes is left as it is."""
_MOST_FORMS: Final = 8
"""Words of the longest term."""
_LONGEST_QUERY: Final = 200
"""Words of a query that is looked at; a longer one is a document and holds other names itself."""
_JOINING: Final = re.compile(r"(?<=[A-Za-zÀ-ɏ]{2})[-_/](?=[A-Za-zÀ-ɏ]{2})")
_WITHIN: Final = re.compile(r"[\s・.&+,'’の]*\Z")
_NAMED: Final = """
    WITH entries AS (
        SELECT a.key AS asked, a.note, a.entry, list_sort(list(DISTINCT b.key)) AS others
        FROM aliases a JOIN aliases b ON b.note = a.note AND b.entry = a.entry AND b.key <> a.key
        WHERE a.key IN (SELECT unnest($keys))
        GROUP BY a.key, a.note, a.entry
    )
    SELECT asked, others, count(DISTINCT note) AS notes FROM entries
    GROUP BY asked, others ORDER BY asked, notes DESC, others
"""
_WRITTEN: Final = """
    SELECT key, term FROM aliases WHERE key IN (SELECT unnest($keys))
    GROUP BY key, term ORDER BY key, count(*) DESC, term
"""


@dataclass(frozen=True, slots=True)
class Alias:
    """A term as the store keeps it.

    Attributes:
        term: As a note writes it.
        key: Its forms by the analyser, by which terms compare: case, width, long vowels, plurals, hyphens.
    """

    term: str
    key: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """A term of a query and what stands in for it.

    Attributes:
        term: As the query has it.
        alias: The other name, as the notes mostly write it.
        forms: Of the other name by the analyser.
        weight: What it counts for, beside 1 for the term itself.
    """

    term: str
    alias: str
    forms: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Variant:
    """A query in another form.

    Attributes:
        text: The form.
        weight: What it counts for, beside 1 for the query as it was asked.
        replaced: What was replaced.
    """

    text: str
    weight: float
    replaced: tuple[Replacement, ...]

    def stands_in(self, lines: Iterable[Sequence[str]]) -> bool:
        """Whether one of the other names stands whole in one of these lines of terms, by their forms."""
        wanted = [r.forms for r in self.replaced]
        return any(_holds(line, forms) for line in lines for forms in wanted)


@dataclass(frozen=True, slots=True)
class _Span:
    """Where a term stands in a query."""

    start: int
    end: int
    key: str


def keyed(groups: Iterable[Group], analyser: Analyser) -> tuple[tuple[Alias, ...], ...]:
    """Groups with the keys of their terms; terms that compare equal are one, and a group of one is none."""
    made = []
    for group in groups:
        known: dict[str, str] = {}
        for term in group:
            key = key_of(term, analyser)
            if key:
                known.setdefault(key, term)
        if len(known) > 1:
            made.append(tuple(Alias(term, key) for key, term in known.items()))
    return tuple(made)


def key_of(term: str, analyser: Analyser) -> str:
    """The forms of a term, joined; empty where it has none."""
    forms = [token.form for token in spine(analyser.tokens(_spaced(term)))]
    return " ".join(forms) if len(forms) <= _MOST_FORMS else ""


def rekey(cursor: duckdb.DuckDBPyConnection, analyser: Analyser) -> None:
    """Makes all keys anew, for another analyser."""
    terms = [row[0] for row in cursor.execute("SELECT DISTINCT term FROM aliases").fetchall()]
    if terms:
        cursor.execute(
            "UPDATE aliases SET key = f.k FROM (SELECT unnest($t) t, unnest($k) k) f WHERE aliases.term = f.t",
            {"t": terms, "k": [key_of(term, analyser) for term in terms]},
        )


class Expansion:
    """Finds other forms of queries in the aliases of a store. Safe in several threads."""

    def __init__(self, store: Database, analyser: Analyser) -> None:
        self._store = store
        self._analyser = analyser
        # most queries hold none of them
        self._known = Derived(
            store, lambda: frozenset(row[0] for row in store.rows("SELECT DISTINCT key FROM aliases"))
        )

    def variants(self, query: str) -> tuple[Variant, ...]:
        """Other forms of `query`, at most `MOST`, the same for the same notes.

        The first one replaces all terms that have another name, so that a question in one language is asked in
        the other as a whole; the rest replace one each. Of overlapping terms the longest counts. Names in the
        other writing come first, then those that more notes give. A term that means two things among the notes
        (CI: continuous integration, confidence interval) counts half for each.
        """
        text = _spaced(query)
        tokens = spine(self._analyser.tokens(text))[:_LONGEST_QUERY]
        known = self._known()
        spans = [span for span in _spans(text, tokens) if span.key in known] if known else []
        if not spans:
            return ()
        keys = {span.key for span in spans}
        named = self._named(sorted(keys))
        places = _apart([span for span in spans if span.key in named])
        names = [
            [
                (key, Replacement(term, alias.term, tuple(alias.key.split(" ")), weight))
                for alias, weight in named[key]
                if alias.key not in keys
            ][:_MOST_NAMES]
            for key, term in {p.key: text[p.start : p.end] for p in places}.items()
        ]
        names = [found for found in names if found]
        sets = [dict(found[0] for found in names)] if len(names) > 1 else []
        sets += [dict([one]) for rank in zip_longest(*names) for one in rank if one]
        return tuple(_variant(text, places, chosen) for chosen in sets[:MOST])

    def _named(self, keys: list[str]) -> dict[str, list[tuple[Alias, float]]]:
        """Other names of each key that has some, with their weights, best first."""
        entries: dict[str, list[tuple[list[str], int]]] = {}
        for asked, others, notes in self._store.rows(_NAMED, {"keys": keys}):
            entries.setdefault(asked, []).append((others, notes))
        wanted = sorted({other for found in entries.values() for others, _ in found for other in others})
        written: dict[str, str] = {}
        for key, term in self._store.rows(_WRITTEN, {"keys": wanted}) if wanted else []:
            written.setdefault(key, term)
        named = {}
        for asked, found in entries.items():
            senses = _senses([frozenset(others) for others, _ in found], written)
            if senses > _MOST_SENSES:
                continue
            japanese = JAPANESE.search(asked) is not None
            notes_of: dict[str, int] = {}
            for others, notes in found:
                for other in others:
                    notes_of[other] = notes_of.get(other, 0) + notes
            ordered = sorted(
                notes_of,
                key=lambda key: (
                    (JAPANESE.search(key) is not None) == japanese,
                    -notes_of[key],
                    len(key),
                    key,
                ),
            )
            named[asked] = [(Alias(written[key], key), WEIGHT / senses) for key in ordered]
        return named


def _senses(groups: Sequence[frozenset[str]], written: Mapping[str, str]) -> int:
    """How many things a term is a name of, by the groups that it is in.

    Groups that share another name are of one thing. Others are of two where both have a name in the same
    writing: {RAG, 検索拡張生成} and {RAG, retrieval augmented generation} may well be one.
    """
    apart: list[frozenset[str]] = []
    for group in groups:
        touching = [known for known in apart if known & group]
        apart = [known for known in apart if not known & group]
        apart.append(group.union(*touching))
    return max(
        sum(any((JAPANESE.search(written[key]) is not None) is japanese for key in group) for group in apart)
        for japanese in (True, False)
    )


def _spaced(text: str) -> str:
    """NFKC, and what joins words in one writing as the space that does in another: Two-Factor, two factor."""
    dashed = "".join("-" if fold(c) == "-" else c for c in unicodedata.normalize("NFKC", text))
    return _JOINING.sub(" ", dashed)


def _spans(text: str, tokens: Sequence[Token]) -> Iterator[_Span]:
    """Every run of words that may be a term."""
    for first, token in enumerate(tokens):
        forms: list[str] = []
        end = token.start
        for further in tokens[first : first + _MOST_FORMS]:
            if not _WITHIN.match(text, end, further.start):
                break
            forms.append(further.form)
            end = further.end
            yield _Span(token.start, end, " ".join(forms))


def _apart(spans: Sequence[_Span]) -> list[_Span]:
    """Spans that do not overlap, the longest first chosen, in the order of the text."""
    chosen: list[_Span] = []
    for span in sorted(spans, key=lambda span: (span.start - span.end, span.start)):
        if all(span.end <= other.start or other.end <= span.start for other in chosen):
            chosen.append(span)
    return sorted(chosen, key=lambda span: span.start)


def _variant(text: str, places: Sequence[_Span], chosen: Mapping[str, Replacement]) -> Variant:
    pieces: list[str] = []
    at = 0
    for place in places:
        if place.key in chosen:
            pieces += (text[at : place.start], chosen[place.key].alias)
            at = place.end
    pieces.append(text[at:])
    return Variant("".join(pieces), min(r.weight for r in chosen.values()), tuple(chosen.values()))


def _holds(line: Sequence[str], forms: Sequence[str]) -> bool:
    """Whether `forms` follow one another in `line`."""
    size = len(forms)
    if size == 1:
        return forms[0] in line
    return any(tuple(line[at : at + size]) == tuple(forms) for at in range(len(line) - size + 1))
