"""What a question asks for: its kind, its terms, and the two sides of a comparison."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from terakoya.text.analyser import Analyser, Token, TokenKind
from terakoya.text.glossary import entry
from terakoya.text.kinds import QuestionKind, kind_of
from terakoya.text.language import language_of
from terakoya.text.meanings import apart
from terakoya.text.normalise import fold
from terakoya.text.sides import compared
from terakoya.text.stemming import stem
from terakoya.text.stopwords import ENGLISH_QUESTION, ENGLISH_STOP, GENERIC, SORTS, SORTS_OF_NAMES, TIMES
from terakoya.types import Language

_WEIGHTS: Final[Mapping[TokenKind, float]] = {
    "name": 1.4,
    "latin": 1.0,
    "noun": 1.0,
    "number": 0.8,
    "predicate": 0.3,
    "affix": 0.3,
    "weak": 0.0,
    "question": 0.0,
}
_NAMED: Final = 1.4
"""Weight of a Latin term written as a name: with a capital or a digit, or among Japanese."""
_GENERIC: Final = 0.15
_GENERIC_RANK: Final = 0.45
"""A generic word is little evidence that the notes answer, but it tells which of two lines does."""
_GENERIC_PART: Final = 0.5
"""Weight of a generic word within a compound: 呼吸 is most of 呼吸全体."""
_SORT_PART: Final = 0.2
"""Weight of what a compound ends with, where it only says what sort of thing the rest names: 形式 in メッセージ形式."""
_GENERIC_STEMS: Final = frozenset(stem(word) for word in GENERIC | ENGLISH_QUESTION if word.isascii())
_FOREIGN: Final = 0.35
"""Share of its weight that an ordinary word keeps as evidence in a text in another language."""
_TRANSLATED: Final = 0.8
"""The same, where the glossary knows the word in that language: that it is not there tells something."""
_DONE: Final = 0.5
"""Weight of a noun that する makes a verb of (追加された): like a verb's, it is often told in another way."""
_DOING: Final = frozenset({"為る", "出来る"})
_COMPOUNDING: Final = frozenset[TokenKind]({"noun", "name", "number", "latin", "affix"})
_HONORIFIC: Final = frozenset("おご御")
_FACT_PREDICATE: Final = 2.4
"""When a fact is asked for (when, who, how many), the verb tells which: it weighs more."""
_FACTS: Final = frozenset[QuestionKind]({"when", "who", "how-many"})


@dataclass(frozen=True, slots=True)
class QuestionTerm:
    """A term that the answer has to speak of: a word, or a compound of words written together.

    Attributes:
        surface: As it stands in the question.
        tokens: Its parts, with the weight of each.
        weight: Its share of the evidence.
        ordinary: Made of ordinary words, which only a text in the question's language can hold.
        generic: Names what is asked rather than the subject.
        meanings: What it names, or is part of a name of, by the dictionaries.
    """

    surface: str
    tokens: tuple[tuple[Token, float], ...]
    weight: float
    ordinary: bool
    generic: bool = False
    meanings: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Question:
    """A question, analysed.

    Attributes:
        text: As it was asked.
        language: Language that the answer is given in.
        kind: What it asks for.
        terms: What the answer has to speak of, each once, in order.
        count: The number of things asked for ("three reasons"), 0 if none.
        sides: For a comparison, the terms of each thing compared.
        several: It asks about several things at once.
    """

    text: str
    language: Language
    kind: QuestionKind
    terms: tuple[QuestionTerm, ...]
    count: int = 0
    sides: tuple[tuple[QuestionTerm, ...], ...] = ()
    several: bool = False

    @property
    def subject(self) -> tuple[QuestionTerm, ...]:
        """The terms that are not generic; all of them where none is."""
        return tuple(t for t in self.terms if not t.generic) or self.terms

    def spelling(self, term: QuestionTerm) -> str:
        """The term as the question writes it."""
        found = re.search(re.escape(term.surface), self.text, re.IGNORECASE)
        return found.group() if found else term.surface

    def rank_weight(self, term: QuestionTerm, language: Language) -> float:
        """Weight of `term` in comparing texts of `language` with one another."""
        return (
            self.weight(term, language)
            if not term.generic
            else _GENERIC_RANK * (_foreign(term) if language != self.language else 1.0)
        )

    @property
    def asks_day(self) -> bool:
        """All it is about is a day: what was done then."""
        return bool(self.subject) and all(_DAY.fullmatch(t.tokens[0][0].form) for t in self.subject)

    def weight(self, term: QuestionTerm, language: Language) -> float:
        """Weight of `term` as evidence in a text of `language`."""
        return term.weight * (_foreign(term) if language != self.language else 1.0)


def _foreign(term: QuestionTerm) -> float:
    if not term.ordinary:
        return 1.0
    return _TRANSLATED if any(entry(number) for number in term.meanings) else _FOREIGN


