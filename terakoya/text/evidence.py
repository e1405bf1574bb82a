"""How much of a question a piece of text speaks of: lexical evidence, without a model."""

from collections.abc import Sequence
from typing import Final

from terakoya.text.analyser import Analyser, Token
from terakoya.text.language import language_of
from terakoya.text.normalise import squeeze
from terakoya.text.question import QuestionTerm

_APART: Final = 0.9
"""Evidence for a compound whose parts all stand in the text, but not together."""


_KATAKANA_TO_HIRAGANA: Final = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}


def _even(text: str) -> str:
    """Without white space, width, case and the kind of kana: じゃがいも and ジャガイモ are one word."""
    return squeeze(text).translate(_KATAKANA_TO_HIRAGANA)


class Reading:
    """A piece of text, analysed once, that tells which terms stand in it."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.forms = frozenset(token.form for token in tokens)
        self.content = frozenset(t.form for t in tokens if t.kind not in ("weak", "affix", "question"))
        self.language = language_of(text)
        self._even = _even(text)

    @classmethod
    def of(cls, text: str, analyser: Analyser) -> "Reading":
        """Analyses `text`."""
        return cls(text, [token for line in text.split("\n") for token in analyser.tokens(line)])

    def holds(self, token: Token) -> bool:
        """Whether the token stands in the text, as a term or, where it is long enough, inside a longer word."""
        if token.form in self.forms:
            return True
        surface = _even(token.surface)
        if token.kind == "number":
            return False
        return len(surface) > (3 if token.kind == "latin" else 1) and surface in self._even

    def evidence(self, term: QuestionTerm) -> float:
        """How far the text speaks of `term`: 1 where it stands there as written, less where only parts do.

        Parts of a compound count by the square of their share: half of a name is hardly evidence for it. A
        number inside a compound (第4正規形) has to be right.
        """
        if len(term.tokens) == 1:
            return float(self.holds(term.tokens[0][0]))
        if _even(term.surface) in self._even:
            return 1.0
        if any(token.kind == "number" and not self.holds(token) for token, _ in term.tokens):
            return 0.0
        total = sum(weight for _, weight in term.tokens)
        held = sum(weight for token, weight in term.tokens if self.holds(token))
        if not total:
            return 0.0
        # KVCacheクラス is a name with a noun beside it: the name alone is worth its share
        mixed = len({token.surface.isascii() for token, _ in term.tokens}) > 1
        return _APART * (held / total) ** (1 if mixed else 2)
