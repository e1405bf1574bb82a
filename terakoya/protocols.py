"""What the parts ask of one another."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from terakoya.errors import TerakoyaError, Unavailable
from terakoya.types import (
    Approval,
    Decision,
    Draft,
    Effort,
    Entry,
    Fact,
    Filter,
    Language,
    Outcome,
    Passage,
    Ranking,
    SpanKind,
    ToolCall,
    ToolResult,
    Turn,
)

if TYPE_CHECKING:  # NumPy takes 0.1 s to import, and most commands need no vector
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")
R = TypeVar("R")
Offer = Literal["ask", "search"]
Emit = Callable[[str], None]
"""Receives pieces of an answer as they come."""
Decide = Callable[[Approval], Decision]
"""Asks a person whether a tool may be called; blocks until there is a decision."""
Before = Literal["new", "finished", "uncertain"]


class Retriever(Protocol):
    """Finds passages."""

    def search(self, query: str, *, k: int = 10, filter: Filter | None = None) -> Ranking:
        """The `k` best passages for `query` among those that `filter` lets through, best first."""
        ...

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """The passages with these ids, in this order; ids that are gone are left out."""
        ...


class Journal(Protocol):
    """The learning log in the notes, by day."""

    def entries(self, since: date, until: date) -> list[Entry]:
        """What stands under the days from `since` to `until`, by day and then as it stands in the notes."""
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


class Memory(Protocol):
    """What the person asked to remember. Safe in several threads."""

    def facts(self) -> Sequence[Fact]:
        """All of it, oldest first.

        Raises:
            Unavailable: It cannot be read now.
        """
        ...

    def keep(self, text: str, *, key: str) -> Fact:
        """Adds `text`; once for the same `key`, however often it is called.

        Raises:
            BadInput: There is no more room.
            Unavailable: It cannot be written now.
        """
        ...


class Tool(Protocol):
    """Something that can be called for a question, built in or at a server."""

    @property
    def name(self) -> str:
        """Unique in its toolbox; letters, digits, `_` and `-`."""
        ...

    @property
    def server(self) -> str:
        """Name of the server that has it, empty for one that is built in."""
        ...

    @property
    def description(self) -> str:
        """What it does, for a model and for people. That of a server is untrusted."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """JSON Schema of its arguments, an object."""
        ...

    @property
    def changes(self) -> bool:
        """Whether it may change something, so that a call must not be made twice."""
        ...

    @property
    def asks(self) -> bool:
        """Whether a person must approve each call: it changes something, and the settings do not allow it."""
        ...

    def call(self, arguments: Mapping[str, Any], *, language: Language) -> ToolResult:
        """Calls it with arguments that follow `parameters`; words of its own are in `language`.

        Raises:
            BadInput: The arguments cannot be used after all.
            NotSent: It cannot be reached, and was not called.
            Unavailable: It did not answer; whether it did something is not known.
        """
        ...


class Toolbox(Protocol):
    """The tools of an installation. Safe in several threads."""

    def servers(self) -> Sequence[str]:
        """Names of the servers of the settings, whether they are there or not; starts nothing."""
        ...

    def tools(self) -> Sequence[Tool]:
        """Those that can be called now; waits for servers that are being started, up to their time limit."""
        ...

    def named(self, name: str) -> Tool | None:
        """The tool of this name; waits for its server alone, where it is being started."""
        ...

    def troubles(self) -> Sequence[TerakoyaError]:
        """Why servers of the settings have no tools here now, one error each; its value `server` names it."""
        ...

    def close(self) -> None:
        """Ends all servers that were started."""
        ...


class Intents(Protocol):
    """Remembers which effects were begun, so that none happens twice. Kept on disk at once."""

    def before(self, call: ToolCall) -> Before:
        """What is known of the call with this id; `uncertain` where nobody heard its end."""
        ...

    def doubtful(self, call: ToolCall) -> bool:
        """Whether nobody heard the end of another call with the same tool and arguments."""
        ...

    def begin(self, call: ToolCall) -> None:
        """Stores that `call` is about to be made; what was doubtful about others like it is settled by that."""
        ...

    def finish(self, call: ToolCall, result: ToolResult) -> None:
        """Stores what it gave."""
        ...

    def lose(self, call: ToolCall) -> None:
        """Its end will not be heard of."""
        ...

    def withdraw(self, call: ToolCall) -> None:
        """It was not made, and will not be; what was doubtful about others like it is settled by that."""
        ...

    def result(self, call: ToolCall) -> ToolResult:
        """What a finished call gave.

        Raises:
            LookupError: It is not finished.
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
        trace_id: str = "",
    ) -> AbstractContextManager[Span]:
        """Opens the root of a new trace; or once more that of `trace_id`, whose process is gone."""
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
