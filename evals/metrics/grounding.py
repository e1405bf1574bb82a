"""Whether an answer keeps to the notes, and to the question: RAGAS's faithfulness and answer relevancy by words.

Es et al. 2024, "RAGAs: Automated Evaluation of Retrieval Augmented Generation", lets a model cut an answer into
claims and judge each. Here claims are sentences and the judge is the words they share with the passages: the
same figure for the same answer on every machine, at the price that a paraphrase in wholly other words counts as
unsupported, and a sentence that turns the words of a passage around counts as supported.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from evals.metrics.context import context
from evals.metrics.observation import Observation
from evals.metrics.registry import case_metric
from evals.metrics.tokens import claims, held_share, plain, reading, substance
from terakoya.errors import Unavailable
from terakoya.text.evidence import Reading
from terakoya.text.language import language_of
from terakoya.text.normalise import printable, squeeze
from terakoya.types import Citation

SUPPORTED: Final = 0.8
"""Share of a claim's words of substance that one passage has to hold."""


@case_metric(
    "faithfulness", "higher", "Share of an answer's sentences whose words stand in what it was made from."
)
def faithfulness(o: Observation) -> float | None:
    """Supported sentences / sentences with words of substance; answered cases only.

    Supported: what is cited, or one of the first 10 hits with the headings above it, holds at least 0.8 of the
    sentence's words of substance, as the index analyses them, and every number of it. What is cited is the quotes
    together, each with the lines around it up to the next blank ones, so that a row of a table has its header.
    A sentence that ends with a colon introduces others, and is left out.
    """
    if not o.answered:
        return None
    sources = ["\n".join(_surroundings(c, o) for c in o.citations), *(context(hit) for hit in o.hits)]
    sources = [source for source in sources if source.strip()]
    literal = [squeeze(source) for source in sources]
    verdicts = [
        any(squeeze(claim) in text for text in literal) or _supported(claim, sources)
        for claim in claims(o.answer)
        if substance(claim)
    ]
    return sum(verdicts) / len(verdicts) if verdicts else None


def _surroundings(citation: Citation, o: Observation) -> str:
    note = o.notes.get(citation.source)
    lines = note.lines if note else ()
    first, last = citation.start_line - 1, citation.end_line
    if not 0 <= first < last <= len(lines):
        return citation.quote
    while first > 0 and lines[first - 1].strip():
        first -= 1
    while last < len(lines) and lines[last].strip():
        last += 1
    return "\n".join((citation.quote, *lines[first:last]))


def _supported(claim: str, sources: Sequence[str]) -> bool:
    terms = substance(claim)
    return any(held_share(terms, _read(source)) >= SUPPORTED for source in sources)


@lru_cache(maxsize=256)
def _read(source: str) -> Reading:
    return reading(source)


@case_metric(
    "answer_relevancy", "higher", "Share of the question's words of substance that its answer takes up."
)
def answer_relevancy(o: Observation) -> float | None:
    """Words of substance of the question that the answer or a quote holds / all of them; answered cases only.

    The form of RAGAS's answer relevancy that needs no model. It tells an answer about another subject, and an
    empty one; a right answer in other words than the question's scores low, and an answer that repeats the
    question scores 1 whatever it adds. Compare it with a baseline rather than with a fixed bound.
    """
    terms = substance(o.case.question)
    if not (o.answered and terms):
        return None
    said = reading("\n".join(o.shown))
    return sum(map(said.holds, terms)) / len(terms)


@case_metric("answer_similarity", "higher", "Likeness in meaning of question and answer, by the embedder.")
def answer_similarity(o: Observation) -> float | None:
    """Cosine of the vectors of question and answer, 0 where it is below; answered cases only.

    RAGAS compares the question with questions that a model makes of the answer; here the answer itself is
    compared, which is a scale of its own. None without an embedder that can be loaded, or where it does not read
    the language of one of the two. What is over its token limit is not looked at.
    """
    if not (o.answered and o.embedder):
        return None
    said = printable(plain(o.answer))
    if not {language_of(said), language_of(o.case.question)} <= o.embedder.languages:
        return None
    try:
        question, answer = o.embedder.embed_query(o.case.question), o.embedder.embed_documents([said])[0]
    except Unavailable:  # search goes on without it too
        return None
    return max(0.0, float(question @ answer))
