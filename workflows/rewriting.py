"""Puts a question that was found little for in other words: its spelling, its subject alone, a model's proposals."""

from collections.abc import Iterable, Sequence

from terakoya.text.question import Question


def rewritten(questions: Sequence[Question], spellings: Iterable[str], tried: Iterable[str]) -> list[str]:
    """Queries that were not tried yet, the surest first.

    Args:
        questions: The sub-questions that were found little for.
        spellings: What search proposed where words of a query stand in no note.
        tried: What was searched for already.
    """
    found = [*spellings, *(about for q in questions if (about := subject_alone(q)))]
    known = {_even(query) for query in tried}
    return [query for query in dict.fromkeys(found) if _even(query) not in known]


def subject_alone(question: Question) -> str:
    """Only what the question is about, without what is asked of it; empty where that is the same or nothing."""
    subject = [term for term in question.terms if not term.generic]
    if not subject or len(subject) == len(question.terms):
        return ""
    return " ".join(question.spelling(term) for term in subject)


def _even(query: str) -> str:
    return " ".join(query.split()).casefold()
