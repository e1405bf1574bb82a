"""A target that says what it was told to say: for trying metrics, gates and reports without a system."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evals.metrics import EVERYTHING
from evals.targets.lines import passage_at
from terakoya.errors import Unavailable
from terakoya.protocols import Embedder, Offer
from terakoya.types import Citation, Effort, Hit, Outcome, Ranking


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a `ScriptedTarget` says to one question.

    Attributes:
        answer: The text.
        answered: See `Outcome.answered`.
        citations: See `cite`.
        hits: Places that a search finds, best first: source, first line, last line.
        error: Raised in place of an answer.
    """

    answer: str = ""
    answered: bool = True
    citations: tuple[Citation, ...] = ()
    hits: tuple[tuple[str, int, int], ...] = ()
    error: Exception | None = None


@dataclass(slots=True, kw_only=True)
class ScriptedTarget:
    """Implements `terakoya.protocols.Target` from a script, and remembers what it was asked.

    Attributes:
        replies: By question.
        otherwise: For a question that is not in `replies`; without it such a question raises `Unavailable`.
        asked: The questions so far.
        closed: Whether `close` was called.
        offers: See `Target.offers`.
        embedder: See `Target.embedder`.
    """

    replies: Mapping[str, Reply] = field(default_factory=dict)
    otherwise: Reply | None = None
    asked: list[str] = field(default_factory=list)
    closed: bool = False
    offers: frozenset[Offer] = EVERYTHING
    embedder: Embedder | None = None

    def ask(self, question: str, *, effort: Effort = "normal", earlier: Sequence[str] = ()) -> Outcome:
        """The scripted answer.

        Raises:
            Unavailable: The script has no reply to `question`.
        """
        self.asked += [*earlier, question]
        reply = self._reply(question)
        if reply.error is not None:
            raise reply.error
        return Outcome(
            question=question,
            answer=reply.answer,
            answered=reply.answered,
            citations=reply.citations,
            model="scripted",
            effort=effort,
            thread_id=f"thread-{len(self.asked)}",
            trace_id=f"{len(self.asked):032x}",
            timings={"total": 1.0},
        )

    def search(self, query: str, *, k: int = 10) -> Ranking:
        """The scripted hits.

        Raises:
            Unavailable: The script has no reply to `query`.
        """
        places = self._reply(query).hits[:k]
        hits = tuple(
            Hit(passage=passage_at(*place, ""), score=1 / rank) for rank, place in enumerate(places, 1)
        )
        return Ranking(query=query, hits=hits)

    def close(self) -> None:
        """Remembers that it was closed."""
        self.closed = True

    def _reply(self, question: str) -> Reply:
        reply = self.replies.get(question, self.otherwise)
        if reply is None:
            raise Unavailable("eval_script", question=question)
        return reply


def cite(source: str, start_line: int, end_line: int, quote: str, *, marker: int = 1) -> Citation:
    """A citation of these lines."""
    return Citation(
        marker=marker,
        passage_id=f"{source}:{start_line}-{end_line}",
        source=source,
        heading=(),
        start_line=start_line,
        end_line=end_line,
        start=0,
        end=len(quote),
        quote=quote,
    )


def cite_all(places: Sequence[tuple[str, int, int, str]]) -> tuple[Citation, ...]:
    """Citations with markers from 1."""
    return tuple(cite(*place, marker=n) for n, place in enumerate(places, 1))
