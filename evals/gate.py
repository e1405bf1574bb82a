"""A gate: how good a metric has to be for a suite to pass."""

from dataclasses import dataclass
from typing import Literal

BoundKind = Literal["min_mean", "max_mean", "max_drop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Bounds of one metric; those that are set must all hold.

    Attributes:
        metric: Name in the registry of metrics.
        min_mean: Smallest value over the suite that passes.
        max_mean: Largest value over the suite that passes.
        max_drop: How much worse than the baseline it may be, in the metric's unit. Fails only where the drop
            is larger and its 95 % interval excludes zero.
    """

    metric: str
    min_mean: float | None = None
    max_mean: float | None = None
    max_drop: float | None = None

    @property
    def bounds(self) -> tuple[tuple[BoundKind, float], ...]:
        """The bounds that are set."""
        given: tuple[tuple[BoundKind, float | None], ...] = (
            ("min_mean", self.min_mean),
            ("max_mean", self.max_mean),
            ("max_drop", self.max_drop),
        )
        return tuple((kind, limit) for kind, limit in given if limit is not None)
