"""Two answers to one question, and what somebody says of them."""

import hashlib
from dataclasses import dataclass
from typing import Final, Literal, get_args

from evals.report import Place
from terakoya.text.normalise import squeeze
from terakoya.types import Outcome

Verdict = Literal["a", "b", "tie", "bad"]
"""Which is better: the left one, the right one, both alike, or both bad."""
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one of the two said.

    Attributes:
        answer: The text.
        answered: Whether it took the question as answered.
        citations: What it cites.
        model: What answered; no voter sees it.
        trace_id: The trace.
    """

    answer: str
    answered: bool
    citations: tuple[Place, ...] = ()
    model: str = ""
    trace_id: str = ""

    @classmethod
    def of(cls, outcome: Outcome) -> "Reply":
        """From what a target gave."""
        return cls(
            answer=outcome.answer,
            answered=outcome.answered,
            citations=tuple(
                Place(source=c.source, start_line=c.start_line, end_line=c.end_line, quote=c.quote)
                for c in outcome.citations
            ),
            model=outcome.model,
            trace_id=outcome.trace_id,
        )

    def same(self, other: "Reply") -> bool:
        """Whether a reader sees no difference."""
        return (squeeze(self.answer), self.answered, self.citations) == (
            squeeze(other.answer),
            other.answered,
            other.citations,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """A question with two replies. Who is left is drawn, and no voter is told who is who.

    Attributes:
        question: The question.
        names: Of the two, as they were given.
        replies: Theirs, in the same order.
        swapped: Whether the second stands left.
    """

    question: str
    names: tuple[str, str]
    replies: tuple[Reply, Reply]
    swapped: bool

    @property
    def shown(self) -> tuple[Reply, Reply]:
        """Left and right."""
        first, second = self.replies
        return (second, first) if self.swapped else (first, second)

    @property
    def shown_names(self) -> tuple[str, str]:
        """Who was left and right: for afterwards."""
        first, second = self.names
        return (second, first) if self.swapped else (first, second)

    def voted(self, verdict: Verdict, voter: str) -> "Vote":
        """The vote, with left and right turned into names."""
        turned: dict[Verdict, Verdict] = {"a": "b", "b": "a"}
        return Vote(
            question=self.question,
            names=self.names,
            replies=self.replies,
            verdict=turned.get(verdict, verdict) if self.swapped else verdict,
            voter=voter,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What somebody said of two replies; `a` is the first of `names`, wherever it stood.

    Attributes:
        question: The question.
        names: Of the two.
        replies: Theirs.
        verdict: What was said.
        voter: `person`, or `judge` with its model's name.
        at: ISO 8601, UTC; empty before it is kept.
    """

    question: str
    names: tuple[str, str]
    replies: tuple[Reply, Reply]
    verdict: Verdict
    voter: str
    at: str = ""


def settled(question: str, names: tuple[str, str], seed: str) -> bool:
    """Whether the second stands left: as good as drawn, and the same each time for the same seed."""
    content = "\0".join((seed, question, *names)).encode("utf-8", "replace")
    return bool(hashlib.sha256(content).digest()[0] & 1)
