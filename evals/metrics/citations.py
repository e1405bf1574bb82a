"""Citations: whether they resolve, whether they stand where the answer stands, and how much is quoted besides."""

from evals.metrics.observation import Observation, cited
from evals.metrics.registry import case_metric


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
    return float(any(cited(c, p) for p in o.case.passages for c in o.citations))


@case_metric("quote_precision", "higher", "Share of the quoted units that the case marks as relevant.")
def quote_precision(o: Observation) -> float | None:
    """Citations that share a line with an expected or relevant passage / citations; answered cases only.

    The unit is what one mark of the answer points at. Precision of citations in Gao et al. 2023, section 3,
    with the case's marks for the entailment model. An answer that quotes whole notes in one piece shows in
    `quoted_lines`.
    """
    marked = (*o.case.passages, *o.case.relevant)
    if not (o.answered and marked and o.citations):
        return None
    return sum(any(cited(c, p) for p in marked) for c in o.citations) / len(o.citations)


@case_metric("quotes", "lower", "Citations in an answer.")
def quotes(o: Observation) -> float | None:
    """Number of citations; answered cases only."""
    return float(len(o.citations)) if o.answered else None


@case_metric("quoted_lines", "lower", "Lines of notes that an answer quotes.")
def quoted_lines(o: Observation) -> float | None:
    """Different lines that citations cover, those without a word included; answered cases only."""
    if not o.answered:
        return None
    return float(len({(c.source, n) for c in o.citations for n in range(c.start_line, c.end_line + 1)}))
