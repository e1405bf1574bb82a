"""What reports say of cases and gates, in the reader's language and safe to print."""

from evals.report import CaseResult
from evals.verdict import Verdict
from terakoya.catalogue import text
from terakoya.text.normalise import printable

LONGEST = 200
"""Code points of an answer that a report shows."""

_SIGNS = {"min_mean": "≥", "max_mean": "≤", "max_drop": "≤"}


def number(value: float | None) -> str:
    """Four digits that matter, and a dash for nothing."""
    if value is None:
        return "-"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def bound(verdict: Verdict) -> str:
    """What a gate asks for: `≥ 0.95`, or `drop ≤ 0.01`."""
    sign = f"{_SIGNS[verdict.bound]} {verdict.limit:g}"
    return text("eval.drop", bound=sign) if verdict.bound == "max_drop" else sign


def outcome(verdict: Verdict) -> str:
    """Whether the bound holds, with what was measured where that is not the metric's value."""
    word = text(f"eval.{verdict.status}")
    if verdict.bound != "max_drop":
        return word if verdict.value is not None else text("eval.no_value", status=word)
    if verdict.status == "unchecked":
        return text("eval.no_baseline")
    if verdict.value is None:
        return text("eval.no_value", status=word)
    low, high = (verdict.interval.low, verdict.interval.high) if verdict.interval else (None, None)
    return text(
        "eval.dropped",
        status=word,
        drop=number(verdict.value),
        low=number(low),
        high=number(high),
        pairs=verdict.pairs,
    )


def wanted(case: CaseResult) -> str:
    """What a good answer would have held."""
    if not case.answerable:
        return text("eval.wanted_nothing")
    places = [f"{p.source}:{','.join(map(str, p.lines))}" for p in case.passages]
    return printable(" · ".join([*(f"“{e}”" for e in case.expected), *places]))


def came(case: CaseResult) -> str:
    """What came instead."""
    if case.error:
        return printable(text("eval.came_error", error=case.error))
    said = " ".join(printable(case.answer).split())
    said = said if len(said) <= LONGEST else f"{said[:LONGEST]}…"
    places = " ".join(f"{c.source}:{c.start_line}-{c.end_line}" for c in case.citations) or "-"
    key = "eval.came_answer" if case.answered else "eval.came_nothing"
    missing = (
        text("eval.came_missing", missing=" ".join(case.missing)) if case.answered and case.missing else ""
    )
    return printable(text(key, answer=said, places=places) + missing)
