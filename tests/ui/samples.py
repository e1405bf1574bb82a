"""What tests of the page let the service say."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from terakoya.api import (
    ApprovalModel,
    CitationModel,
    HitModel,
    NoteProblem,
    NoteSummary,
    Problem,
)

QUESTION = "What is slow start?"
QUOTE = "- slow start: cwnd doubles every RTT"


def citation(quote: str, *, marker: int = 1, source: str = "tcp.md", line: int = 3, heading: str = "TCP"):
    """A citation of whole lines."""
    last = line + quote.count("\n")
    return CitationModel(
        marker=marker,
        source=source,
        heading=[heading],
        start_line=line,
        end_line=last,
        start=0,
        end=9,
        quote=quote,
    )


def hit(source: str, *, line: int = 3, score: float = 0.5, heading: str = "UDP"):
    """A passage that was found."""
    return HitModel(
        id=f"{source}:{line}",
        source=source,
        heading=[heading],
        start_line=line,
        end_line=line,
        start=0,
        end=9,
        score=score,
        text="text",
    )


def note(
    source: str,
    title: str,
    *,
    language: str = "en",
    repair: str | None = None,
    upload: str = "",
    problems: Sequence[str] = (),
):
    """A note in the list."""
    return NoteSummary(
        source=source,
        title=title,
        language=language,
        encoding="utf-8",
        repair=repair,
        upload=upload,
        chunks=3,
        characters=900,
        problems=[NoteProblem(code="doubtful", message=message) for message in problems],
    )


@dataclass
class Reply:
    """What comes of one question: the pieces of the answer, then the result or the error."""

    pieces: list[str]
    citations: list[CitationModel] = field(default_factory=list)
    suspicious: list[CitationModel] = field(default_factory=list)
    answered: bool = True
    replaced: str = ""
    notice: str = ""
    error: str = ""
    approval: ApprovalModel | None = None
    """Where set, the run asks for it behind its pieces."""
    interrupted: bool = False
    model: str = "extractive"
    gate: threading.Event | None = None
    """Where set, the answer stops after its first piece until the test opens it."""


def problem(path: str, message: str) -> Problem:
    """A file that was not read."""
    return Problem(path=path, code="unreadable", message=message)


def answer(**changes):
    return Reply(**{"pieces": ["cwnd doubles ", "every RTT [1]."], "citations": [citation(QUOTE)], **changes})


def ask(app, question=QUESTION):
    app.chat_input(key="ask").set_value(question).run()