_DAY: Final = re.compile(r"(?:\d{4}|-)-\d\d-\d\d")
_COUNT: Final = re.compile(r"([2-9])\s*(?:つ|個|種類|点)|\b(two|three|four|five|six|seven)\b")
_COUNT_WORDS: Final = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
_KANJI_COUNT: Final = str.maketrans("二三四五六七八九", "23456789")
_SEVERAL: Final = re.compile(
    r"それぞれ|および|及び|ならびに|\band (?:what|how|when|who|why|where)\b|[?？].+[?？]|、また|\bboth\b"
)
_JOINED: Final = re.compile(
    r"(?:^|[のは、\s])(?P<a>[^のは、\s]+)(?:と|や| and )(?P<b>[^のはを、\s]+?)(?:を|は|って|について|of|\?|$)"
)
_HIRAGANA: Final = re.compile(r"[\u3041-\u3096]")


def question_language(text: str) -> Language:
    """The language that a question is asked in, and is to be answered in.

    A Japanese sentence has hiragana; without it, English function words around a Japanese term make the
    question English ("What happens to 染色体 in 減数分裂?").
    """
    if _HIRAGANA.search(text):
        return language_of(text)
    words = re.findall(r"[a-z]+", text.lower())
    return "en" if any(w in ENGLISH_STOP or w in ENGLISH_QUESTION for w in words) else language_of(text)


def analyse_question(text: str, analyser: Analyser) -> Question:
    """What `text` asks for."""
    folded = fold(text)
    language = question_language(text)
    kind = kind_of(folded)
    counted = _COUNT.search(
        re.sub(r"[二三四五六七八九](?=つ|個|種類|点)", lambda m: m.group().translate(_KANJI_COUNT), folded)
    )
    count = (int(counted.group(1)) if counted.group(1) else _COUNT_WORDS[counted.group(2)]) if counted else 0
    reader = _TermReader(text, language, kind, count, analyser)
    terms = reader.terms(text)
    sides: tuple[tuple[QuestionTerm, ...], ...] = ()
    if kind == "comparison":
        sides = _sides(reader, text)
        # read by itself a side may be cut into other terms than in the sentence; those of the sides count
        named = {t.surface: t for side in sides for t in side}
        rest = [t for t in terms if not any(name in t.surface or t.surface in name for name in named)]
        terms = (*named.values(), *rest)
    return Question(text, language, kind, terms, count, sides, _asks_several(folded))


def under_other_name(asked: Question, other: Question) -> Question:
    """`asked` with a term of it replaced, as in `other`: however many words the other name has, it is one term.

    Each word for itself would be evidence of its own, and a long name found all by itself most of a question.
    """
    before, after = {t.surface for t in asked.terms}, {t.surface for t in other.terms}
    gone = [t for t in asked.terms if t.surface not in after]
    new = [t for t in other.terms if t.surface not in before]
    if not gone or len(new) < 2:
        return replace(other, language=asked.language)
    places = [other.text.lower().find(t.surface.lower()) for t in new]
    if min(places) < 0:
        return replace(other, language=asked.language)
    end = max(at + len(t.surface) for at, t in zip(places, new, strict=True))
    heaviest = max(gone, key=lambda t: t.weight)
    name = QuestionTerm(
        surface=other.text[min(places) : end],
        tokens=tuple(token for t in new for token in t.tokens),
        weight=heaviest.weight,
        ordinary=heaviest.ordinary,
        generic=heaviest.generic,
        meanings=heaviest.meanings,
    )
    kept = [t for t in other.terms if t.surface in before]
    named = {t.surface for t in new}
    sides = tuple(
        tuple(dict.fromkeys(name if t.surface in named else t for t in side)) for side in other.sides
    )
    return replace(other, terms=(name, *kept), sides=sides, language=asked.language)


def _asks_several(folded: str) -> bool:
    joined = _JOINED.search(folded)
    return bool(_SEVERAL.search(folded) or (joined and {joined["a"], joined["b"]} <= GENERIC))


def _sides(reader: "_TermReader", text: str) -> tuple[tuple[QuestionTerm, ...], ...]:
    for one, other, shared in compared(text):
        sides = tuple(tuple(t for t in reader.terms(side) if not t.generic) for side in (one, other))
        # what is asked of both is an ordinary word; a name there is what is compared
        if all(sides) and all(t.ordinary for t in reader.terms(shared)):
            return sides
    return ()


def _sorts(compound: Sequence[Token]) -> Sequence[Token]:
    """The parts at the end of a compound that only say what sort of thing, or which quantity, the others name."""
    names = SORTS | SORTS_OF_NAMES if compound[0].surface.isascii() else SORTS
    for start in range(1, len(compound)):
        if "".join(token.surface for token in compound[start:]) in names:
            return compound[start:]
    return ()


def _is_sort_of(before: Sequence[Token], compound: Sequence[Token]) -> bool:
    """Whether a word by itself says what sort of thing the Latin name is of which it is said to be (NAMEのモデル)."""
    return (
        bool(before)
        and len(compound) == 1
        and compound[0].surface in SORTS_OF_NAMES
        and compound[0].start == max(t.end for t in before) + len("の")
        and before[0].surface.isascii()
    )


