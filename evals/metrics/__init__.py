"""Metrics: what is measured of a case, and of a whole suite.

A *case* metric maps one observation to a number, or to None where it does not apply; its total is the mean
over the cases that it applies to. A *suite* metric maps all results to one number. A new one is one decorated
function, here or in a file of the user's own (`load_metrics`):

    from evals.metrics import Observation, case_metric

    @case_metric("polite", "higher", "Share of answers that begin with a greeting.")
    def polite(o: Observation) -> float | None:
        return float(o.answer.startswith("Dear")) if o.answered else None

`direction` says which way is better, and so which way a gate's `max_drop` looks.
"""

from evals.metrics import (
    abstention,
    answers,
    citations,
    context,
    cost,
    grounding,
    ranking,
    safety,
    whole,
)
from evals.metrics.observation import EVERYTHING, SEARCH_DEPTH, Observation
from evals.metrics.own import OwnMetrics, load_metrics
from evals.metrics.registry import (
    METRICS,
    CaseMeasure,
    Direction,
    Level,
    Metric,
    SuiteMeasure,
    arrange,
    case_metric,
    measure_case,
    suite_metric,
)

arrange(
    {
        whole: None,
        answers: "ask",
        abstention: "ask",
        ranking: "search",
        context: "search",
        citations: "ask",
        grounding: "ask",
        safety: "ask",
        cost: None,
    }
)

__all__ = [
    "EVERYTHING",
    "METRICS",
    "SEARCH_DEPTH",
    "CaseMeasure",
    "Direction",
    "Level",
    "Metric",
    "Observation",
    "OwnMetrics",
    "SuiteMeasure",
    "case_metric",
    "load_metrics",
    "measure_case",
    "suite_metric",
]
