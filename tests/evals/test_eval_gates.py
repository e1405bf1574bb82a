from dataclasses import replace
from pathlib import Path

import pytest

from evals import Gate, Report, Suite, judge, read_baseline, run_suite, write_baseline
from evals.testing import Reply, ScriptedTarget, cite
from terakoya.errors import BadInput

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


def test_a_drop_that_chance_explains_passes(suite: Suite, good_replies: Replies) -> None:
    question = suite.cases[0].question
    worse = good_replies | {question: Reply(answer="no", hits=good_replies[question].hits)}
    verdict = judge(report(suite, worse), DROP, baseline=report(suite, good_replies)).verdicts[0]
    assert verdict.value == pytest.approx(0.25)
    assert verdict.status == "passed"


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


def test_a_baseline_reads_back_as_it_was_written(suite: Suite, good_replies: Replies, tmp_path: Path) -> None:
    replies = good_replies | {suite.cases[0].question: Reply(answer="lone \ud800 and line\u2028break")}
    before = report(suite, replies)
    write_baseline(tmp_path / "base.jsonl", [before])
    after = read_baseline(tmp_path / "base.jsonl")["small"]
    assert after.cases[1:] == before.cases[1:]
    assert after.totals == before.totals
    assert after.cases[0].answer == "lone ? and line\u2028break"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]\n",
        "{}\n",
        "not json\n",
        '{"type":"case","suite":"s","id":1}\n',
        '{"type":"other"}\n',
        "[" * 9999,
    ],
)
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "base.jsonl"
    path.write_text(content)
    with pytest.raises(BadInput, match=r"base\.jsonl"):
        read_baseline(path)


def test_a_baseline_that_was_cut_off_is_refused(suite: Suite, good_replies: Replies, tmp_path: Path) -> None:
    path = tmp_path / "base.jsonl"
    write_baseline(path, [report(suite, good_replies)])
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(BadInput, match="no complete report"):
        read_baseline(path)
