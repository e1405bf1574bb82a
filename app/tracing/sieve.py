"""Between files and server: what is sampled out, what was forgotten, and what a thumb down brings back."""

from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from app.tracing.events import ScoreRecord, SpanRecord
from app.tracing.reader import read_trace
from app.tracing.sampling import Sampling
from app.tracing.tail import Item, Tail

REMEMBERED: Final = 50_000
"""Traces of which it is known whether they went; of others the files tell."""


class Sieve:
    """Takes out of a `Tail` what is not to be sent, and settles it there.

    Args:
        folder: Of the trace files.
        sampling: Which traces go.
    """

    def __init__(self, folder: Path, sampling: Sampling) -> None:
        self._folder = folder
        self._sampling = sampling
        self._went: OrderedDict[str, bool] = OrderedDict()
        self._forgotten: frozenset[str] = frozenset()

    def forget(self, trace_ids: Iterable[str]) -> None:
        """Lets none of these through any more."""
        self._forgotten |= frozenset(trace_ids)

    def sift(self, tail: Tail) -> None:
        """Looks at what is ready."""
        out = [item for item in list(tail.traces) if not self._goes(item)]
        out += [item for item in list(tail.scores) if item.score and not self._follows(tail, item.score)]
        if out:
            tail.settle(out)  # in one step: each writes the cursor to the disk

    def brought_back(self, tail: Tail) -> bool:
        """Whether a trace waits that was sampled out before."""
        return any(item.returned for item in tail.traces)

    def _goes(self, item: Item) -> bool:
        if item.trace_id in self._forgotten:
            return False
        goes = item.returned or self._sampling.keeps(item.trace_id, item.spans.values())
        self._note(item.trace_id, goes)
        return goes

    def _follows(self, tail: Tail, score: ScoreRecord) -> bool:
        """Whether the score goes, its trace with it where it makes that worth seeing."""
        trace = score.trace_id
        if trace in self._forgotten:
            return False
        if self._is_there(trace):
            return True
        if not self._sampling.wants(score):
            return False
        spans = [one for one in read_trace(self._folder, trace) if isinstance(one, SpanRecord)]
        if spans and spans[0].type == "trace":
            tail.bring_back(trace, spans)
            self._note(trace, True)
        return True

    def _is_there(self, trace: str) -> bool:
        """Whether the server has the trace, or gets it: a score of another would stand alone there."""
        if self._sampling.by_rate(trace):
            return True
        if trace not in self._went:
            spans = [one for one in read_trace(self._folder, trace) if isinstance(one, SpanRecord)]
            self._note(trace, bool(spans) and self._sampling.keeps(trace, spans))
        return self._went[trace]

    def _note(self, trace: str, goes: bool) -> None:
        self._went[trace] = goes
        if len(self._went) > REMEMBERED:
            self._went.popitem(last=False)
