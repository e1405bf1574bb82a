"""Which traces go to the server: a part of them by rate, and all that one wants to see."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from app.tracing.events import ScoreRecord, SpanRecord

FEEDBACK: Final = "user-feedback"
"""Name of the score that a thumb is: 1 up, 0 down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Decides when a trace has ended, so that what happened in it counts.

    Attributes:
        rate: Part of the traces that goes, 0 to 1, told by their ids: the same everywhere and at any time.
        slow_ms: Milliseconds from which on a trace goes whatever the rate.
    """

    rate: float = 1.0
    slow_ms: float = 10_000.0

    def by_rate(self, trace_id: str) -> bool:
        """Whether the rate alone lets the trace through."""
        return int(trace_id[:8], 16) < self.rate * 2**32

    def keeps(self, trace_id: str, spans: Iterable[SpanRecord]) -> bool:
        """Whether the trace with these steps goes: by rate, as a step failed, as it was slow, or was cut short."""
        if self.by_rate(trace_id):
            return True
        known = list(spans)
        begin, end = min(span.start for span in known), max(span.end for span in known)
        return end - begin >= self.slow_ms * 1e6 or any(_failed(span) for span in known)

    @staticmethod
    def wants(score: ScoreRecord) -> bool:
        """Whether the score makes its trace worth seeing: a thumb down."""
        return score.name == FEEDBACK and score.value <= 0


def _failed(span: SpanRecord) -> bool:
    return span.level == "ERROR" or span.type == "start" or span.part > 0
