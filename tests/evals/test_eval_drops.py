"""Gates on a change: `max_drop` against a baseline, and what is too few cases to tell."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals import Gate, Suite, Verdict, judge, load_suite
from evals.change import changes
from evals.testing import Reply, cite_all
from evals.wording import outcome
from tests.evals.conftest import broken, replies_of, report

Replies = dict[str, Reply]


DROP = [Gate(metric="contains_expected", max_drop=0.01), Gate(metric="abstention_recall", max_drop=0.01)]


def test_a_drop_is_not_checked_without_a_baseline(suite: Suite, good_replies: Replies) -> None:
    judgement = judge(report(suite, good_replies), DROP)
    assert [v.status for v in judgement.verdicts[:2]] == ["unchecked"] * 2
    assert judgement.passed


def test_the_same_run_has_not_dropped(suite: Suite, good_replies: Replies) -> None:
    measured = report(suite, good_replies)
    verdict = judge(measured, DROP, baseline=measured).verdicts[0]
    assert (verdict.value, verdict.status, verdict.pairs) == (0.0, "passed", 4)
    assert outcome(verdict) == "passed: no change, 4 pairs"


def test_a_drop_on_every_case_fails(suite: Suite, good_replies: Replies) -> None:
    judgement = judge(
        report(suite, broken(good_replies, answer="no", citations=())),
        DROP,
        baseline=report(suite, good_replies),
    )
    verdict = judgement.verdicts[0]
    assert (verdict.value, verdict.status) == (1.0, "failed")
    assert verdict.interval is not None
    assert verdict.interval.excludes_zero()


def drop(suite: Suite, after: Replies, before: Replies, **gate: Any) -> Verdict:
    gates = [Gate(metric="contains_expected", **gate)]
    return judge(report(suite, after), gates, baseline=report(suite, before)).verdicts[0]


@pytest.fixture
def mixed(wide: Suite, write_suite: Callable[[str], Path]) -> Suite:
    """The same, and twenty questions that no note answers."""
    content = wide.path.read_text() + "".join(
        f"  - {{id: x{n}, question: x{n}, answerable: false}}\n" for n in range(20)
    )
    return load_suite(write_suite(content))


def right(mixed: Suite) -> Replies:
    known = replies_of(replace(mixed, cases=mixed.cases[:40]))
    found = {q: replace(r, hits=((f"n{n}.md", 1, 1),)) for n, (q, r) in enumerate(known.items())}
    return found | {f"x{n}": Reply(answered=False, answer="The notes do not say.") for n in range(20)}


def shuffled(replies: Replies) -> Replies:
    hits = [reply.hits for reply in replies.values()]
    return {q: replace(r, hits=hits[n - 7]) for n, (q, r) in enumerate(replies.items())}


def wrongly_cited(replies: Replies) -> Replies:
    other = cite_all([("n0.md", 1, 1, "words that stand nowhere")])
    return {q: replace(r, citations=other) for q, r in replies.items()}


def never_abstaining(replies: Replies) -> Replies:
    return {q: replace(r, answered=True) for q, r in replies.items()}


def always_abstaining(replies: Replies) -> Replies:
    return {q: replace(r, answered=False) for q, r in replies.items()}


WATCHED = (
    "recall@5",
    "mrr@10",
    "citation_validity",
    "citation_support",
    "answered_rate",
    "abstention_recall",
)


@pytest.mark.parametrize(
    ("broken_system", "red"),
    [
        (dict, set()),
        (shuffled, {"recall@5", "mrr@10"}),
        (wrongly_cited, {"citation_validity", "citation_support"}),
        (never_abstaining, {"abstention_recall"}),
        (always_abstaining, {"answered_rate", "citation_support"}),
    ],
)
def test_a_system_that_is_broken_on_purpose_drops_for_certain(
    mixed: Suite, broken_system: Callable[[Replies], Replies], red: set[str]
) -> None:
    gates = [Gate(metric=metric, max_drop=0.05, too_few_cases="pass") for metric in WATCHED]
    before, after = report(mixed, right(mixed)), report(mixed, broken_system(right(mixed)))
    verdicts = judge(after, gates, baseline=before).verdicts
    assert {v.metric for v in verdicts if v.status == "failed"} == red


def test_a_drop_that_chance_explains_is_called_too_few_cases_and_not_a_drop(
    suite: Suite, good_replies: Replies
) -> None:
    question = suite.cases[0].question
    worse = good_replies | {question: Reply(answer="no", hits=good_replies[question].hits)}
    verdict = drop(suite, worse, good_replies, max_drop=0.01)
    assert verdict.value == pytest.approx(0.25)
    assert (verdict.status, verdict.too_few) == ("failed", True)
    assert "too few cases" in outcome(verdict)


def test_a_suite_may_let_too_few_cases_pass(suite: Suite, good_replies: Replies) -> None:
    question = suite.cases[0].question
    worse = good_replies | {question: Reply(answer="no", hits=good_replies[question].hits)}
    verdict = drop(suite, worse, good_replies, max_drop=0.01, too_few_cases="pass")
    assert (verdict.status, verdict.too_few) == ("passed", True)


def test_a_certain_drop_fails_even_where_too_few_cases_would_pass(wide: Suite) -> None:
    verdict = drop(
        wide, replies_of(wide, wrong=range(12)), replies_of(wide), max_drop=0.05, too_few_cases="pass"
    )
    assert verdict.value == pytest.approx(0.3)
    assert (verdict.status, verdict.too_few) == ("failed", False)
    assert verdict.p is not None
    assert verdict.p <= 0.05


def test_a_certain_drop_that_is_smaller_than_the_gate_allows_passes(wide: Suite) -> None:
    verdict = drop(wide, replies_of(wide, wrong=range(8)), replies_of(wide), max_drop=0.5)
    assert (verdict.value, verdict.status, verdict.too_few) == (pytest.approx(0.2), "passed", False)


def test_cases_that_change_both_ways_are_too_few_for_a_small_drop(wide: Suite) -> None:
    verdict = drop(
        wide, replies_of(wide, wrong=range(6)), replies_of(wide, wrong=range(6, 12)), max_drop=0.05
    )
    assert verdict.value == 0.0
    assert (verdict.status, verdict.too_few) == ("failed", True)
    assert verdict.detectable is not None
    assert verdict.detectable > 0.05


def test_an_improvement_is_not_red_however_few_the_cases(wide: Suite) -> None:
    verdict = drop(wide, replies_of(wide), replies_of(wide, wrong=range(4)), max_drop=0.02)
    assert verdict.value == pytest.approx(-0.1)
    assert verdict.status == "passed"


def test_what_one_metric_shows_counts_less_where_many_are_watched(wide: Suite) -> None:
    measured, before = report(wide, replies_of(wide, wrong=range(6))), report(wide, replies_of(wide))
    alone = changes(measured, before, ["contains_expected"])[0]
    among = next(c for c in changes(measured, before) if c.metric == "contains_expected")
    assert alone.certain
    assert alone.p is not None
    assert among.p == alone.p
    assert among.p_corrected is not None
    assert among.p_corrected > alone.p


def test_a_rise_is_no_drop(suite: Suite, good_replies: Replies) -> None:
    verdict = judge(
        report(suite, good_replies),
        DROP,
        baseline=report(suite, broken(good_replies, answer="no", citations=())),
    ).verdicts[0]
    assert (verdict.value, verdict.status) == (-1.0, "passed")


def test_a_suite_metric_drops_too(suite: Suite, good_replies: Replies) -> None:
    answers = {q: replace(r, answered=True) for q, r in good_replies.items()}
    verdict = judge(report(suite, answers), DROP, baseline=report(suite, good_replies)).verdicts[1]
    assert (verdict.value, verdict.status) == (1.0, "failed")


def test_a_metric_that_applies_to_nothing_any_more_has_dropped(suite: Suite, good_replies: Replies) -> None:
    declines = {q: replace(r, answered=False) for q, r in good_replies.items()}
    gates = [Gate(metric="citation_support", max_drop=0.1)]
    verdict = judge(report(suite, declines), gates, baseline=report(suite, good_replies)).verdicts[0]
    assert verdict.status == "failed"


def test_a_question_that_was_reworded_is_not_paired(suite: Suite, good_replies: Replies) -> None:
    before = report(suite, good_replies)
    other = replace(before, cases=(replace(before.cases[0], question="another"), *before.cases[1:]))
    assert judge(before, DROP, baseline=other).verdicts[0].pairs == 3


def test_a_baseline_without_a_question_in_common_is_too_few_cases(
    suite: Suite, good_replies: Replies
) -> None:
    measured = report(suite, good_replies)
    other = replace(measured, cases=tuple(replace(case, id=f"old-{case.id}") for case in measured.cases))
    verdict = judge(measured, DROP, baseline=other).verdicts[0]
    assert (verdict.status, verdict.too_few, verdict.pairs) == ("failed", True, 0)
    assert "too few cases" in outcome(verdict)


def test_a_metric_that_applies_now_and_did_not_before_is_not_checked(
    suite: Suite, good_replies: Replies
) -> None:
    answers = {q: replace(r, answered=True) for q, r in good_replies.items()}
    gates = [Gate(metric="abstention_precision", max_drop=0.1)]
    verdict = judge(report(suite, good_replies), gates, baseline=report(suite, answers)).verdicts[0]
    assert verdict.status == "unchecked"
