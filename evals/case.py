"""A case of a suite: a question and what a good answer to it holds."""

from dataclasses import dataclass

from terakoya.text.normalise import squeeze


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPassage:
    """A place in the notes that answers the question.

    Attributes:
        source: The note, relative to the suite's note folder.
        text: Piece of one line of it, HTML tags left out.
        lines: The lines it stands on, from 1; more than one where the same words stand twice.
    """

    source: str
    text: str
    lines: tuple[int, ...]

    def overlaps(self, source: str, start_line: int, end_line: int) -> bool:
        """Whether these lines of `source` share a line with the passage."""
        return source == self.source and any(start_line <= line <= end_line for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question.

    Attributes:
        id: Unique in the suite; results of two runs are paired by it.
        question: As a user would type it.
        language: `ja`, `en` or empty.
        tags: For reading the report.
        answerable: False where the notes do not hold an answer; then a good answer declines.
        expected: Texts that must all occur in the answer or its quotes, see `missing`.
        passages: Where the answer stands.
    """

    id: str
    question: str
    language: str = ""
    tags: tuple[str, ...] = ()
    answerable: bool = True
    expected: tuple[str, ...] = ()
    passages: tuple[ExpectedPassage, ...] = ()

    @property
    def cluster(self) -> str:
        """What its result depends on: its first note; without one it stands alone."""
        return f"note:{self.passages[0].source}" if self.passages else f"case:{self.id}"

    def missing(self, answer: str, quotes: tuple[str, ...]) -> tuple[str, ...]:
        """The expected texts that occur neither in `answer` nor in one of `quotes`.

        Compared after NFKC, in lower case and without white space.
        """
        said = [squeeze(text) for text in (answer, *quotes)]
        return tuple(text for text in self.expected if not any(squeeze(text) in place for place in said))
