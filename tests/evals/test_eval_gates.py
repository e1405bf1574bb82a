from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals import (
    Gate,
    Report,
    Suite,
    judge,
    load_suite,
    run_suite,
)
from evals.testing import Reply, ScriptedTarget, cite
from evals.wording import bound, outcome
from tests.evals.conftest import SUITE, broken, replies_of, report

Replies = dict[str, Reply]


def failed_metrics(suite: Suite, replies: Replies) -> set[str]:
    judgement = judge(run_suite(suite, ScriptedTarget(replies=replies)), suite.gates)
    return {verdict.metric for verdict in judgement.verdicts if verdict.status == "failed"}


def test_a_system_that_is_right_passes_every_gate(suite: Suite, good_replies: Replies) -> None:
    judgement = judge(report(suite, good_replies), suite.gates)
    assert judgement.passed
    assert judgement.misses == ()
    assert judgement.report.total("correct").value == 1.0


def test_a_ranking_that_is_shuffled_fails_the_retrieval_gates(suite: Suite, good_replies: Replies) -> None:
    questions = list(good_replies)
    shuffled = {
        q: replace(good_replies[q], hits=good_replies[other].hits)
        for q, other in zip(questions, questions[2:] + questions[:2], strict=True)
    }
    assert failed_metrics(suite, shuffled) == {"recall@5", "mrr@10"}


def test_a_system_that_never_abstains_fails_both_abstention_gates(
    suite: Suite, good_replies: Replies
) -> None:
    answers = {q: replace(r, answered=True) for q, r in good_replies.items()}
    assert failed_metrics(suite, answers) == {"abstention_precision", "abstention_recall"}


def test_a_system_that_always_abstains_fails_although_it_shows_the_nearest_lines(
    suite: Suite, good_replies: Replies
) -> None:
    declines = {q: replace(r, answered=False) for q, r in good_replies.items()}
    assert failed_metrics(suite, declines) == {
        "abstention_precision", "answered_rate", "contains_expected", "citation_support"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("citation", "failing"),
    [
        (cite("db.md", 4, 4, "An index makes search faster"), {"citation_validity", "citation_support"}),
        (cite("gone.md", 1, 1, "An index makes search faster"), {"citation_validity", "citation_support"}),
        (cite("db.md", 4, 4, "A view is a stored query"), {"citation_support"}),
    ],
)
def test_wrong_citations_fail_the_citation_gates(
    suite: Suite, good_replies: Replies, citation: object, failing: set[str]
) -> None:
    assert failed_metrics(suite, broken(good_replies, citations=(citation,))) == failing


def test_a_failed_case_is_in_the_report_and_fails_the_suite(suite: Suite, good_replies: Replies) -> None:
    question = suite.cases[0].question
    replies = good_replies | {question: Reply(error=RuntimeError("out of memory"))}
    measured = report(suite, replies)
    assert len(measured.cases) == len(suite.cases)
    assert measured.cases[0].error == "RuntimeError: out of memory"
    assert measured.failed == 1
    judgement = judge(measured, ())
    assert not judgement.passed
    assert [case.id for case in judgement.misses] == [suite.cases[0].id]


def test_what_retrieval_found_counts_even_where_answering_failed(suite: Suite, good_replies: Replies) -> None:
    question = suite.cases[0].question
    replies = good_replies | {question: replace(good_replies[question], error=RuntimeError("no model"))}
    assert report(suite, replies).cases[0].metrics["recall@1"] == 1.0


def test_a_suite_may_allow_failures_itself(suite: Suite, good_replies: Replies) -> None:
    replies = good_replies | {suite.cases[0].question: Reply(error=RuntimeError("x"))}
    assert judge(report(suite, replies), [Gate(metric="failures", max_mean=0.2)]).passed


def test_a_gate_on_a_metric_that_applies_to_nothing_fails(suite: Suite, good_replies: Replies) -> None:
    answers = {q: replace(r, answered=True) for q, r in good_replies.items()}
    verdict = judge(report(suite, answers), [Gate(metric="abstention_precision", min_mean=0)]).verdicts[0]
    assert (verdict.value, verdict.status) == (None, "failed")


