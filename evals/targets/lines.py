"""The lines that a command answers with: `terakoya ask --json` and `terakoya search --json`, and less than those.

Unknown keys are left alone, so that other systems may say more than these lines ask for.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from terakoya.text.normalise import squeeze
from terakoya.types import Citation, Effort, Hit, Outcome, Passage, Ranking

L = TypeVar("L", bound="Line")


class ForeignLine(Exception):
    """A line that is no reply; the message says why, in English, as parsers do."""


class Line(BaseModel):
    """One reply.

    Attributes:
        error: Why there is no reply to this question; the next question may be asked all the same.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    error: str = ""

    @property
    def asked(self) -> str | None:
        """The question, where the reply repeats it."""
        return None

    def answers(self, question: str) -> bool:
        """Whether this is the reply to `question`, as far as it tells."""
        return self.asked is None or squeeze(self.asked) == squeeze(question)


class _Citation(BaseModel):
    source: str
    start_line: int
    end_line: int
    marker: int = 0
    quote: str = ""


class AnswerLine(Line):
    """An answer. What `terakoya.types.Outcome` calls so."""

    question: str | None = None
    answer: str = ""
    answered: bool | None = None
    citations: tuple[_Citation, ...] = ()
    model: str = ""
    thread_id: str = ""
    trace_id: str = ""
    timings: Mapping[str, float] = {}
    usage: Mapping[str, int] = {}
    logprobs: tuple[Annotated[float, Field(le=0, allow_inf_nan=False)], ...] = ()

    @property
    def asked(self) -> str | None:
        """The question, where the reply repeats it."""
        return self.question

    def outcome(self, question: str, effort: Effort) -> Outcome:
        """In the inner shape."""
        citations = tuple(
            Citation(
                marker=c.marker,
                passage_id="",
                source=c.source,
                heading=(),
                start_line=c.start_line,
                end_line=c.end_line,
                start=0,
                end=0,
                quote=c.quote,
            )
            for c in self.citations
        )
        return Outcome(
            question=question,
            answer=self.answer,
            answered=bool(self.answered),
            citations=citations,
            model=self.model,
            effort=effort,
            thread_id=self.thread_id,
            trace_id=self.trace_id,
            timings=dict(self.timings),
            usage=dict(self.usage),
            log_probabilities=self.logprobs,
        )


class _Hit(BaseModel):
    source: str
    start_line: int
    end_line: int
    heading: tuple[str, ...] = ()
    text: str = ""
    score: float | None = None


class SearchLine(Line):
    """Hits, best first."""

    query: str | None = None
    hits: tuple[_Hit, ...] | None = None

    @property
    def asked(self) -> str | None:
        """The query, where the reply repeats it."""
        return self.query

    def ranking(self, query: str, k: int) -> Ranking:
        """In the inner shape; without scores, one over the rank stands for them."""
        found = (self.hits or ())[:k]
        hits = (
            Hit(
                passage=passage_at(hit.source, hit.start_line, hit.end_line, hit.text, heading=hit.heading),
                score=1 / rank if hit.score is None else hit.score,
            )
            for rank, hit in enumerate(found, 1)
        )
        return Ranking(query=query, hits=tuple(hits))


def read_line(kind: type[L], line: bytes) -> L:
    """The reply on a line.

    Raises:
        ForeignLine: It is none.
    """
    try:
        value: Any = json.loads(line)
    except ValueError as error:
        raise ForeignLine(str(error)) from None
    if not isinstance(value, dict):
        raise ForeignLine("not an object")
    try:
        reply = kind.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise ForeignLine(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    wanted = {AnswerLine: ("answer", "answered"), SearchLine: ("hits",)}[kind]
    for name in wanted:
        if not reply.error and (name not in value or value[name] is None):
            raise ForeignLine(f"no key `{name}`")
    return reply


def passage_at(
    source: str, start_line: int, end_line: int, text: str, *, heading: tuple[str, ...] = ()
) -> Passage:
    """A passage of another system: where it stands, and its words."""
    return Passage(
        id=f"{source}:{start_line}-{end_line}",
        source=source,
        heading=heading,
        ancestors=(),
        start_line=start_line,
        end_line=end_line,
        start=0,
        end=len(text),
        text=text,
    )
