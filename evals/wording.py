"""What reports say of cases and gates, in the reader's language and safe to print."""

from evals.report import CaseResult
from evals.verdict import Verdict
from terakoya.catalogue import text
from terakoya.text.normalise import printable

LONGEST = 200
"""Code points of an answer that a report shows."""

_SIGNS = {"min_mean": "≥", "max_mean": "≤", "max_drop": "≤", "max_p95_ms": "≤"}


def number(value: float | None) -> str:
    """Four digits that matter, and a dash for nothing."""
    if value is None:
        return "-"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def bound(verdict: Verdict) -> str:
    """What a gate asks for: `≥ 0.95`, `drop ≤ 0.01`, `p95 ≤ 500 ms`, or `must pass`."""
    if verdict.bound == "must_pass":
        return text("eval.must_pass")
    sign = f"{_SIGNS[verdict.bound]} {verdict.limit:g}"
    if verdict.bound == "max_p95_ms":
        return text("eval.p95", bound=sign)
    return text("eval.drop", bound=sign) if verdict.bound == "max_drop" else sign


def outcome(verdict: Verdict) -> str:
    """Whether the bound holds, with what was measured where that is not the metric's value."""
    word = text(f"eval.{verdict.status}")
    if verdict.absent:
        return text(f"eval.no_{verdict.absent}", status=word, metric=verdict.metric)
    if verdict.bound == "must_pass":
        if verdict.case:
            return text("eval.must_pass_case", status=word, case=printable(verdict.case))
        return text("eval.must_pass_all", status=word, count=verdict.pairs)
    if verdict.bound == "max_p95_ms" and verdict.value is not None:
        return text("eval.measured", status=word, value=number(verdict.value))
    if verdict.bound != "max_drop":
        return word if verdict.value is not None else text("eval.no_value", status=word)
    if verdict.status == "unchecked":
        return text("eval.no_baseline")
    if verdict.value is None and not verdict.too_few:
        return text("eval.no_value", status=word)
    low, high = (verdict.interval.low, verdict.interval.high) if verdict.interval else (None, None)
    if verdict.value == low == high == 0:
        return text("eval.unchanged", status=word, pairs=verdict.pairs)
    return text(
        f"eval.{_drop_key(verdict)}",
        status=word,
        drop=number(verdict.value),
        low=number(low),
        high=number(high),
        p=number(verdict.p),
        pairs=verdict.pairs,
        detectable=number(verdict.detectable),
        limit=f"{verdict.limit:g}",
    )


def _drop_key(verdict: Verdict) -> str:
    if not verdict.too_few:
        return "dropped"
    return "too_few_notes" if verdict.detectable is None else "too_few"


def wanted(case: CaseResult) -> str:
    """What a good answer would have held."""
    if not case.answerable:
        return text("eval.wanted_nothing")
    places = [f"{p.source}:{','.join(map(str, p.lines))}" if p.text else p.source for p in case.passages]
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
