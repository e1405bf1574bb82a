"""Whether a passage supports a claim, without a model."""

import re
from collections.abc import Sequence
from typing import Final

from terakoya.text.analyser import Analyser, Token
from terakoya.text.evidence import Reading
from terakoya.types import Passage
from workflows.guarding.output import addresses
from workflows.guarding.passages import believed, quotable, told_and_asked
from workflows.guarding.suspicion import trusted_path
from workflows.units import Unit, units_of

SUPPORTED: Final = 0.6
"""Share of a claim's content words that its cited passage must hold."""
_SAME: Final = 0.8
"""Share of a sentence's content words in a claim from which on the claim says the same thing, or its opposite."""
_NAME: Final = re.compile(
    r"(?<=[^.!?:\n\s\"'“(*_-]\s)[A-Z][\w'’-]{2,40}|\b[A-Z]{2,20}\b|[\u30a1-\u30fa\u30fc]{4,40}"
)
_NEGATION: Final = re.compile(
    r"\b(?:not|never|no|none|nor|neither|cannot|without)\b|n['’]t\b|"
    r"(?<![少危切汚幼])な(?:い|かっ|く(?!な[っり]))(?!か|ほど|ように)|ません|(?<=[らわかさたばまなが])ず(?:に|、|。|$)|ではな|不可能|できぬ"
)


class Claim:
    """A sentence of an answer, analysed once."""

    def __init__(self, text: str, question: str, analyser: Analyser) -> None:
        self.text = text
        self._analyser = analyser
        self._question = question
        self._tokens = [t for t in Reading.of(text, analyser).tokens if t.kind not in ("weak", "question")]

    def unit_in(self, passage: Passage) -> Unit | None:
        """What of `passage` the claim stands on; None where that is not enough.

        Suspicious parts of a passage support nothing. A question says what is spoken of, so that its answer may be
        short, but what is new in the claim has to be told. Numbers and names have to be right, a negation has to be
        one in the passage, and an address has to stand in what is quoted.
        """
        if not self._tokens:
            return None
        units = [u for u in units_of(passage) if quotable(u)]
        above = "\n".join((*trusted_path(passage.heading), *trusted_path(passage.ancestors)))
        told, asked = told_and_asked(believed(passage))
        if not units or not self._is_told(self._read(f"{above}\n{told}"), self._read(asked)):
            return None
        if not self._names_stand(f"{above}\n{told}\n{asked}\n{self._question}"):
            return None
        best = max(units, key=lambda u: (sum(map(self._read(u.text).holds, self._tokens)), -len(u.text)))
        if addresses(self.text) - addresses(best.text) - addresses(self._question):
            return None
        return None if self._contradicts(best.text) else best

    def _read(self, text: str) -> Reading:
        return Reading.of(text, self._analyser)

    def _is_told(self, told: Reading, asked: Reading) -> bool:
        if any(t.kind == "number" and not told.holds(t) for t in self._tokens):
            return False
        if _share(self._tokens, told) >= SUPPORTED:
            return True
        new = [t for t in self._tokens if not asked.holds(t)]
        both = sum(told.holds(t) or asked.holds(t) for t in self._tokens) / len(self._tokens)
        return bool(new) and both >= SUPPORTED and _share(new, told) >= SUPPORTED

    def _names_stand(self, text: str) -> bool:
        known = self._read(text)
        return all(
            known.holds(token)
            for name in _NAME.findall(self.text)
            for token in self._read(name).tokens
            if token.kind not in ("weak", "question", "affix")
        )

    def _contradicts(self, unit: str) -> bool:
        """The claim denies what its place does not deny, or says of what it denies that it is so."""
        denies, denied = bool(_NEGATION.search(self.text)), bool(_NEGATION.search(unit))
        if denies == denied:
            return False
        if denies:
            return not _NEGATION.search(self._question)
        said = [t for t in self._read(unit).tokens if t.kind not in ("weak", "question")]
        return bool(said) and _share(said, self._read(self.text)) >= _SAME


def _share(tokens: Sequence[Token], reading: Reading) -> float:
    return sum(map(reading.holds, tokens)) / len(tokens)
