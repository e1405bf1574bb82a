"""Whether an abbreviation is made of a phrase's initials.

After Schwartz and Hearst, "A Simple Algorithm for Identifying Abbreviation Definitions in Biomedical Text"
(2003), but stricter: every word that carries meaning must give its first letter, and all but one of the
letters beside the initials must follow theirs directly (RMSNorm, RoPE; HTML has the one in hyperText).
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

_WORD: Final = re.compile(r"[A-Za-zÀ-ɏ]+|\d+")
_SMALL: Final = frozenset(
    {
        "a",
        "an",
        "and",
        "as",
        "at",
        "by",
        "de",
        "for",
        "from",
        "in",
        "into",
        "of",
        "on",
        "or",
        "the",
        "to",
        "with",
    }
)
_DIGITS: Final = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "zero": "0"}
_ABBREVIATION: Final = re.compile(
    r"(?=(?:[^A-Z]*[A-Z]){2}|[^A-Z\d]*(?:[A-Z][^\d]*\d|\d[^A-Z]*[A-Z]))[A-Za-z\d][A-Za-z\d&/.+-]{1,9}"
)
_MOST_WORDS: Final = 10
_LOOSE: Final = 1
"""Letters that may come from the inside of a word, behind others: the T of HTML."""


def is_abbreviation(term: str) -> bool:
    """Two to ten letters without a space, two of which are capitals, or one and a digit: RAG, MoE, 2FA."""
    return _ABBREVIATION.fullmatch(term) is not None


def words_of(phrase: str) -> list[str]:
    """The words of a Latin phrase in lower case; what hyphens join are words of their own."""
    return [word.lower() for word in _WORD.findall(re.sub(r"['’]\w*", "", phrase))]


def weighty(phrase: str) -> int:
    """How many of the words of a Latin phrase carry meaning."""
    return sum(word not in _SMALL for word in words_of(phrase))


def borne_out(short: str, phrase: str, *, loose: int = _LOOSE) -> bool:
    """Whether the letters of `short` stand for the words of `phrase`, of which there are two at least.

    Args:
        short: The abbreviation.
        phrase: Latin words.
        loose: Letters that may come from the inside of a word, behind others.
    """
    words = words_of(phrase)
    letters = "".join(c for c in short.lower() if c.isalnum())
    if len(letters) > 2 and short.endswith("s") and short[:-1].isupper():
        letters = letters[:-1]  # LLMs
    if not 2 <= len(words) <= _MOST_WORDS or not 2 <= len(letters) <= len("".join(words)):
        return False
    return sum(word not in _SMALL for word in words) > 1 and _spelt(letters, tuple(words), loose)


def leading(short: str, words: Sequence[str]) -> int:
    """How many of `words` from the first one on bear `short` out; 0 where none do.

    All of them where they do, else as few as do with initials alone, else as few as do at all.
    """
    if borne_out(short, " ".join(words)):
        return len(words)
    for loose in (0, _LOOSE):
        for count in range(1, min(len(words), _MOST_WORDS) + 1):
            if borne_out(short, " ".join(words[:count]), loose=loose):
                return count
    return 0


def _spelt(letters: str, words: tuple[str, ...], most_loose: int) -> bool:
    @cache
    def from_here(letter: int, word: int, loose: int) -> bool:
        if word == len(words):
            return letter == len(letters)
        current = words[word]
        if current in _SMALL and from_here(letter, word + 1, loose):
            return True
        if letter == len(letters):
            return False
        if letters[letter] == "x" and current.startswith(("ex", "cross", "trans")):
            return from_here(letter + 1, word + 1, loose)
        if _DIGITS.get(current) == letters[letter] and from_here(letter + 1, word + 1, loose):
            return True
        if current[0] != letters[letter]:
            return False
        return inside(letter + 1, word, 1, loose)

    def inside(letter: int, word: int, at: int, loose: int) -> bool:
        """With `at` characters of the word behind us: on to the next word, or further in this one."""
        if from_here(letter, word + 1, loose):
            return True
        current = words[word]
        if letter == len(letters) or at >= len(current):
            return False
        if current[at] == letters[letter] and inside(letter + 1, word, at + 1, loose):
            return True
        further = current.find(letters[letter], at + 1)
        return further > 0 and loose > 0 and inside(letter + 1, word, further + 1, loose - 1)

    return from_here(0, 0, most_loose)
