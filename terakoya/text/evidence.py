"""How much of a question a piece of text speaks of: lexical evidence, without a model."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property
from typing import Final

from terakoya.text.analyser import Analyser, Token, TokenKind
from terakoya.text.language import language_of
from terakoya.text.normalise import squeeze
from terakoya.text.question import QuestionTerm
from terakoya.text.sounds import Sounds
from terakoya.text.stemming import stem

_APART: Final = 0.9
"""Evidence for a compound whose parts all stand in the text, but not together."""
_SYNONYM: Final = 0.8
"""Evidence for a word in whose place another of the same meaning stands."""
_INSIDE: Final = 0.8
"""Evidence for a word that stands there only as a part of a hyphenated name: rank in Low-Rank Adaptation."""
_OPPOSITES: Final = ("でめりっと", "めりっと")
"""A word that has its opposite in it, and the opposite."""
_WITH_SYNONYMS: Final = frozenset[TokenKind]({"noun", "predicate", "latin"})
_NUMBERED: Final = re.compile(r"([a-z]{3,})[-‐–]?(\d+)")
_ACCENTED: Final = re.compile("[À-ɏ]")
_ACCENT: Final = re.compile("[\u0300-\u036f]")
_GREEK: Final = {
    chr(code): stem(unicodedata.name(chr(code)).rsplit(" ", 1)[-1].lower().replace("lamda", "lambda"))
    for code in range(0x3B1, 0x3CA)
}
"""Letters by their names, which formulas write: β and \\beta are one."""
_KANJI_DIGITS: Final = str.maketrans("〇一二三四五六七八九", "0123456789")

_KATAKANA_TO_HIRAGANA: Final = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}


def _even(text: str) -> str:
    """Without white space, width, case, accents and the kind of kana and numeral.

    じゃがいも and ジャガイモ are one word, and so are Köppen and Koppen.
    """
    even = squeeze(text)
    if _ACCENTED.search(even):
        even = unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFD", even)))
    return even.translate(_KATAKANA_TO_HIRAGANA).translate(_KANJI_DIGITS)


def _form(token: Token) -> str:
    return token.form.translate(_KANJI_DIGITS) if token.kind == "number" else token.form


class Reading:
    """A piece of text, analysed once, that tells which terms stand in it."""

    def __init__(self, text: str, tokens: Sequence[Token], analyser: Analyser) -> None:
        self.text = text
        self.tokens = tokens
        self.forms = frozenset(_form(token) for token in tokens)
        self.content = frozenset(t.form for t in tokens if t.kind not in ("weak", "affix", "question"))
        self.language = language_of(text)
        self._analyser = analyser
        self._even = _even(text)

    @cached_property
    def _meanings(self) -> frozenset[int]:
        lines = self.text.split("\n")
        return frozenset(n for line in lines for m in self._analyser.meanings(line) for n in m.numbers)

    @cached_property
    def _sounds(self) -> Sounds:
        return Sounds(unicodedata.normalize("NFKC", self.text))

    @classmethod
    def of(cls, text: str, analyser: Analyser) -> "Reading":
        """Analyses `text`."""
        return cls(text, [token for line in text.split("\n") for token in analyser.tokens(line)], analyser)

    def under(self, above: "Reading") -> "Reading":
        """This text with what stands above it, as one."""
        tokens = (*above.tokens, *self.tokens)
        return Reading(f"{above.text}\n{self.text}", tokens, self._analyser)

    def holds(self, token: Token) -> bool:
        """Whether the token stands in the text, as a term or, where it is long enough, inside a longer word."""
        if _form(token) in self.forms or _GREEK.get(token.form) in self.forms:
            return True
        surface = _even(token.surface)
        if token.kind == "number":
            return False
        even = self._even
        if surface == _OPPOSITES[1]:
            even = even.replace(_OPPOSITES[0], "")
        return len(surface) > (3 if token.kind == "latin" else 1) and surface in even

    def _inside(self, token: Token) -> bool:
        """Whether a Latin word stands here only within hyphenated names."""
        if token.kind != "latin" or token.form not in self._hyphenated:
            return False
        return not any(t.form == token.form and t.kind == "latin" for t in self.tokens)

    @cached_property
    def _hyphenated(self) -> frozenset[str]:
        """The parts of hyphenated names."""
        names = {(t.start, t.end) for t in self.tokens if "-" in t.surface}
        return frozenset(t.form for t in self.tokens if t.kind == "weak" and (t.start, t.end) in names)

    def speaks_of(self, token: Token) -> float:
        """1 where the token stands in the text, less where only a word of the same meaning does, else 0."""
        if self.holds(token):
            return _INSIDE if self._inside(token) else 1.0
        if token.kind not in _WITH_SYNONYMS:
            return 0.0
        return _SYNONYM if self._means(token) or self._sounds.hold(token.surface) else 0.0

    def _means(self, token: Token) -> bool:
        groups = self._analyser.synonyms(token.surface)
        if groups and not self._meanings.isdisjoint(groups):
            return True
        numbered = _NUMBERED.fullmatch(token.surface)  # carbon-14 and 炭素14
        if not numbered:
            return False
        word, number = self._analyser.synonyms(numbered[1]), numbered[2]
        return number in self.forms and not self._meanings.isdisjoint(word)

    def evidence(self, term: QuestionTerm) -> float:
        """How far the text speaks of `term`: 1 where it stands there as written, less where only parts do.

        Parts of a compound count by the square of their share: half of a name is hardly evidence for it. A
        number inside a compound (第4正規形) has to be right. Another name of the same thing is nearly as good.
        """
        held = self._as_written(term)
        if held >= _SYNONYM:
            return held
        named = not self._meanings.isdisjoint(term.meanings) or self._sounds.hold(term.surface)
        return _SYNONYM if named else held

    def _as_written(self, term: QuestionTerm) -> float:
        if len(term.tokens) == 1:
            return self.speaks_of(term.tokens[0][0])
        if _even(term.surface) in self._even:
            return 1.0
        if any(token.kind == "number" and not self.holds(token) for token, _ in term.tokens):
            return 0.0
        total = sum(weight for _, weight in term.tokens)
        held = sum(weight * self.speaks_of(token) for token, weight in term.tokens)
        if not total:
            return 0.0
        # KVCacheクラス is a name with a noun beside it: the name alone is worth its share
        mixed = len({token.surface.isascii() for token, _ in term.tokens}) > 1
        return _APART * (held / total) ** (1 if mixed else 2)
