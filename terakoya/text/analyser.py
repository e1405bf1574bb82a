"""From text to terms: one analyser for index, query and evidence.

Japanese runs are cut by Sudachi in mode A (short units) into normalised forms, so that spelling variants
(サーバ, サーバー) meet; character bigrams are kept beside them, which find what the dictionary cuts apart.
Latin words are folded and stemmed (Snowball, English), identifiers are kept whole and in parts.
"""

import re
import threading
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final, Literal

from terakoya.text.normalise import fold
from terakoya.text.stopwords import ENGLISH_QUESTION, ENGLISH_STOP, JAPANESE_QUESTION

TokenKind = Literal["noun", "name", "predicate", "number", "latin", "weak", "question"]

VERSION: Final = "1"
_RUN: Final = re.compile(
    r"(?P<number>\d+(?:[.,:/]\d+)*)"
    r"|(?P<latin>[A-Za-zÀ-ɏ][A-Za-zÀ-ɏ0-9]*(?:[-_.'’/&][A-Za-zÀ-ɏ0-9]+)*(?:\+\+|#)?)"
    r"|(?P<japanese>[\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+)"
    r"|(?P<other>[^\W\d_]+)"
)
_PARTS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-zà-ɏ]+|[À-ɏ]+|\d+")
_KANJI_DIGITS: Final = str.maketrans("〇一二三四五六七八九", "0123456789")
_DROPPED: Final = frozenset({"助詞", "助動詞", "補助記号", "空白", "記号"})
_LONGEST_RUN: Final = 4000
"""Sudachi refuses more than 49,149 bytes at once; what is longer is cut here, which no word reaches."""


@dataclass(frozen=True, slots=True)
class Token:
    """One term of a text.

    Attributes:
        form: What is compared: normalised, folded, stemmed.
        surface: As it stands in the folded text.
        kind: What it is; `weak` words are indexed but are no evidence, `question` words ask.
    """

    form: str
    surface: str
    kind: TokenKind


@lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    return _stemmer.stemWord(word)  # type: ignore[no-any-return]


class _Stemmer:
    """Snowball's English stemmer; the C object is not safe in several threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @cached_property
    def _english(self) -> Any:
        import Stemmer

        return Stemmer.Stemmer("english")

    def stemWord(self, word: str) -> Any:  # noqa: N802 - the name of the wrapped method
        with self._lock:
            return self._english.stemWord(word)


_stemmer = _Stemmer()


class Analyser:
    """Turns text into terms. Safe in several threads; the dictionary is loaded at first use."""

    def __init__(self) -> None:
        self._local = threading.local()

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

    def tokens(self, text: str) -> list[Token]:
        """All terms of `text`, in order; particles, auxiliaries and marks are left out."""
        tokens: list[Token] = []
        for run in _RUN.finditer(unicodedata.normalize("NFKC", text)):
            match run.lastgroup:
                case "latin":
                    tokens += _latin(run.group())
                case "number":
                    tokens += _number(run.group())
                case "japanese":
                    tokens += self._japanese(run.group())
                case _:
                    tokens.append(Token(fold(run.group()), fold(run.group()), "noun"))
        return tokens

    def _japanese(self, run: str) -> list[Token]:
        tokens = []
        for begin in range(0, len(run), _LONGEST_RUN):
            for morpheme in self._tokenizer().tokenize(run[begin : begin + _LONGEST_RUN]):
                pos = morpheme.part_of_speech()
                if pos[0] in _DROPPED:
                    continue
                surface = morpheme.surface()
                form = fold(morpheme.normalized_form())
                tokens.append(Token(form, surface, _kind(form, surface, pos)))
        return tokens

    def words(self, text: str) -> Counter[str]:
        """Terms of `text` with their counts, for the index."""
        return Counter(t.form for t in self.tokens(text))

    def grams(self, text: str) -> Counter[str]:
        """Character bigrams of the Japanese runs of `text` with their counts; a run of one character counts as it is."""
        counts: Counter[str] = Counter()
        for run in _RUN.finditer(fold(text)):
            if run.lastgroup == "japanese":
                piece = run.group()
                counts.update([piece] if len(piece) == 1 else (piece[i : i + 2] for i in range(len(piece) - 1)))
        return counts


def _kind(form: str, surface: str, pos: tuple[str, ...]) -> TokenKind:
    if form in JAPANESE_QUESTION or surface in JAPANESE_QUESTION:
        return "question"
    match pos[0]:
        case "名詞" if pos[1] == "数詞":
            return "number"
        case "名詞" if pos[1] == "固有名詞":
            return "name"
        case "名詞" if pos[2].startswith("助数詞") and len(surface) == 1:
            return "weak"
        case "名詞" | "形状詞" if pos[1] != "助動詞語幹":
            return "noun"
        case "動詞" | "形容詞" if pos[1] == "一般":
            return "predicate"
        case "副詞":
            return "weak"
        case _:
            return "weak"


def _number(run: str) -> list[Token]:
    tokens = [Token(run, run, "number")]
    parts = re.findall(r"\d+", run)
    if len(parts) > 1:  # a date or a ratio is found by its parts too: 2023/07/06 by 2023
        tokens += [Token(p, p, "weak") for p in parts]
    return tokens


def _latin(run: str) -> list[Token]:
    whole = fold(run).replace("’", "'")
    bare = whole.removesuffix("'s")
    if whole in ENGLISH_QUESTION:
        return [Token(whole, whole, "question")]
    if bare in ENGLISH_STOP:
        return [Token(bare, bare, "weak")]
    tokens = [Token(_stem(bare), bare, "latin")]
    parts = [fold(p) for p in _PARTS.findall(run.removesuffix("'s").removesuffix("’s"))]
    if len(parts) > 1:
        tokens += [Token(_stem(p), p, "weak") for p in parts if len(p) > 1 and p not in ENGLISH_STOP]
    return tokens
