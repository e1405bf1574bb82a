"""Declining to answer, as a classifier whose positives are the questions that the notes cannot answer.

Rajpurkar et al. 2018, "Know What You Don't Know: Unanswerable Questions for SQuAD", ask for both; as precision
and recall see Manning, Raghavan, Schütze 2008, section 8.3.
"""

from collections.abc import Sequence

from evals.metrics.observation import Observation
from evals.metrics.registry import case_metric, suite_metric
from evals.report import CaseResult


@case_metric("answered_rate", "higher", "Share of answerable questions that were answered.")
def answered_rate(o: Observation) -> float | None:
    """1 where answered, 0 where declined or failed; answerable cases only.

    The recall of answering: answered and answerable / answerable.
    """
    return float(bool(o.answered)) if o.asked and o.case.answerable else None


@suite_metric(
    "abstention_precision", "higher", "Share of the declined questions that the notes cannot answer."
)
def abstention_precision(results: Sequence[CaseResult]) -> float | None:
    """Declined and unanswerable / declined; None where nothing was declined.

    Positives are the unanswerable cases, predicted positives those with `answered` false.
    """
    declined = [r for r in results if r.answered is False]
    return sum(not r.answerable for r in declined) / len(declined) if declined else None


@suite_metric(
    "abstention_recall", "higher", "Share of the questions that the notes cannot answer that were declined."
)
def abstention_recall(results: Sequence[CaseResult]) -> float | None:
    """Declined and unanswerable / unanswerable; None where no unanswerable question was asked.

    A question on which the target failed was asked, and not declined.
    """
    positives = [r for r in results if not r.answerable and (r.answered is not None or r.error)]
    return sum(r.answered is False for r in positives) / len(positives) if positives else None
