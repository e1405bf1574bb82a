"""What is taken for a question."""

from terakoya.api import MAX_QUESTION
from workflows.guarding.question import guarded_input


def checked_question(question: str) -> str:
    """The question as all that follows gets it.

    Raises:
        BadInput: Nothing is left of it, or it is too long.
    """
    return guarded_input(question, limit=MAX_QUESTION)
