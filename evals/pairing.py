"""Cases beside what came of them in an earlier run, what changed first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from evals.report import CaseResult, Report
from terakoya.catalogue import text

Turn = Literal["broken", "mended", "other", "new", "same"]
ORDER: Final[tuple[Turn, ...]] = ("broken", "mended", "other", "new", "same")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A case now and before.

    Attributes:
        case: Now.
        former: Before; None where the earlier run has no such question, or there is no earlier run.
        turn: `broken` where it was right and is not any more, `mended` the other way round, `other` where
            answer or citations are others, `new` where only the later run has it.
    """

    case: CaseResult
    former: CaseResult | None
    turn: Turn

    @property
    def changed(self) -> bool:
        """Whether a reader should look at it."""
        return self.turn != "same"


def paired(report: Report, baseline: Report | None) -> tuple[Pair, ...]:
    """All cases: broken ones first, then mended, other and new ones; among these, those that are not right first.

    Cases are paired by id; one whose question, or whose being answerable, is another now is new.
    """
    former = {case.id: case for case in baseline.cases} if baseline else {}
    pairs = []
    for case in report.cases:
        old = former.get(case.id)
        if old and (old.question, old.answerable) != (case.question, case.answerable):
            old = None
        turn: Turn = _turn(case, old) if old else "new" if baseline else "same"
        pairs.append(Pair(case=case, former=old, turn=turn))
    return tuple(sorted(pairs, key=lambda pair: (ORDER.index(pair.turn), pair.case.passed)))


def turned(pairs: Sequence[Pair]) -> str:
    """How many cases changed, and how."""
    counts: dict[str, object] = {turn: sum(pair.turn == turn for pair in pairs) for turn in ORDER}
    changed = sum(pair.changed for pair in pairs)
    return text("eval.turns", language=None, count=changed, cases=len(pairs), **counts)


def _turn(case: CaseResult, former: CaseResult) -> Turn:
    if case.passed != former.passed:
        return "mended" if case.passed else "broken"
    same = _said(case) == _said(former)
    return "same" if same else "other"


def _said(case: CaseResult) -> tuple[object, ...]:
    return case.answer, case.answered, case.citations, case.error
