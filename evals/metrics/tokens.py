"""From a text to what metrics compare: its tokens as SQuAD counts them, its claims, and its words of substance."""

import re
import string
import unicodedata
from functools import cache
from typing import Final

from terakoya.text.analyser import Analyser, Token
from terakoya.text.evidence import Reading
from terakoya.text.language import JAPANESE
from terakoya.text.normalise import fold, printable
from terakoya.text.sentences import sentence_spans

MARK: Final = re.compile(r"\s?\[\d{1,3}\]")
"""The mark of a citation in an answer."""
_ARTICLES: Final = re.compile(r"\b(?:a|an|the)\b")
_ASCII_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)
_UNIT: Final = re.compile(rf"{JAPANESE.pattern}|[^\W_](?:(?!{JAPANESE.pattern})[^\W_])*")
_NO_SUBSTANCE: Final = frozenset({"weak", "affix", "question"})


def squad_tokens(text: str, *, japanese: bool) -> list[str]:
    """The tokens of `text` for exact match and F1.

    English as SQuAD's own scoring has it (Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for Machine
    Comprehension of Text", section 6.1): lower case, ASCII punctuation taken out, the articles a, an, the taken
    out, cut at white space. Japanese is written without spaces: after NFKC, in lower case and without
    punctuation and white space, every kana and kanji is a token, and so is every run of other letters and
    digits.
    """
    if japanese:
        return _UNIT.findall(fold(text))
    return _ARTICLES.sub(" ", text.lower().translate(_ASCII_PUNCTUATION)).split()


def is_japanese(text: str) -> bool:
    """Whether a text is compared by characters: one kana or kanji is enough."""
    return JAPANESE.search(unicodedata.normalize("NFKC", text)) is not None


def plain(answer: str) -> str:
    """An answer without its citation marks."""
    return MARK.sub("", answer)


def claims(answer: str) -> list[str]:
    """The sentences of an answer, a line of a list or table being one at least.

    A sentence that ends with a colon introduces others and claims nothing; marks of citations are taken out.
    """
    lines = [line for line in plain(answer).split("\n") if line.strip()]
    pieces = [line[start:end] for line in lines for start, end in sentence_spans(line)]
    return [piece for piece in pieces if not piece.rstrip("*_ ").endswith((":", "："))]


def substance(text: str) -> list[Token]:
    """The terms of `text` that carry a subject: no function words, no words that ask."""
    return [token for token in reading(text).tokens if token.kind not in _NO_SUBSTANCE]


def held_share(terms: list[Token], text: Reading) -> float:
    """Share of `terms` that stand in `text`, 0 to 1; 0 where a number among them does not."""
    if any(term.kind == "number" and not text.holds(term) for term in terms):
        return 0.0
    return sum(map(text.holds, terms)) / len(terms) if terms else 1.0


def reading(text: str) -> Reading:
    """`text`, analysed as the index analyses notes; what a model cut a character to is replaced."""
    return Reading.of(printable(text), _analyser())


@cache
def _analyser() -> Analyser:
    # Loading the dictionary takes longer than reading a suite.
    return Analyser()
