"""Puts a question that was found little for in other words: spelling, translation, subject, a model's proposals."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from terakoya.text.glossary import entry
from terakoya.text.question import Question
from terakoya.types import Language

_KATAKANA: Final = re.compile(r"[ァ-ヴー・]+")
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
