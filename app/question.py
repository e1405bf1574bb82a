"""What is taken for a question."""

from terakoya.api import MAX_QUESTION
from terakoya.errors import BadInput
from terakoya.text.normalise import printable


def checked_question(question: str) -> str:
    """The question without control characters.

    Raises:
        BadInput: Nothing is left, or it is too long.
    """
    asked = printable(question).strip()
    if not asked:
        raise BadInput("question_empty")
    if len(asked) > MAX_QUESTION:
        raise BadInput("question_long", length=len(asked), limit=MAX_QUESTION)
    return asked
