"""What a metric sees of one case."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from evals.case import Case, ExpectedPassage
from evals.note import Notes
from terakoya.protocols import Embedder, Offer
from terakoya.types import Citation, Hit

SEARCH_DEPTH: Final = 10
"""How many hits a case asks retrieval for."""
EVERYTHING: Final[frozenset[Offer]] = frozenset({"ask", "search"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a metric sees of one case.

    Attributes:
        case: The case.
        notes: The notes of the suite, to check quotes against.
        offers: What the target can do: metrics of answers do not apply to one that only searches, metrics of
            retrieval not to one that only answers.
        failed: The target raised.
        hits: What retrieval found, best first, at most `SEARCH_DEPTH`.
        answer: The text that came.
        answered: None where there is no answer, as the target failed or only searches; a case that failed is
            neither answered nor declined.
        citations: Of the answer; where not answered, the nearest passages.
        usage: Tokens of the model's calls (`input`, `output`), where it tells.
        log_probabilities: Of the tokens of the answer, where the model tells.
        embedder: That of the target, where it has one.
    """

    case: Case
    notes: Notes
    offers: frozenset[Offer] = EVERYTHING
    failed: bool = False
    hits: tuple[Hit, ...] = ()
    answer: str = ""
    answered: bool | None = None
    citations: tuple[Citation, ...] = ()
    usage: Mapping[str, int] = field(default_factory=dict)
    log_probabilities: tuple[float, ...] = ()
    embedder: Embedder | None = None

    @property
    def asked(self) -> bool:
        """Whether the question was put to a target that answers."""
        return "ask" in self.offers

    @property
    def searched(self) -> bool:
        """Whether the target is searched for the question.

        It is not for one that rests on earlier ones: on its own it says too little to be searched for, and only
        the workflow knows what it becomes in its thread.
        """
        return "search" in self.offers and not self.case.earlier

    @property
    def shown(self) -> tuple[str, ...]:
        """What a reader of an answer reads: its text and its quotes; nothing where not answered."""
        return (self.answer, *(c.quote for c in self.citations)) if self.answered else ()


def overlaps(hit: Hit, passage: ExpectedPassage) -> bool:
    """Whether a hit shares a line with an expected passage."""
    return passage.overlaps(hit.passage.source, hit.passage.start_line, hit.passage.end_line)


def cited(citation: Citation, passage: ExpectedPassage) -> bool:
    """Whether a citation shares a line with an expected passage."""
    return passage.overlaps(citation.source, citation.start_line, citation.end_line)
