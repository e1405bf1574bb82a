"""What the parts ask of one another."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from terakoya.errors import Unavailable
from terakoya.types import Draft, Effort, Filter, Language, Outcome, Passage, Ranking, SpanKind, Turn

if TYPE_CHECKING:  # NumPy takes 0.1 s to import, and most commands need no vector
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")
R = TypeVar("R")
Offer = Literal["ask", "search"]
Emit = Callable[[str], None]
"""Receives pieces of an answer as they come."""


class Retriever(Protocol):
    """Finds passages."""

    def search(self, query: str, *, k: int = 10, filter: Filter | None = None) -> Ranking:
        """The `k` best passages for `query` among those that `filter` lets through, best first."""
        ...

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """The passages with these ids, in this order; ids that are gone are left out."""
        ...


class Mapper(Protocol):
    """Runs a function over many items: in this process, in others of this machine, or on a cluster."""

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Generator[R | Unavailable, None, None]:
        """What `function` gives for each item, in the order of the items.

        Items are taken as results are asked for, a bounded number ahead. Function, items and results must
        pickle. An item whose worker dies is tried once more, and then has the error as its result; what the
        function raises is raised here.
        """
        ...


class TokenCounter(Protocol):
    """Counts as a model's own tokenizer does."""

    @property
    def limit(self) -> int:
        """Tokens that the model reads of one text, those that it adds itself included."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever a count or the limit would change."""
        ...

    def count(self, text: str) -> int:
        """Tokens of `text` as the model gets it, those that it adds itself included."""
        ...

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where each word of `text` stands, as (start, end) in code points; a word is one token or more."""
        ...


class Embedder(Protocol):
    """Maps texts to unit vectors. Pickles: a worker process loads the model for itself."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the vectors would change."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        ...

    @property
    def languages(self) -> frozenset[Language]:
        """The languages it was trained to read."""
        ...

    @property
    def tokens(self) -> TokenCounter | None:
        """Its tokenizer; None where it reads texts of any length."""
        ...

    def embed_query(self, text: str) -> "NDArray[np.float32]":
        """One unit vector, shape (dimensions,)."""
        ...

    def embed_documents(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Unit vectors, shape (len(texts), dimensions)."""
        ...


class Reranker(Protocol):
    """Reads a query and a passage together, which tells more than comparing what was read of each alone."""

    @property
    def name(self) -> str:
        """As the settings name it."""
        ...

    @property
    def languages(self) -> frozenset[Language]:
        """The languages it was trained to read."""
        ...

    def warm(self) -> None:
        """Loads what `relevance` needs.

        Raises:
            Unavailable: The model cannot be loaded.
        """
        ...

    def relevance(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """How relevant each text is to `query`, 0 to 1, in the order of the texts.

        Raises:
            Unavailable: The model cannot be loaded.
        """
        ...


class Answerer(Protocol):
    """Makes an answer of a question and the passages found for it."""

    @property
    def name(self) -> str:
        """Name of the model, for traces and replies."""
        ...

    def answer(
        self,
        question: str,
        passages: Sequence[Passage],
        *,
        others: Sequence[str] = (),
        history: Sequence[Turn] = (),
        emit: Emit,
    ) -> Draft:
        """Answers from `passages` (best first), passing pieces of the text to `emit` as they come.

        The pieces, joined, are `Draft.text` unless a later check changed the text. `others` are the question
        with other names for what it names, by which passages were found.

        Raises:
            Unavailable: The model behind it cannot answer now.
        """
        ...


class Span(Protocol):
    """One step of a trace, open."""

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits."""
        ...

    def set(self, **attributes: object) -> None:
        """Adds attributes: `input`, `output`, `model`, `usage`, `metadata`, `level`, `tags` ..."""
        ...


class Tracer(Protocol):
    """Records what happens. Never raises and never blocks the caller."""

    def trace(
        self,
        name: str,
        *,
        thread_id: str = "",
        input: object = None,
        tags: Sequence[str] = (),
        metadata: Mapping[str, object] | None = None,
    ) -> AbstractContextManager[Span]:
        """Opens the root of a new trace."""
        ...

    def span(
        self, name: str, kind: SpanKind = "span", *, input: object = None
    ) -> AbstractContextManager[Span]:
        """Opens a step under the step that is open in this context; without one it records nothing."""
        ...

    def score(self, trace_id: str, name: str, value: float, *, comment: str = "", score_id: str = "") -> None:
        """Attaches a score to a finished or running trace; the same `score_id` replaces."""
        ...

    def close(self) -> None:
        """Delivers what can be delivered within 3 s; the rest waits on disk."""
        ...


class Target(Protocol):
    """What an eval asks: a workflow, a part of one, a service, or another system."""

    @property
    def offers(self) -> frozenset[Offer]:
        """Which of `ask` and `search` it can do; the other one raises."""
        ...

    @property
    def embedder(self) -> Embedder | None:
        """What tells how alike two texts are; None where it has nothing of the kind."""
        ...

    def ask(self, question: str, *, effort: Effort = "normal", earlier: Sequence[str] = ()) -> Outcome:
        """Asks one question in a thread of its own, in which the questions `earlier` have been asked before.

        Raises:
            TargetLost: It cannot be asked any more, nor could any further question.
        """
        ...

    def search(self, query: str, *, k: int = 10) -> Ranking:
        """Retrieval alone.

        Raises:
            TargetLost: It cannot be searched any more.
        """
        ...

    def close(self) -> None:
        """Lets go of files and processes."""
        ...