def _is_generic(token: Token) -> bool:
    """Names what is asked, in whatever form: calculated, defines."""
    return (
        token.form in GENERIC
        or token.surface in GENERIC
        or (token.kind == "latin" and token.form in _GENERIC_STEMS)
    )


_HOW: Final = re.compile(
    r"\bhow\s+(?:long|large|big|old|far|high|fast|often|deep|tall|wide|heavy|hot|cold|soon|late|close)\b",
    re.IGNORECASE,
)


class _TermReader:
    """Reads terms out of a question: words written together are one."""

    def __init__(
        self, text: str, language: Language, kind: QuestionKind, count: int, analyser: Analyser
    ) -> None:
        self.text = unicodedata.normalize("NFKC", text)
        self.language = language
        self.kind = kind
        self.count = count
        self.analyser = analyser

    def terms(self, text: str) -> tuple[QuestionTerm, ...]:
        found: dict[str, QuestionTerm] = {}
        meanings = self.analyser.meanings(text)
        before: list[Token] = []
        for compound in self._compounds(text):
            term = self._term(compound)
            if term and _is_sort_of(before, compound):  # 10Bのモデル
                term = replace(term, weight=_GENERIC, generic=True)
            before = compound
            if term and term.surface not in found:
                named = apart(meanings, compound[0].start, max(t.end for t in compound))
                found[term.surface] = replace(term, meanings=named)
        return tuple(found.values())

    def _compounds(self, text: str) -> Iterator[list[Token]]:
        """Runs of tokens that are written together, without what says only how it is asked.

        What directly follows 何 is the unit asked for, and what follows "how" the quantity.
        """
        compound: list[Token] = []
        asking = -1
        measured = {found.end() for found in _HOW.finditer(unicodedata.normalize("NFKC", text))}
        for token in self.analyser.tokens(text):
            if token.end in measured:
                continue
            if token.form in _DOING and len(compound) == 1 and compound[0].end == token.start:
                compound = [replace(t, kind="predicate") if t.kind == "noun" else t for t in compound]
            if compound and self._joins(compound, token):
                compound.append(token)
                continue
            if compound and compound[0].start != asking:
                yield compound
            asking = (
                compound[-1].end if compound and compound[-1].surface in ("何", "どの", "いく") else asking
            )
            compound = [token]
        if compound and compound[0].start != asking:
            yield compound

    def _joins(self, compound: list[Token], token: Token) -> bool:
        # of a word and its parts, which end together, the word
        before = max(compound, key=lambda t: t.end)
        if before.form in TIMES and token.start == before.end:
            return False
        if token.end <= before.end:  # a part of the word before it
            return True
        return token.start == before.end and {before.kind, token.kind} <= _COMPOUNDING

    def _term(self, compound: list[Token]) -> QuestionTerm | None:
        whole = [
            t
            for i, t in enumerate(compound)
            if not any(o.start <= t.start and t.end <= o.end for o in compound[:i])
        ]
        if len(whole) > 1 and whole[0].kind == "affix" and whole[0].surface in _HONORIFIC:
            whole = whole[1:]
        surface = "".join(t.surface for t in whole)
        named = any(self._is_name(t) for t in whole)
        sorts = _sorts(whole)
        weights = tuple((t, _SORT_PART if t in sorts else self._token_weight(t)) for t in whole)
        if all(t.kind in ("weak", "affix", "question") and not self._is_name(t) for t in whole):
            return None
        if len(whole) <= 2 and whole[0].kind == "number" and whole[0].form == str(self.count):
            return None
        if not named and (surface in GENERIC or all(_is_generic(t) or t.form in TIMES for t in whole)):
            return QuestionTerm(surface, weights, _GENERIC, ordinary=True, generic=True)
        weight = max(w for _, w in weights)
        if whole[0].kind == "predicate" and self.kind in _FACTS:
            weight *= _FACT_PREDICATE
        ordinary = not named and any(t.kind != "number" for t in whole)
        return QuestionTerm(surface, weights, weight, ordinary=ordinary)

    def _token_weight(self, token: Token) -> float:
        if self._is_name(token):
            return _NAMED
        if token.kind == "predicate" and not _HIRAGANA.search(token.surface):
            return _DONE
        return _GENERIC_PART if token.kind == "noun" and _is_generic(token) else _WEIGHTS[token.kind]

    def _is_name(self, token: Token) -> bool:
        """A proper noun, or a Latin word that is written as a name or stands in a Japanese question."""
        if token.kind == "name":
            return True
        if not (token.surface.isascii() and token.surface[:1].isalpha()):
            return False
        if self.language == "ja":
            return True  # `where` in a Japanese question is SQL's, not English grammar
        if token.kind != "latin":
            return False
        if any(c.isdigit() for c in token.surface):
            return True
        found = re.search(re.escape(token.surface), self.text, re.IGNORECASE)
        return bool(found and found.start() > 0 and any(c.isupper() for c in found.group()))
