"""From text to terms: one analyser for index, query and evidence.

Japanese runs are cut by Sudachi in mode A (short units) into normalised forms, so that spelling variants
(サーバ, サーバー) meet; character bigrams are kept beside them, which find what the dictionary cuts apart.
Latin words are folded and stemmed (Snowball, English), identifiers are kept whole and in parts.
"""

import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Final, Literal

from terakoya.text.language import JAPANESE
from terakoya.text.meanings import Meaning, of_glossary, of_morphemes
from terakoya.text.normalise import fold
from terakoya.text.stemming import stem
from terakoya.text.stopwords import ENGLISH_QUESTION, ENGLISH_STOP, JAPANESE_QUESTION

TokenKind = Literal["noun", "name", "predicate", "number", "latin", "affix", "weak", "question"]

VERSION: Final = "2"
_RUN: Final = re.compile(
    r"(?P<number>\d+(?:[.,:/]\d+)*)"
    r"|(?P<latin>[A-Za-zÀ-ɏ][A-Za-zÀ-ɏ0-9]*(?:[-_.'’/&][A-Za-zÀ-ɏ0-9]+)*(?:\+\+|#)?)"
    r"|(?P<japanese>[\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+)"
    r"|(?P<other>(?:(?![A-Za-zÀ-ɏ\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])[^\W\d_])+)"
)
_PARTS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-zà-ɏ]+|[À-ɏ]+|\d+")
LINE: Final = 500
REMEMBERED: Final = 2_048
"""Texts up to `LINE` code points whose terms are remembered: the lines of notes are read again at every question."""
MEANINGS: Final = 8_192
"""Words and lines whose meanings are remembered."""
_KATAKANA: Final = re.compile(r"[\u30a1-\u30fa\u30fc]+")
_MADE_NOUNS: Final[Mapping[str, Sequence[TokenKind]]] = {
    "さ": ("predicate",),
    "み": ("predicate",),
    "方": ("predicate", "weak", "question"),
}
"""Endings that make a noun, and what of."""
_DROPPED: Final = frozenset({"助詞", "助動詞", "補助記号", "空白", "記号"})
_PIECE: Final = re.compile(r"[^\n]{1,4000}")
"""Sudachi refuses more than 49,149 bytes at once; a longer line is cut here, which no word reaches."""
_DATE: Final = re.compile(
    r"(?:(?P<year>(?:1[0-9]|20)\d\d)\s?[年/.-]\s?)?(?<!\d)(?P<month>1[0-2]|0?[1-9])\s?[月/.-]\s?(?P<day>3[01]|[12]\d|0?[1-9])"
    r"(?!\d|[/.-]\d)日?"
)
_MONTH: Final = re.compile(
    r"(?<!\d)(?:(?P<year>(?:1[0-9]|20)\d\d)\s?年\s?)?(?P<month>1[0-2]|0?[1-9])\s?月(?!\s?(?:3[01]|[12]\d|0?[1-9])(?!\d)|[間曜])"
    r"|(?<![\d/.-])(?P<of>(?:19|20)\d\d)[/-](?P<number>1[0-2]|0[1-9])(?![\d/-])"
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAME: Final = (
    r"(?:(?i:jan(?:uary)?|feb(?:ruary)?|apr(?:il)?|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?"
    r"|dec(?:ember)?)|Mar(?:ch)?|May)\b\.?"
)
"""In small letters, the two that are verbs as well are no months."""
_ENGLISH_DATE: Final = re.compile(
    rf"\b(?P<name>{_NAME}) (?:(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?\b(?:,? (?P<year>(?:1[0-9]|20)\d\d)\b)?"
    r"|(?P<alone>(?:1[0-9]|20)\d\d)\b)"
    rf"|\b(?P<first>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)? (?:of )?(?P<second>{_NAME})"
    r"(?:,? (?P<third>(?:1[0-9]|20)\d\d)\b)?"
)


@dataclass(frozen=True, slots=True)
class Token:
    """One term of a text.

    Attributes:
        form: What is compared: normalised, folded, stemmed.
        surface: As it stands in the folded text.
        kind: What it is; `weak` words are indexed but are no evidence, an `affix` is only as part of a
            compound, `question` words ask.
        start: First code point in the NFKC form of the text.
        end: Behind its last code point; a token that starts where another ends belongs to one compound with it.
    """

    form: str
    surface: str
    kind: TokenKind
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class QueryTerms:
    """The terms of a query.

    Attributes:
        tokens: Its terms in order, without those that only ask, unless it has no others.
        words: Their forms with their counts.
        grams: Character bigrams of the Japanese runs with their counts.
        japanese: Share of the words of substance that are Japanese, 0 to 1: what bigrams can speak for.
    """

    tokens: tuple[Token, ...]
    words: Counter[str]
    grams: Counter[str]
    japanese: float


class Analyser:
    """Turns text into terms. Safe in several threads; the dictionary is loaded at first use.

    Args:
        remembered: Number of texts whose terms are kept; 0 where none comes again, as in an ingest.
    """

    def __init__(self, *, remembered: int = REMEMBERED) -> None:
        self._local = threading.local()
        self._known = lru_cache(maxsize=remembered)(self._analysed)
        self._meanings = lru_cache(maxsize=MEANINGS)(self._meant)

    @cached_property
    def _dictionary(self) -> Any:
        from sudachipy import Dictionary

        return Dictionary(dict="core")

    @cached_property
    def fingerprint(self) -> str:
        """Changes whenever the terms of a text would change."""
        from importlib.metadata import version

        return f"terakoya-{VERSION}/sudachi-core-{version('sudachidict_core')}-A/snowball-english"

    def _tokenizer(self) -> Any:
        tokenizer = getattr(self._local, "tokenizer", None)
        if tokenizer is None:
            from sudachipy import SplitMode

            tokenizer = self._local.tokenizer = self._dictionary.tokenizer(mode=SplitMode.A)
        return tokenizer

    def tokens(self, text: str) -> Sequence[Token]:
        """All terms of `text`, in order; particles, auxiliaries and marks are left out."""
        return self._known(text) if len(text) <= LINE else self._analysed(text)

    def _analysed(self, text: str) -> tuple[Token, ...]:
        normal = unicodedata.normalize("NFKC", text)
        tokens = _dates(normal)
        japanese = False
        for run in _RUN.finditer(normal):
            match run.lastgroup:
                case "latin":
                    tokens += _latin(run.group(), run.start())
                case "number":
                    tokens += _number(run.group(), run.start())
                case "japanese":
                    japanese = True
                case _:
                    word = fold(run.group())
                    tokens.append(Token(word, word, "noun", run.start(), run.end()))
        if japanese:
            tokens += self._japanese(normal)
        # of those that start together the longest comes first, so that parts follow their whole
        return tuple(sorted(tokens, key=lambda token: (token.start, -token.end)))

    def _japanese(self, text: str) -> list[Token]:
        """Sudachi reads whole lines, Latin words included: cut off from its noun, a particle is not known as one."""
        tokens: list[Token] = []
        for piece in _PIECE.finditer(text):
            if not JAPANESE.search(piece.group()):
                continue
            for morpheme in self._tokenizer().tokenize(piece.group()):
                surface = morpheme.surface()
                pos = morpheme.part_of_speech()
                if pos[0] in _DROPPED or not JAPANESE.search(surface):
                    continue
                start, end = piece.start() + morpheme.begin(), piece.start() + morpheme.end()
                before = tokens[-1].kind if tokens and tokens[-1].end == start else None
                if pos[0] == "接尾辞" and before in _MADE_NOUNS.get(surface, ()):
                    # a noun made of an adjective or verb (高さ, 進め方): it is asked for, the other stays findable
                    stem = tokens.pop()
                    word = stem.surface + surface
                    tokens += [Token(word, word, "noun", stem.start, end), replace(stem, kind="weak")]
                    continue
                form = _katakana_folded(fold(morpheme.normalized_form()))
                tokens.append(Token(form, surface, _kind(form, surface, pos), start, end))
        return tokens

    def synonyms(self, word: str) -> frozenset[int]:
        """What a word, taken by itself, may mean: numbers that words of one meaning share, across languages.

        Empty where neither Sudachi's dictionary nor the glossary knows of any, and for a word of more than a few
        meanings.
        """
        found = self.meanings(word)
        return frozenset[int]().union(*(m.numbers for m in found if m.start == 0 and m.end == len(word)))

    def meanings(self, text: str) -> tuple[Meaning, ...]:
        """What `text`, one line, names that dictionaries know other words for."""
        return self._meanings(text) if len(text) <= LINE else self._meant(text)

    def _meant(self, text: str) -> tuple[Meaning, ...]:
        from sudachipy import SplitMode

        normal = unicodedata.normalize("NFKC", text)
        lower = normal.lower() if len(normal.lower()) == len(normal) else normal
        found = list(of_glossary(lower, spine(self.tokens(text))))
        for piece in _PIECE.finditer(lower):
            words = self._tokenizer().tokenize(piece.group(), SplitMode.C)
            found += of_morphemes(words, SplitMode.A, piece.start())
        return tuple(found)

    def words(self, text: str) -> Counter[str]:
        """Terms of `text` with their counts, for the index."""
        return Counter(t.form for t in self.tokens(text))

    def query(self, text: str) -> "QueryTerms":
        """What of a query is looked up: its words without those that only ask, and its bigrams."""
        tokens = tuple(self.tokens(text))
        tokens = tuple(t for t in tokens if t.kind != "question") or tokens
        subject = [t for t in tokens if t.kind not in ("weak", "affix", "question")]
        japanese = sum(JAPANESE.search(t.surface) is not None for t in subject)
        share = japanese / len(subject) if subject else 1.0
        return QueryTerms(tokens, Counter(t.form for t in tokens), self.grams(text), share)

    def grams(self, text: str) -> Counter[str]:
        """Character bigrams of the Japanese runs of `text` with their counts; a run of one character counts as it is."""
        counts: Counter[str] = Counter()
        if not JAPANESE.search(text):
            return counts
        for run in _RUN.finditer(fold(text)):
            if run.lastgroup == "japanese":
                piece = run.group()
                counts.update(
                    [piece] if len(piece) == 1 else (piece[i : i + 2] for i in range(len(piece) - 1))
                )
        return counts


def spine(tokens: Sequence[Token]) -> list[Token]:
    """Tokens one behind the other, without the parts of words that stand there whole."""
    kept: list[Token] = []
    for token in tokens:
        if not kept or token.start >= kept[-1].end:
            kept.append(token)
    return kept


def _katakana_folded(form: str) -> str:
    """Longer katakana words without long marks and small tsu: インデックス, インデクス and サーバー, サーバ meet."""
    if len(form) >= 4 and _KATAKANA.fullmatch(form):
        return form.replace("ー", "").replace("ッ", "")
    return form


def _kind(form: str, surface: str, pos: tuple[str, ...]) -> TokenKind:
    if form in JAPANESE_QUESTION or surface in JAPANESE_QUESTION:
        return "question"
    match pos[0]:
        case "名詞" if pos[1] == "数詞":
            return "number"
        case "名詞" if pos[1] == "固有名詞":
            return "name"
        case "接尾辞" | "接頭辞":
            return "affix"
        case "名詞" if pos[2].startswith("助数詞") and len(surface) == 1:
            return "affix"
        case "名詞" | "形状詞" if pos[1] != "助動詞語幹":
            return "noun"
        case "動詞" | "形容詞" if pos[1] == "一般":
            return "predicate"
        case "副詞":
            return "weak"
        case _:
            return "weak"


def _dates(text: str) -> list[Token]:
    """Days and months in one form, however they are written: 12/3, 12月3日 and December 3 meet.

    2024/02/13 is found without its year too, and by its month.
    """
    tokens = []
    for found in _DATE.finditer(text):
        if not found["year"] and found.group()[len(found["month"])] in ".-":
            continue  # 1.5 and 3-4 are no days
        tokens += _date(found, found["year"], int(found["month"]), found["day"])
    for found in _MONTH.finditer(text):
        tokens += _date(found, found["year"] or found["of"], int(found["month"] or found["number"]), None)
    for found in _ENGLISH_DATE.finditer(text):
        month = 1 + _MONTHS.index((found["name"] or found["second"])[:3].lower())
        year = found["year"] or found["alone"] or found["third"]
        tokens += _date(found, year, month, found["day"] or found["first"])
    return tokens


def _date(found: re.Match[str], year: str | None, month: int, day: str | None) -> list[Token]:
    """The date as closely as it is written, then what it is found by as well."""
    forms = [f"--{month:02}"]
    if year:
        forms.insert(0, f"{year}-{month:02}")
    if day:
        forms = [f"{form}-{int(day):02}" for form in forms] + forms
    start, end = found.span()
    return [Token(form, found.group(), "weak" if n else "number", start, end) for n, form in enumerate(forms)]


def _number(run: str, at: int) -> list[Token]:
    end = at + len(run)
    tokens = [Token(run, run, "number", at, end)]
    parts = re.findall(r"\d+", run)
    if len(parts) > 1:  # a date or a ratio is found by its parts too: 2023/07/06 by 2023
        tokens += [Token(p, p, "weak", at, end) for p in parts]
    return tokens


def _latin(run: str, at: int) -> list[Token]:
    end = at + len(run)
    return [Token(form, surface, kind, at, end) for form, surface, kind in _latin_terms(run)]


@lru_cache(maxsize=65536)
def _latin_terms(run: str) -> tuple[tuple[str, str, TokenKind], ...]:
    """Form, surface and kind of a word and of its parts."""
    whole = fold(run).replace("’", "'")
    bare = whole.removesuffix("'s")
    if whole in ENGLISH_QUESTION or bare in ENGLISH_QUESTION:
        return ((bare, bare, "question"),)
    if bare in ENGLISH_STOP:
        return ((bare, bare, "weak"),)
    terms: list[tuple[str, str, TokenKind]] = [(stem(bare), bare, "latin")]
    parts = [fold(p) for p in _PARTS.findall(run.removesuffix("'s").removesuffix("’s"))]
    if len(parts) > 1:
        terms += [(stem(p), p, "weak") for p in parts if len(p) > 1 and p not in ENGLISH_STOP]
    return tuple(terms)
