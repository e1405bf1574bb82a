"""Answers as a whole: whether a case is right in every respect, and whether the target worked at all."""

from evals.metrics.answers import contains_expected, key_facts, short_answer
from evals.metrics.citations import citation_support
from evals.metrics.observation import Observation
from evals.metrics.ranking import recall_at_10
from evals.metrics.registry import case_metric
from evals.metrics.safety import forbidden


@case_metric("correct", "higher", "Share of cases that are right in every respect.")
def correct(o: Observation) -> float | None:
    """1 where an unanswerable question was declined, or an answerable one answered as expected, else 0.

    As expected, as far as the case says: every expected text and every vital key fact occurs, one of the short
    answers occurs, a citation overlaps an expected passage; and nothing that must not occur does. Of a target
    that only searches: the first 10 hits overlap every expected passage; None where the case names none.
    """
    if not o.asked:
        found = recall_at_10(o)
        return None if found is None else float(found == 1.0)
    if o.answered is None or forbidden(o):
        return 0.0
    if not o.case.answerable:
        return float(not o.answered)
    parts = (contains_expected(o), key_facts(o), short_answer(o), citation_support(o))
    return float(o.answered and all(part in (None, 1.0) for part in parts))


@case_metric("failures", "lower", "Share of cases on which the target raised an error.")
def failures(o: Observation) -> float:
    """1 where the target raised, else 0."""
    return float(o.failed or (o.asked and o.answered is None))
