"""Retrieval as what an answer is made from: RAGAS's context precision and recall, without a model.

Es et al. 2024, "RAGAs: Automated Evaluation of Retrieval Augmented Generation", and the formulas of its
documentation. Where RAGAS asks a model whether a passage is relevant or a claim is supported, the case says so.
"""

from evals.metrics.observation import Observation
from evals.metrics.ranking import relevance
from evals.metrics.registry import case_metric
from terakoya.text.normalise import squeeze
from terakoya.types import Hit


@case_metric("context_precision", "higher", "How high the relevant hits stand among the first 10.")
def context_precision(o: Observation) -> float | None:
    """Mean of precision@i over the ranks i of the relevant hits, 0 where there are none.

    sum over i of (precision@i * relevant(i)) / relevant hits among the first 10, relevant(i) being 0 or 1. What
    was not found does not lower it; that is what `context_recall` is for.
    """
    found = relevance(o)
    if found is None:
        return None
    at = [rank for rank, relevant in enumerate(found, 1) if relevant]
    return sum(n / rank for n, rank in enumerate(at, 1)) / len(at) if at else 0.0


@case_metric(
    "context_recall", "higher", "Share of the facts of a good answer that stand in the first 10 hits."
)
def context_recall(o: Observation) -> float | None:
    """Facts that a hit holds / facts that the case names.

    Facts are the key facts; without them the expected texts; without those the texts of the expected passages.
    Held: it occurs in the hit's text or in what stands above it, after NFKC, in lower case and without white
    space.
    """
    facts = [fact.any_of for fact in o.case.key_facts] or [(text,) for text in o.case.expected]
    facts = facts or [(p.text,) for p in o.case.passages if p.text]
    if not (o.searched and facts):
        return None
    held = [squeeze(context(hit)) for hit in o.hits]
    return sum(any(squeeze(way) in text for way in ways for text in held) for ways in facts) / len(facts)


def context(hit: Hit) -> str:
    """What an answerer reads of a hit: headings, list items above it, and its text."""
    return "\n".join((*hit.passage.heading, *hit.passage.ancestors, hit.passage.text))
