"""A running service as a target."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from evals.targets.lines import passage_at
from terakoya.api import AskResult
from terakoya.client import ServiceClient
from terakoya.errors import BadInput
from terakoya.protocols import Offer
from terakoya.types import Citation, Effort, Hit, Outcome, Ranking


class ServiceTarget:
    """The service of a home, with the notes that it has.

    Args:
        client: Of the service; `close` closes it.
        sources: The notes that the questions are about, by their paths in the suite's folder.
        folder: That folder; the service's paths begin with its name where it has several folders.
        offers: What is asked of it.

    Raises:
        BadInput: The service has none of these notes.
    """

    embedder: Final = None

    def __init__(
        self, client: ServiceClient, *, sources: Collection[str], folder: Path, offers: frozenset[Offer]
    ) -> None:
        self.offers = offers
        self._client = client
        held = {note.source for note in client.notes()}
        self._prefix = "" if held & set(sources) else f"{folder.name}/"
        if not any(f"{self._prefix}{source}" in held for source in sources):
            raise BadInput("eval_service_notes", address=client.address, folder=folder)
        self.missing = sorted(source for source in sources if f"{self._prefix}{source}" not in held)
        self.others = sorted(held - {f"{self._prefix}{source}" for source in sources})

    def ask(self, question: str, *, effort: Effort = "normal", earlier: Sequence[str] = ()) -> Outcome:
        """Asks in a thread of its own, which the service keeps."""
        thread_id: str | None = None
        for former in earlier:
            thread_id = self._client.answer(former, effort=effort, thread_id=thread_id).thread_id
        return self._outcome(self._client.answer(question, effort=effort, thread_id=thread_id))

    def search(self, query: str, *, k: int = 10) -> Ranking:
        """Retrieval alone."""
        found = self._client.search(query, k=k)
        hits = tuple(
            Hit(
                passage=passage_at(
                    self._source(h.source), h.start_line, h.end_line, h.text, heading=tuple(h.heading)
                ),
                score=h.score,
            )
            for h in found.hits
        )
        return Ranking(query=query, hits=hits)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _outcome(self, result: AskResult) -> Outcome:
        return Outcome(
            question=result.question,
            answer=result.answer,
            answered=result.answered,
            citations=tuple(
                Citation(
                    marker=c.marker,
                    passage_id="",
                    source=self._source(c.source),
                    heading=tuple(c.heading),
                    start_line=c.start_line,
                    end_line=c.end_line,
                    start=c.start,
                    end=c.end,
                    quote=c.quote,
                )
                for c in result.citations
            ),
            model=result.model,
            effort=result.effort,
            thread_id=result.thread_id,
            trace_id=result.trace_id,
            timings=result.timings,
        )

    def _source(self, source: str) -> str:
        return source.removeprefix(self._prefix)
