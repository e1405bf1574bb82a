"""How far passages speak of a question: by lexical evidence, without a model."""

from collections.abc import Mapping, Sequence
from typing import Final

from terakoya.text.analyser import Analyser
from terakoya.text.evidence import Reading
from terakoya.text.question import Question
from terakoya.types import Passage

ENOUGH: Final = 0.6
"""Share of a question's evidence from which on a passage speaks of it: as much as an answer must quote."""
HOPELESS: Final = 0.25
"""Below it a passage has nothing to do with the question; between the two it is in doubt."""


def graded(
    forms: Sequence[Sequence[Question]], passages: Sequence[Passage], analyser: Analyser
) -> tuple[Mapping[str, float], list[int]]:
    """Verdicts by passage id, 0 to 1, and the places of those sub-questions that no passage speaks of enough.

    Args:
        forms: Each sub-question in the names that it has, in itself at least.
        passages: What was found.
        analyser: That of the store.
    """
    readings = {p.id: Reading.of("\n".join((*p.heading, *p.ancestors, p.text)), analyser) for p in passages}
    held = [
        {key: max(evidence_share(q, reading) for q in forms_of) for key, reading in readings.items()}
        for forms_of in forms
    ]
    verdicts = {key: max((each[key] for each in held), default=0.0) for key in readings}
    return verdicts, [at for at, each in enumerate(held) if max(each.values(), default=0.0) < ENOUGH]


def evidence_share(question: Question, reading: Reading) -> float:
    """Share of the question's evidence that a text holds, 0 to 1."""
    weights = [question.weight(term, reading.language) for term in question.terms]
    total = sum(weights)
    if not total:
        return 0.0
    held = sum(w * reading.evidence(t) for w, t in zip(weights, question.terms, strict=True))
    return round(min(1.0, held / total), 4)
