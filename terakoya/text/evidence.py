"""How much of a question a piece of text speaks of: lexical evidence, without a model."""

from collections.abc import Sequence

from terakoya.text.analyser import Analyser, Token
from terakoya.text.language import language_of
from terakoya.text.normalise import squeeze


class Reading:
    """A piece of text, analysed once, that tells which terms stand in it."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.forms = frozenset(token.form for token in tokens)
        self.content = frozenset(t.form for t in tokens if t.kind not in ("weak", "question"))
        self.language = language_of(text)
        self._squeezed = squeeze(text)

    @classmethod
    def of(cls, text: str, analyser: Analyser) -> "Reading":
        """Analyses `text`."""
        return cls(text, analyser.tokens(text))

    def holds(self, token: Token) -> bool:
        """Whether the term stands in the text, as a term or, where it is long enough, inside a longer word."""
        if token.form in self.forms:
            return True
        surface = squeeze(token.surface)
        if token.kind == "number":
            return False
        return len(surface) > (3 if token.kind == "latin" else 1) and surface in self._squeezed
