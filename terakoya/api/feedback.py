"""Thumbs on answers, and the cases that are made of them."""

from typing import Literal

from pydantic import Field

from terakoya.api.asking import CitationModel
from terakoya.api.schema import Schema


class FeedbackRequest(Schema):
    """A thumb on an answer: 1 up, 0 down."""

    trace_id: str = Field(pattern="^[0-9a-f]{32}$")
    value: Literal[0, 1]
    comment: str = Field(default="", max_length=4000)


class RatedAnswer(Schema):
    """An answer of a conversation, with the thumb that it got."""

    question: str
    answer: str
    value: int
    comment: str
    trace_id: str


class FeedbackItem(Schema):
    """A thumb that was given, with what it is about; question and answer are empty where that is gone."""

    trace_id: str
    value: Literal[0, 1]
    comment: str = ""
    given_at: str
    thread_id: str = ""
    question: str = ""
    earlier: list[str] = []
    answer: str = ""
    model: str = ""
    citations: list[CitationModel] = []


class PlaceModel(Schema):
    """A line of a note that may answer, as `SOURCE:LINE`; `cited` where the answer stood on it."""

    place: str
    text: str
    cited: bool = False


class CaseDraft(Schema):
    """What is known of a case before a person says what a good answer is; `places` are the likeliest first."""

    question: str
    earlier: list[str] = []
    places: list[PlaceModel] = []


class CaseRequest(Schema):
    """What a good answer is: texts that it holds, lines that it stands on, or that the notes do not say."""

    expected: list[str] = Field(default=[], max_length=20)
    passages: list[str] = Field(default=[], max_length=20)
    unanswerable: bool = False
    must_pass: bool = False


class CaseMade(Schema):
    """The case: its id, its suite and file, and the line; 0 where the suite asked it already.

    `later` says why it is not in Langfuse yet, where that is configured.
    """

    case: str
    suite: str
    path: str
    line: int
    langfuse: bool = False
    later: str = ""
