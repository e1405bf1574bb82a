"""Puts a question that was found little for in other words: spelling, translation, subject, a model's proposals."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from terakoya.text.glossary import entry
from terakoya.text.question import Question
from terakoya.types import Language

_KATAKANA: Final = re.compile(r"[ァ-ヴー・]+")
_LATIN: Final = re.compile(r"[A-Za-zÀ-ɏ]+")
_SLIP: Final = 5
"""Letters of the shortest word in which one slip is taken for one."""
_OTHER_LETTER: Final = 7
_MOST_MEANINGS: Final = 2
"""Names in the other language that one term is searched under."""


def rewritten(questions: Sequence[Question], spellings: Iterable[str], tried: Iterable[str]) -> list[str]:
    """Queries that were not tried yet, the surest first.

    Args:
        questions: The sub-questions that were found little for.
        spellings: What search proposed where words of a query stand in no note.
        tried: What was searched for already.
    """
    translated = (words for q in questions if (words := in_other_language(q)))
    subjects = (about for q in questions if (about := subject_alone(q)))
    known = {_even(query) for query in tried}
    return [q for q in dict.fromkeys((*spellings, *translated, *subjects)) if _even(q) not in known]


def renamed(question: str, names: Mapping[str, str]) -> str:
    """`question` with other names of what it names."""
    for term, other in names.items():
        question = question.replace(term, other, 1)
    return question


def respelled(question: str, spellings: Iterable[str]) -> list[str]:
    """Those of `spellings` in which only slips of the pen in Latin words of `question` are mended.

    A slip is one letter left out, put in, or exchanged with its neighbour, in a word of five letters or more that
    keeps its first; another letter in its place is one from seven on, as Llama and Llava are two names.
    """
    said = _LATIN.findall(question)
    found: list[str] = []
    for spelling in spellings:
        pairs = list(zip(said, _LATIN.findall(spelling), strict=False))
        changed = [(one.lower(), other.lower()) for one, other in pairs if one != other]
        if (
            changed
            and _LATIN.sub("", question) == _LATIN.sub("", spelling)
            and all(_slip(*c) for c in changed)
        ):
            found.append(spelling)
    return found


def _slip(one: str, other: str) -> bool:
    if min(len(one), len(other)) < _SLIP or one[0] != other[0]:
        return False
    if len(one) == len(other):
        at = [n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        exchanged = (
            len(at) == 2 and at[1] == at[0] + 1 and one[at[0]] == other[at[1]] and one[at[1]] == other[at[0]]
        )
        return exchanged or (len(at) == 1 and len(one) >= _OTHER_LETTER)
    longer, shorter = sorted((one, other), key=len, reverse=True)
    return len(longer) == len(shorter) + 1 and any(
        longer[:n] + longer[n + 1 :] == shorter for n in range(len(longer))
    )


def subject_alone(question: Question) -> str:
    """Only what the question is about, without what is asked of it; empty where that is the same or nothing."""
    subject = [term for term in question.terms if not term.generic]
    if not subject or len(subject) == len(question.terms):
        return ""
    return " ".join(question.spelling(term) for term in subject)


def in_other_language(question: Question) -> str:
    """The key terms of a question in the other language, by the glossary; empty where it knows none of them.

    Names, and numbers, stay as they are: they are written alike, or in the note's own way.
    """
    other: Language = "en" if question.language == "ja" else "ja"
    words: list[str] = []
    known = False
    for term in question.subject:
        found = [e for n in sorted(term.meanings, reverse=True) if (e := entry(n))][:_MOST_MEANINGS]
        known = known or bool(found)
        kept = () if term.ordinary else (question.spelling(term),)
        words += [name for e in found for name in _usual(e.names(other))] or kept
    return " ".join(dict.fromkeys(words)) if known else ""


def _usual(names: Sequence[str]) -> list[str]:
    """The first name of a thing, and the first in katakana, which learners often write for an English word."""
    return list(dict.fromkeys((names[0], *[n for n in names if _KATAKANA.fullmatch(n)][:1])))


def _even(query: str) -> str:
    return " ".join(query.split()).casefold()
