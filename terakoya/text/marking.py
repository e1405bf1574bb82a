"""Where the terms of a query stand in a text, for a reader's eye: search itself needs no places."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from terakoya.text.analyser import Analyser, Token
from terakoya.text.language import JAPANESE
from terakoya.text.normalise import aligned

Span = tuple[int, int]
"""Half-open, in code points."""

_KATAKANA_TO_HIRAGANA: Final = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
_MINOR: Final = frozenset({"weak", "affix"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A term of a query.

    Attributes:
        form: As the index has it.
        written: As the query has it.
        count: How often it stands in the query.
        minor: A word such as "the", or a part of another term: looked up, but nothing that a reader looks for.
    """

    form: str
    written: str
    count: int
    minor: bool


class Marker:
    """Marks the terms of one query in texts.

    Args:
        query: The query.
        analyser: As search uses it.
    """

    def __init__(self, query: str, analyser: Analyser) -> None:
        self._analyser = analyser
        counts = analyser.query(query).words
        normal, starts = aligned(query)
        found: dict[str, tuple[Token, bool]] = {}
        for token in analyser.tokens(query):
            # a form may stand as a word of its own and as a part of another
            minor = token.kind in _MINOR and found.get(token.form, (token, True))[1]
            if token.form in counts and (token.form not in found or found[token.form][1]):
                found[token.form] = (token, minor)
        self.terms: Sequence[Term] = tuple(
            Term(
                form=form,
                written=query[starts[token.start] : starts[token.end]],
                count=counts[form],
                minor=minor,
            )
            for form, (token, minor) in found.items()
        )
        self._affixes = {form for form, (token, minor) in found.items() if minor and token.kind == "affix"}
        self._inside = {
            form: even
            for form, (token, _) in found.items()
            if len(even := _even(normal[token.start : token.end])) > 1 and JAPANESE.search(even)
        }

    def places(self, text: str) -> Mapping[str, tuple[Span, ...]]:
        """Where each term stands in `text`, by its form; Japanese terms also inside of longer words."""
        wanted = {term.form for term in self.terms}
        places: dict[str, set[Span]] = {}
        at = 0
        for line in text.split("\n"):
            normal, starts = aligned(line)
            spans = [(t.form, t.start, t.end) for t in self._analyser.tokens(line) if t.form in wanted]
            even = _even(normal)
            for form, word in self._inside.items():
                spans += [(form, found, found + len(word)) for found in _occurrences(word, even)]
            for form, start, end in spans:
                places.setdefault(form, set()).add((at + starts[start], at + starts[end]))
            at += len(line) + 1
        return {form: tuple(sorted(spans)) for form, spans in places.items()}

    def marks(self, text: str) -> tuple[Span, ...]:
        """What of `text` a reader sees marked: the terms that matter, those that touch as one.

        A prefix or suffix of the query is marked where it belongs to such a term: 量子化, not 量子 alone.
        """
        places = self.places(text)
        minor = {term.form for term in self.terms if term.minor}
        if len(minor) == len(self.terms):  # nothing else to mark
            return joined(chain.from_iterable(places.values()))
        major = joined(span for form, spans in places.items() if form not in minor for span in spans)
        affixes = [span for form in self._affixes for span in places.get(form, ())]
        starts = [start for start, _ in major]
        return tuple(
            (start, end)
            for start, end in joined([*major, *affixes])
            if bisect_left(starts, start) < bisect_left(starts, end)
        )


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans in order, those that overlap or touch made one."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def shares(terms: Sequence[Term], rarity: Mapping[str, float]) -> dict[str, float]:
    """What part of the query's weight each term is, 0 to 1, by its count and its rarity."""
    weights = Counter({term.form: term.count * rarity.get(term.form, 0.0) for term in terms})
    total = weights.total() or 1.0
    return {form: weight / total for form, weight in weights.items()}


def _even(text: str) -> str:
    """Without case and the kind of kana, as long as `text` is."""
    lower = text.lower()
    if len(lower) != len(text):  # İ becomes two characters
        lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return lower.translate(_KATAKANA_TO_HIRAGANA)


def _occurrences(word: str, text: str) -> Iterable[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)
