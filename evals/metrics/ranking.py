"""Retrieval alone, against the passages that a case expects.

A hit is relevant where it shares a line with an expected passage of the same note. Passages stand for the
documents of the formulas.
"""

import math
from collections.abc import Sequence

from evals.metrics.observation import SEARCH_DEPTH, Observation, overlaps
from evals.metrics.registry import case_metric


def recall(o: Observation, k: int) -> float | None:
    """Expected passages that one of the first k hits overlaps / expected passages.

    Manning, Raghavan, Schütze 2008, "Introduction to Information Retrieval", section 8.3.
    """
    wanted = o.case.passages
    if not (o.searched and wanted):
        return None
    return sum(any(overlaps(hit, p) for hit in o.hits[:k]) for p in wanted) / len(wanted)


@case_metric("recall@1", "higher", "Share of the expected passages that the first hit overlaps.")
def recall_at_1(o: Observation) -> float | None:
    """See `recall`, k = 1."""
    return recall(o, 1)


@case_metric("recall@5", "higher", "Share of the expected passages that the first 5 hits overlap.")
def recall_at_5(o: Observation) -> float | None:
    """See `recall`, k = 5."""
    return recall(o, 5)


@case_metric("recall@10", "higher", "Share of the expected passages that the first 10 hits overlap.")
def recall_at_10(o: Observation) -> float | None:
    """See `recall`, k = 10."""
    return recall(o, 10)


@case_metric("precision@5", "higher", "Share of the first 5 hits that overlap an expected passage.")
def precision_at_5(o: Observation) -> float | None:
    """Relevant hits among the first 5 / 5, also where there are fewer than 5 hits, as trec_eval has it.

    Manning, Raghavan, Schütze 2008, section 8.4. A case with one expected passage reaches 0.2 at most.
    """
    found = relevance(o)
    return None if found is None else sum(found[:5]) / 5


@case_metric("mrr@10", "higher", "One over the rank of the first hit that overlaps an expected passage.")
def reciprocal_rank(o: Observation) -> float | None:
    """1 / rank of the first relevant hit, 0 where none of the first 10 is relevant; the total is MRR@10.

    Voorhees 1999, "The TREC-8 Question Answering Track Report".
    """
    found = relevance(o)
    if found is None:
        return None
    return 1 / (found.index(True) + 1) if True in found else 0.0


@case_metric(
    "ndcg@10", "higher", "How near the first 10 hits come to the best order of the expected passages."
)
def ndcg(o: Observation) -> float | None:
    """Discounted gain of the first 10 places / that of the best order.

    Discounted gain: sum over ranks of grade / log2(rank + 1), with a passage's grade as its gain. Järvelin and
    Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques", with the discount of Burges et al. 2005,
    as trec_eval's `ndcg_cut.10` has it. A passage counts where it is first found. A hit that finds several
    takes as many places, the highest grade first; one that finds none that is new takes a place without gain.
    """
    if not (o.searched and o.case.passages):
        return None
    ideal = sorted((p.grade for p in o.case.passages), reverse=True)
    return _discounted(gains(o)) / _discounted(ideal)


def relevance(o: Observation) -> list[bool] | None:
    """Whether each of the first 10 hits is relevant; None where the case expects no passage."""
    if not (o.searched and o.case.passages):
        return None
    return [any(overlaps(hit, p) for p in o.case.passages) for hit in o.hits[:SEARCH_DEPTH]]


def gains(o: Observation) -> list[int]:
    """Grades of the passages in the order in which hits find them, and 0 for a hit that finds nothing new."""
    left = list(o.case.passages)
    gained: list[int] = []
    for hit in o.hits[:SEARCH_DEPTH]:
        found = [p for p in left if overlaps(hit, p)]
        left = [p for p in left if p not in found]
        gained += sorted((p.grade for p in found), reverse=True) or [0]
    return gained


def _discounted(grades: Sequence[int]) -> float:
    return sum(grade / math.log2(rank + 1) for rank, grade in enumerate(grades[:SEARCH_DEPTH], 1))
