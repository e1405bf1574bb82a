"""Questions, answers with their citations, threads and thumbs."""

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from terakoya.api.schema import Schema
from terakoya.catalogue import text
from terakoya.types import Citation, Effort, Outcome, SecondMessage

ThreadState = Literal["quiet", "running", "asking", "unfinished"]
MAX_QUESTION = 20_000
"""Code points of the longest question that is taken."""
MAX_NAME = 200
"""Code points of the longest name of a conversation that a client may choose."""


def page_name(source: str, page: int | None, *, language: str | None = None) -> str:
    """Where in `source` a person looks, such as `slide 3`; empty for a note without pages."""
    if page is None:
        return ""
    lower = source.lower()
    if lower.endswith(".pptx"):
        return text("answer.on_slide", language=language, number=page)
    if lower.endswith(".epub"):
        return text("answer.in_chapter", language=language, number=page)
    return text("answer.on_page", language=language, number=page)


class AskRequest(Schema):
    """A question. Without `thread_id` a new thread begins.

    `second_message` says what becomes of it while another one of the thread is being answered; without it the thread's
    own choice counts, and then the settings.
    """

    question: str
    effort: Effort = "normal"
    thread_id: str | None = Field(default=None, max_length=MAX_NAME)
    second_message: SecondMessage | None = None


class CitationModel(Schema):
    """Where a part of an answer stands; `marks` are the terms of the question, as offsets in `quote`.

    `suspicion` says what the quote would do where it reads like an order to the assistant, and is empty where it
    does not.
    """

    marker: int
    source: str
    heading: list[str]
    start_line: int
    end_line: int
    start: int
    end: int
    quote: str
    page: int | None = None
    marks: list[tuple[int, int]] = []
    suspicion: str = ""

    @classmethod
    def of(cls, c: Citation) -> "CitationModel":
        """From the inner shape."""
        return cls(
            marker=c.marker,
            source=c.source,
            heading=list(c.heading),
            start_line=c.start_line,
            end_line=c.end_line,
            start=c.start,
            end=c.end,
            quote=c.quote,
            page=c.page,
            marks=list(c.marks),
            suspicion=c.suspicion,
        )


class AskResult(Schema):
    """What a question gave; `interrupted` stands in the JSON only where a person cut the answer short.

    `suspicious` are places among the passages found that read like orders to the assistant. They were neither
    followed nor quoted.
    """

    question: str
    answer: str
    answered: bool
    citations: list[CitationModel]
    model: str
    effort: Effort
    thread_id: str
    trace_id: str
    timings: dict[str, float]
    suspicious: list[CitationModel] = []
    interrupted: bool = False

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        if not self.interrupted:
            fields.pop("interrupted", None)
        return fields

    @classmethod
    def of(cls, o: Outcome) -> "AskResult":
        """From the inner shape."""
        return cls(
            question=o.question,
            answer=o.answer,
            answered=o.answered,
            citations=[CitationModel.of(c) for c in o.citations],
            model=o.model,
            effort=o.effort,
            thread_id=o.thread_id,
            trace_id=o.trace_id,
            timings=dict(o.timings),
            interrupted=o.interrupted,
            suspicious=[CitationModel.of(c) for c in o.suspicious],
        )


class FactModel(Schema):
    """What the person asked to remember."""

    number: int
    text: str
    created: str


class BranchRequest(Schema):
    """A new thread that begins with the first `turns` turns of another one."""

    turns: int = Field(ge=0)


class Branched(Schema):
    """The new thread."""

    thread_id: str


class TurnModel(Schema):
    """One question and its answer in a thread, with the thumb that it got."""

    question: str
    result: AskResult | None
    run_id: str | None = None
    thumb: int | None = None


class Unfinished(Schema):
    """A question whose process ended before it was answered."""

    id: str
    thread_id: str
    question: str
    effort: Effort
    asked: str


class SecondMessageRequest(Schema):
    """What becomes of a message while another one of a thread is being answered; null for what the settings say."""

    second_message: SecondMessage | None


class ThreadSummary(Schema):
    """One conversation.

    `state`: `running` while an answer is under way, `asking` while that waits for a person, `unfinished` where a question
    has no answer and nobody makes one.
    """

    thread_id: str
    title: str
    updated: str
    state: ThreadState = "quiet"


class EarlierTurns(Schema):
    """What a model is told in place of the first turns of a long conversation.

    `turns`: how many it stands for. `by`: the model that made it, or `extractive` where none did.
    """

    text: str
    turns: int
    by: str


class Thread(Schema):
    """A conversation with its turns, oldest first; a run still under way comes last, without a result.

    `summary`: null while a model's context has room for all turns.
    """

    thread_id: str
    summary: EarlierTurns | None = None
    turns: list[TurnModel]
    unfinished: list[Unfinished] = []
    second_message: SecondMessage = "queue"
