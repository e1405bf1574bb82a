"""Metrics: what is measured of a case, and of a whole suite.

A *case* metric maps one observation to a number, or to None where it does not apply; its total is the mean
over the cases that it applies to. A *suite* metric maps all results to one number. A new one is one decorated
function.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from evals.case import Case, ExpectedPassage
from evals.note import Notes
from evals.report import CaseResult
from terakoya.types import Citation, Hit

Direction = Literal["higher", "lower"]
Level = Literal["case", "suite"]
SEARCH_DEPTH: Final = 10
"""How many hits a case asks retrieval for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a metric sees of one case.

    Attributes:
        case: The case.
        notes: The notes of the suite, to check quotes against.
        hits: What retrieval found, best first, at most `SEARCH_DEPTH`.
        answer: The text that came.
        answered: None where the target failed; a case that failed is neither answered nor declined.
        citations: Of the answer; where not answered, the nearest passages.
    """

    case: Case
    notes: Notes
    hits: tuple[Hit, ...] = ()
    answer: str = ""
    answered: bool | None = None
    citations: tuple[Citation, ...] = ()


CaseMeasure = Callable[[Observation], float | None]
SuiteMeasure = Callable[[Sequence[CaseResult]], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """An entry of the registry.

    Attributes:
        name: As gates and reports write it.
        direction: Which way is better.
        description: One sentence.
        level: Whether it measures a case or a whole suite.
        of_case: The function, for a case metric.
        of_suite: The function, for a suite metric.
    """

    name: str
    direction: Direction
    description: str
    level: Level
    of_case: CaseMeasure | None = None
    of_suite: SuiteMeasure | None = None

    def measure(self, results: Sequence[CaseResult]) -> float | None:
        """Its value over `results`; None where it applies to none of them."""
        if self.of_suite is not None:
            return self.of_suite(results)
        values = [r.metrics[self.name] for r in results if self.name in r.metrics]
        return float(np.mean(values)) if values else None


METRICS: Final[dict[str, Metric]] = {}
"""The registry, in the order of reports."""


def case_metric(name: str, direction: Direction, description: str) -> Callable[[CaseMeasure], CaseMeasure]:
    """Registers a function of one observation."""

    def register(function: CaseMeasure) -> CaseMeasure:
        METRICS[name] = Metric(
            name=name, direction=direction, description=description, level="case", of_case=function
        )
        return function

    return register


def suite_metric(name: str, direction: Direction, description: str) -> Callable[[SuiteMeasure], SuiteMeasure]:
    """Registers a function of all results."""

    def register(function: SuiteMeasure) -> SuiteMeasure:
        METRICS[name] = Metric(
            name=name, direction=direction, description=description, level="suite", of_suite=function
        )
        return function

    return register


def measure_case(observation: Observation) -> dict[str, float]:
    """All case metrics that apply."""
    values = {name: m.of_case(observation) for name, m in METRICS.items() if m.of_case is not None}
    return {name: value for name, value in values.items() if value is not None}


# Answers as a whole


@case_metric("correct", "higher", "Share of cases that are right in every respect.")
def correct(o: Observation) -> float:
    """1 where an unanswerable question was declined, or an answerable one answered as expected, else 0.

    As expected: every expected text occurs, and a citation overlaps an expected passage, as far as the case
    names texts and passages.
    """
    if not o.case.answerable:
        return float(o.answered is False)
    return float(bool(o.answered) and contains_expected(o) != 0.0 and citation_support(o) != 0.0)


@case_metric("failures", "lower", "Share of cases on which the target raised an error.")
def failures(o: Observation) -> float:
    """1 where the target raised, else 0."""
    return float(o.answered is None)


@case_metric("answered_rate", "higher", "Share of answerable questions that were answered.")
def answered_rate(o: Observation) -> float | None:
    """1 where answered, 0 where declined or failed; answerable cases only.

    The recall of answering: answered and answerable / answerable.
    """
    return float(bool(o.answered)) if o.case.answerable else None


@case_metric("contains_expected", "higher", "Share of cases whose answer or quotes hold every expected text.")
def contains_expected(o: Observation) -> float | None:
    """1 where every expected text occurs in the answer or a quote, else 0; 0 where not answered.

    Compared after NFKC, in lower case and without white space. Also called substring exact match, or accuracy
    by inclusion (Mallen et al. 2023, "When Not to Trust Language Models", section 3).
    """
    if not o.case.expected:
        return None
    return float(bool(o.answered) and not o.case.missing(o.answer, tuple(c.quote for c in o.citations)))


# Retrieval alone


def recall(o: Observation, k: int) -> float | None:
    """Relevant passages found in the first k hits / relevant passages.

    A passage counts as found where a hit of the same source shares a line with it. Manning, Raghavan, Schütze
    2008, "Introduction to Information Retrieval", section 8.3, with passages for documents.
    """
    wanted = o.case.passages
    if not wanted:
        return None
    return sum(any(_overlap(hit, p) for hit in o.hits[:k]) for p in wanted) / len(wanted)


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


@case_metric("mrr@10", "higher", "One over the rank of the first hit that overlaps an expected passage.")
def reciprocal_rank(o: Observation) -> float | None:
    """1 / rank of the first relevant hit, 0 where none of the first 10 is relevant; the total is MRR@10.

    Voorhees 1999, "The TREC-8 Question Answering Track Report".
    """
    if not o.case.passages:
        return None
    for rank, hit in enumerate(o.hits[:SEARCH_DEPTH], 1):
        if any(_overlap(hit, p) for p in o.case.passages):
            return 1 / rank
    return 0.0


def _overlap(hit: Hit, passage: ExpectedPassage) -> bool:
    return passage.overlaps(hit.passage.source, hit.passage.start_line, hit.passage.end_line)


# Citations


@case_metric(
    "citation_validity", "higher", "Share of an answer's citations that resolve, with a literal quote."
)
def citation_validity(o: Observation) -> float | None:
    """Valid citations / citations that can be judged; None where there are none.

    Valid: the source is a note of the suite, its lines exist, and the quote occurs letter for letter in those
    lines as a reader sees them, HTML tags gone. A citation of a note in a format that the suite cannot read
    is left out. After Gao et al. 2023, "Enabling Large Language Models to Generate Text with Citations", with
    a literal check for the entailment model.
    """
    verdicts = []
    for c in o.citations:
        note = o.notes.get(c.source)
        if note is None or note.lines:
            verdicts.append(note is not None and note.holds(c.quote, c.start_line, c.end_line))
    return sum(verdicts) / len(verdicts) if verdicts else None


@case_metric("citation_support", "higher", "Share of answered cases that cite a line of an expected passage.")
def citation_support(o: Observation) -> float | None:
    """1 where a citation shares a line with an expected passage, else 0; cases that were answered only."""
    if not (o.answered and o.case.passages):
        return None
    cited = [(c.source, c.start_line, c.end_line) for c in o.citations]
    return float(any(p.overlaps(*place) for p in o.case.passages for place in cited))


# Abstention


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
    """Declined and unanswerable / unanswerable; None where the suite has no unanswerable case."""
    positives = [r for r in results if not r.answerable]
    return sum(r.answered is False for r in positives) / len(positives) if positives else None


# Cost to the reader


@case_metric("quotes", "lower", "Citations in an answer.")
def quotes(o: Observation) -> float | None:
    """Number of citations; answered cases only."""
    return float(len(o.citations)) if o.answered else None


@case_metric("answer_characters", "lower", "Length of an answer in code points.")
def answer_characters(o: Observation) -> float | None:
    """Length of the text; answered cases only."""
    return float(len(o.answer)) if o.answered else None


def _latency(results: Sequence[CaseResult], percent: float) -> float | None:
    values = [r.latency_ms for r in results if r.latency_ms is not None]
    return float(np.percentile(values, percent)) if values else None


@suite_metric("latency_p50", "lower", "Median wall time of an answer in milliseconds.")
def latency_p50(results: Sequence[CaseResult]) -> float | None:
    """Median, with linear interpolation; cases that did not fail."""
    return _latency(results, 50)


@suite_metric("latency_p95", "lower", "95th percentile of the wall time of an answer in milliseconds.")
def latency_p95(results: Sequence[CaseResult]) -> float | None:
    """95th percentile, with linear interpolation (Hyndman and Fan 1996, type 7); cases that did not fail."""
    return _latency(results, 95)
