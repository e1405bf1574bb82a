"""What an answer costs: time, and a model's tokens; and how sure the model was of them."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from evals.metrics.observation import Observation
from evals.metrics.registry import case_metric, suite_metric
from evals.report import CaseResult

_MOST: Final = 700.0
"""The largest power of e that a float holds, about: some systems write -9999 for what is impossible."""


def _latency(results: Sequence[CaseResult], percent: float) -> float | None:
    values = [r.latency_ms for r in results if r.latency_ms is not None]
    return float(np.percentile(values, percent)) if values else None


@suite_metric("latency_p50", "lower", "Median wall time of an answer in milliseconds.")
def latency_p50(results: Sequence[CaseResult]) -> float | None:
    """Median, with linear interpolation; cases that did not fail. Of a search where the target only searches."""
    return _latency(results, 50)


@suite_metric("latency_p95", "lower", "95th percentile of the wall time of an answer in milliseconds.")
def latency_p95(results: Sequence[CaseResult]) -> float | None:
    """95th percentile, with linear interpolation (Hyndman and Fan 1996, type 7); cases that did not fail."""
    return _latency(results, 95)


@suite_metric("latency_p99", "lower", "99th percentile of the wall time of an answer in milliseconds.")
def latency_p99(results: Sequence[CaseResult]) -> float | None:
    """As `latency_p95`; with fewer than 100 cases it is hardly another figure than the slowest case."""
    return _latency(results, 99)


@case_metric("tokens_in", "lower", "Tokens that a model read for a case.")
def tokens_in(o: Observation) -> float | None:
    """Input tokens of all calls, as the model counts them; None where no model was called or none tells."""
    return _tokens(o, "input")


@case_metric("tokens_out", "lower", "Tokens that a model wrote for a case.")
def tokens_out(o: Observation) -> float | None:
    """Output tokens of all calls, drafts that were thrown away included; None as for `tokens_in`."""
    return _tokens(o, "output")


@case_metric(
    "perplexity", "lower", "How many tokens the model wavered between, on average, for each that it wrote."
)
def perplexity(o: Observation) -> float | None:
    """exp(- mean of the natural log-probabilities of the answer's tokens); None where the target tells none.

    Jelinek, Mercer, Bahl and Baker 1977. Compare it between runs of one model only: tokens differ between models.
    """
    known = o.log_probabilities
    if not (o.answered and known):
        return None
    return math.exp(min(_MOST, -math.fsum(known) / len(known)))


def _tokens(o: Observation, kind: str) -> float | None:
    return float(o.usage[kind]) if kind in o.usage else None
