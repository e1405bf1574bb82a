from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals import (
    Gate,
    Report,
    Suite,
    Verdict,
    judge,
    load_suite,
    run_suite,
)
from evals.change import changes
from evals.testing import Reply, ScriptedTarget, cite, cite_all
from evals.wording import bound, outcome
from tests.evals.conftest import SUITE

Replies = dict[str, Reply]


def failed_metrics(suite: Suite, replies: Replies) -> set[str]:
    judgement = judge(run_suite(suite, ScriptedTarget(replies=replies)), suite.gates)
    return {verdict.metric for verdict in judgement.verdicts if verdict.status == "failed"}


def report(suite: Suite, replies: Replies) -> Report:
    return run_suite(suite, ScriptedTarget(replies=replies))


def broken(replies: Replies, **change: object) -> Replies:
    return {q: replace(r, **change) if r.answered else r for q, r in replies.items()}  # type: ignore[arg-type]


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
def wide(write_suite: Callable[[str], Path], tmp_path: Path) -> Suite:
    """Forty questions, one a note."""
    cases = []
    for n in range(40):
        (tmp_path / "notes" / f"n{n}.md").write_text(f"fact {n} stands here\n")
        cases.append(
            f"  - {{id: c{n}, question: q{n}, expected: [fact {n} stands], passages: [{{source: n{n}.md}}]}}\n"
        )
    return load_suite(write_suite("name: wide\nnotes: notes\ncases:\n" + "".join(cases)))


def replies_of(wide: Suite, *, wrong: Collection[int] = ()) -> Replies:
    return {
        case.question: Reply(
            answer="no" if n in wrong else f"fact {n} stands here [1]",
            citations=cite_all([(f"n{n}.md", 1, 1, "here" if n in wrong else f"fact {n} stands here")]),
        )
        for n, case in enumerate(wide.cases)
    }


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