@pytest.mark.parametrize(
    ("offer", "missing", "metric"), [("ask", "search", "recall@5"), ("search", "ask", "answered_rate")]
)
def test_a_gate_on_what_the_target_cannot_do_fails_and_says_so(
    suite: Suite, good_replies: Replies, offer: Any, missing: str, metric: str
) -> None:
    before = report(suite, good_replies)
    after = run_suite(suite, ScriptedTarget(replies=good_replies, offers=frozenset({offer})))
    gates = [Gate(metric=metric, min_mean=0.1, max_drop=0.1), Gate(metric="latency_p95", max_p95_ms=60_000)]
    mean, drop, time, _ = judge(after, gates, baseline=before).verdicts
    assert (mean.status, mean.absent, drop.status, drop.absent) == ("failed", missing, "failed", missing)
    assert (time.status, time.absent) == ("passed", None)
    assert metric in outcome(mean)
    assert ("searched" if missing == "search" else "answers") in outcome(drop)


def test_max_mean_bounds_from_above(suite: Suite, good_replies: Replies) -> None:
    measured = report(suite, good_replies)
    assert judge(measured, [Gate(metric="latency_p95", max_mean=60_000)]).passed
    assert not judge(measured, [Gate(metric="quotes", max_mean=0.5)]).passed


def test_a_case_that_must_pass_fails_the_suite_by_itself(suite: Suite, good_replies: Replies) -> None:
    required = [Gate(metric="correct", must_pass=("index", "tokyo", "gone"))]
    worse = good_replies | {suite.cases[0].question: Reply(answer="no")}
    verdicts = judge(report(suite, worse), required).verdicts[:3]
    assert [(v.bound, v.case, v.status, v.value) for v in verdicts] == [
        ("must_pass", "index", "failed", 0.0),
        ("must_pass", "gone", "failed", None),
        ("must_pass", "", "passed", 1.0),
    ]
    assert outcome(verdicts[2]) == "passed: cases 1"
    assert (bound(verdicts[0]), outcome(verdicts[0])) == ("must pass", "failed: index")


def test_must_pass_in_a_suite_becomes_a_gate(
    write_suite: Callable[[str], Path], good_replies: Replies
) -> None:
    marked = load_suite(write_suite(SUITE.replace("  - id: view\n", "  - id: view\n    must_pass: true\n")))
    assert marked.gates[-1] == Gate(metric="correct", must_pass=("view",))
    worse = good_replies | {"ビューとは": Reply(answer="?")}
    assert judge(report(marked, good_replies), marked.gates).passed
    red = [
        v.case for v in judge(report(marked, worse), marked.gates).verdicts if v.status == "failed" and v.case
    ]
    assert red == ["view"]


def test_a_slow_answer_in_twenty_fails_the_time_gate_and_a_rarer_one_does_not(wide: Suite) -> None:
    measured = report(wide, replies_of(wide))
    gate = [Gate(metric="latency_p95", max_p95_ms=100)]

    def slowed(count: int) -> Report:
        times = [500.0] * count + [10.0] * (len(measured.cases) - count)
        cases = [replace(case, latency_ms=time) for case, time in zip(measured.cases, times, strict=True)]
        return replace(measured, cases=tuple(cases))

    assert judge(slowed(1), gate).passed
    verdict = judge(slowed(4), gate).verdicts[0]
    assert (verdict.bound, verdict.status) == ("max_p95_ms", "failed")
    assert "500" in outcome(verdict)
    assert bound(verdict) == "p95 ≤ 100 ms"


def test_no_times_fail_the_time_gate(suite: Suite, good_replies: Replies) -> None:
    measured = report(suite, {q: Reply(error=RuntimeError("x")) for q in good_replies})
    assert judge(measured, [Gate(metric="latency_p95", max_p95_ms=1e9)]).verdicts[0].status == "failed"
