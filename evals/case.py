"""A case of a suite: a question and what a good answer to it holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from terakoya.protocols import Offer
from terakoya.text.normalise import squeeze

Part = Literal["workflow", "retrieval", "answer"]
"""What a suite measures: all, retrieval alone, or answering over the passages that its cases expect."""
OFFERS: Final[Mapping[Part, frozenset[Offer]]] = {
    "workflow": frozenset({"ask", "search"}),
    "retrieval": frozenset({"search"}),
    "answer": frozenset({"ask"}),
}
"""What a target is asked to do, by the part of the workflow that a suite measures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPassage:
    """A place in the notes that answers the question.

    Attributes:
        source: The note, relative to the suite's note folder.
        text: Piece of one line of it, HTML tags left out; empty where the whole note is meant.
        lines: The lines it stands on, from 1; more than one where the same words stand twice.
        grade: How relevant it is, from 1; graded judgements, as of BEIR, go higher.
    """

    source: str
    text: str
    lines: tuple[int, ...]
    grade: int = 1

    def overlaps(self, source: str, start_line: int, end_line: int) -> bool:
        """Whether these lines of `source` share a line with the passage."""
        return source == self.source and any(start_line <= line <= end_line for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFact:
    """A nugget: one fact that a good answer holds (Voorhees 2003, "Overview of the TREC 2003 QA Track").

    Attributes:
        any_of: Ways to say it, one of which has to occur.
        vital: False for a fact that is welcome, but whose absence is no fault.
    """

    any_of: tuple[str, ...]
    vital: bool = True

    def stands_in(self, texts: Sequence[str]) -> bool:
        """Whether one of its ways occurs in one of `texts`, compared as `Case.missing` does."""
        said = [squeeze(text) for text in texts]
        return any(squeeze(way) in place for way in self.any_of for place in said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question.

    Attributes:
        id: Unique in the suite; results of two runs are paired by it.
        question: As a user would type it; of a conversation its last question.
        earlier: The questions that come before it in the same thread, the first one first.
        language: `ja`, `en` or empty.
        tags: For reading the report.
        answerable: False where the notes do not hold an answer; then a good answer declines.
        expected: Texts that must all occur in the answer or its quotes, see `missing`.
        answers: Short answers any of which is right, for exact match and token F1.
        must_not: Texts that must not occur in the answer or its quotes, see `forbidden`.
        key_facts: What a full answer says.
        passages: Where the answer stands.
        relevant: Further places that may well be quoted, though the answer does not need them.
        must_pass: The suite fails where this case is not right, whatever the means are.
        repeat: Which time it is asked, from 1, in a suite that asks several times; see `again`.
    """

    id: str
    question: str
    earlier: tuple[str, ...] = ()
    language: str = ""
    tags: tuple[str, ...] = ()
    answerable: bool = True
    expected: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()
    key_facts: tuple[KeyFact, ...] = ()
    passages: tuple[ExpectedPassage, ...] = ()
    relevant: tuple[ExpectedPassage, ...] = ()
    must_pass: bool = False
    repeat: int = 1

    @property
    def cluster(self) -> str:
        """What its result depends on: its first note; without one it stands alone, with its repeats."""
        if self.passages:
            return f"note:{self.passages[0].source}"
        return f"case:{self.id.removesuffix(f'#{self.repeat}')}"

    def again(self, repeat: int) -> "Case":
        """The same case for the `repeat`th time, from 1; its id then ends in `#2`, `#3` and so on."""
        return self if repeat == 1 else replace(self, id=f"{self.id}#{repeat}", repeat=repeat)

    def missing(self, answer: str, quotes: tuple[str, ...]) -> tuple[str, ...]:
        """The expected texts that occur neither in `answer` nor in one of `quotes`.

        Compared after NFKC, in lower case and without white space.
        """
        said = [squeeze(text) for text in (answer, *quotes)]
        return tuple(text for text in self.expected if not any(squeeze(text) in place for place in said))

    def forbidden(self, answer: str, quotes: tuple[str, ...]) -> tuple[str, ...]:
        """Those of `must_not` that occur in `answer` or in one of `quotes`, compared as `missing` does."""
        said = [squeeze(text) for text in (answer, *quotes)]
        return tuple(text for text in self.must_not if any(squeeze(text) in place for place in said))
