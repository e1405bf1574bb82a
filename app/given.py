"""Answering over given passages: retrieval replaced by what a case says is right."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from terakoya.protocols import Retriever
from terakoya.types import Filter, Hit, Passage, Ranking

if TYPE_CHECKING:
    from ingest.store import Store

Places = tuple[tuple[str, tuple[int, ...]], ...]
"""Lines of notes: source, and lines from 1."""

_GIVEN: ContextVar[Places] = ContextVar("given", default=())
_AT: Final = """
SELECT c.key FROM chunks c JOIN notes n ON n.id = c.note
WHERE n.path = $source AND list_has_any(range(c.start_line, c.end_line + 1), $lines)
ORDER BY c.ordinal
"""


class GivenRetriever:
    """Finds the passages of the lines that are given at the moment; without any it searches.

    A question that the notes do not answer has no such lines: it gets what a search finds, so that it is seen
    whether the answerer can tell.
    """

    def __init__(self, store: "Store", retriever: Retriever) -> None:
        self._store = store
        self._retriever = retriever

    def search(self, query: str, *, k: int = 10, filter: Filter | None = None) -> Ranking:
        """The given passages, all of them, in the order given; `k` and `filter` count for a search only."""
        places = _GIVEN.get()
        if not places:
            return self._retriever.search(query, k=k, filter=filter)
        keys = dict.fromkeys(
            key
            for source, lines in places
            for (key,) in self._store.rows(_AT, {"source": source, "lines": list(lines)})
        )
        found = self._retriever.passages(list(keys))
        return Ranking(query=query, hits=tuple(Hit(passage=p, score=1 / n) for n, p in enumerate(found, 1)))

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """See `terakoya.protocols.Retriever`."""
        return self._retriever.passages(ids)


@contextmanager
def giving(given: Mapping[str, Places], question: str) -> Iterator[None]:
    """In this context, `GivenRetriever`s find what `given` has for `question`."""
    before = _GIVEN.set(given.get(question, ()))
    try:
        yield
    finally:
        _GIVEN.reset(before)
