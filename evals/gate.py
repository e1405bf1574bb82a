"""A gate: how good a metric has to be for a suite to pass."""

from dataclasses import dataclass
from typing import Literal

BoundKind = Literal["min_mean", "max_mean", "max_drop", "max_p95_ms", "must_pass"]
TooFew = Literal["fail", "pass"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Bounds of one metric; those that are set must all hold.

    Attributes:
        metric: Name in the registry of metrics.
        min_mean: Smallest value over the suite that passes.
        max_mean: Largest value over the suite that passes.
        max_drop: How much worse than the baseline it may be, in the metric's unit. Fails where the drop is
            larger and its 95 % interval excludes zero, and where there are too few cases to tell.
        too_few_cases: Whether `max_drop` fails or passes where there are too few cases to tell a drop of its
            size.
        max_p95_ms: Longest time of an answer that passes, in milliseconds, for 95 of 100 answers. It reads the
            times themselves, whatever `metric` is.
        must_pass: Ids of cases that have to be right, each by itself.
    """

    metric: str
    min_mean: float | None = None
    max_mean: float | None = None
    max_drop: float | None = None
    too_few_cases: TooFew = "fail"
    max_p95_ms: float | None = None
    must_pass: tuple[str, ...] = ()

    @property
    def bounds(self) -> tuple[tuple[BoundKind, float], ...]:
        """The bounds that are set; `must_pass` is no number and not among them."""
        given: tuple[tuple[BoundKind, float | None], ...] = (
            ("min_mean", self.min_mean),
            ("max_mean", self.max_mean),
            ("max_drop", self.max_drop),
            ("max_p95_ms", self.max_p95_ms),
        )
        return tuple((kind, limit) for kind, limit in given if limit is not None)
