import io
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from evals import Gate, Judgement, Suite, judge, junit_xml, markdown_summary, print_report, run_suite
from evals.summary import plain
from evals.testing import Reply, ScriptedTarget
from terakoya.catalogue import text

Replies = dict[str, Reply]
HOSTILE = "\x1b[31mred\x1b[0m [bold]x[/bold] | `a` <script>alert(1)</script> \x00\ufffe\ud800 ![i](http://x)"


def judged(suite: Suite, replies: Replies, *gates: Gate) -> Judgement:
    return judge(run_suite(suite, ScriptedTarget(replies=replies), fingerprint="f"), gates)


def xml(judgement: Judgement) -> ElementTree.Element:
    return ElementTree.fromstring(junit_xml([judgement]))


def terminal(judgement: Judgement) -> str:
    console = Console(file=io.StringIO(), width=160)
    print_report([judgement], console)
    printed = console.file
    assert isinstance(printed, io.StringIO)
    return printed.getvalue()


@pytest.fixture
def worse(suite: Suite, good_replies: Replies) -> Replies:
    """One wrong answer, one failure, one question answered that should be declined."""
    return good_replies | {
        suite.cases[0].question: replace(good_replies[suite.cases[0].question], answer=HOSTILE, citations=()),
        suite.cases[1].question: Reply(error=RuntimeError(HOSTILE)),
        suite.cases[4].question: Reply(answer="14 million"),
    }


def test_junit_has_a_test_case_for_every_gate_and_every_case(suite: Suite, good_replies: Replies) -> None:
    root = xml(judged(suite, good_replies, *suite.gates))
    names = [(t.get("classname"), t.get("name")) for t in root.iter("testcase")]
    assert len(names) == len(set(names)) == len(suite.gates) + 1 + len(suite.cases)
    assert ("small.gates", "recall@5 min_mean") in names
    assert ("small.cases", "index") in names
    assert root.get("tests") == str(len(names))
    assert root.get("failures") == root.get("errors") == root.get("skipped") == "0"


def test_junit_counts_wrong_cases_as_failures_and_raised_ones_as_errors(suite: Suite, worse: Replies) -> None:
    root = xml(judged(suite, worse))
    assert (root.get("failures"), root.get("errors")) == ("3", "1")
    assert {t.get("name") for t in root.iter("testcase") if t.find("failure") is not None} == {
        "failures max_mean", "index", "tokyo"
    }  # fmt: skip


def test_junit_is_red_exactly_where_a_gate_fails(suite: Suite, worse: Replies) -> None:
    tolerant = xml(judged(suite, worse, Gate(metric="failures", max_mean=0.5)))
    assert (tolerant.get("failures"), tolerant.get("errors"), tolerant.get("skipped")) == ("0", "0", "3")


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(answer=st.text())
def test_junit_parses_whatever_the_answer(suite: Suite, answer: str) -> None:
    reply = Reply(answer=answer, error=None if len(answer) % 2 else RuntimeError(answer))
    root = ElementTree.fromstring(junit_xml([judge(run_suite(suite, ScriptedTarget(otherwise=reply)), ())]))
    assert len(list(root.iter("testcase"))) == len(suite.cases) + 1


def test_the_terminal_shows_metrics_gates_and_wrong_cases(suite: Suite, worse: Replies) -> None:
    shown = terminal(judged(suite, worse, *suite.gates))
    for words in ("recall@5", "≥ 0.9", "failed", "tokyo", "14 million", "db.md:3", "search faster", "3 of 6"):
        assert words in shown


def test_the_terminal_obeys_nothing_that_an_answer_holds(suite: Suite, worse: Replies) -> None:
    shown = terminal(judged(suite, worse))
    assert "\x1b" not in shown
    assert "[bold]x[/bold]" in shown


def test_the_summary_is_a_table_that_answers_cannot_break(suite: Suite, worse: Replies) -> None:
    html = (
        MarkdownIt("commonmark", {"html": True})
        .enable("table")
        .render(markdown_summary([judged(suite, worse)]))
    )
    assert html.count("<table>") == 2
    assert html.count("<tr>") == html.count("</tr>")
    assert "<script>" not in html
    assert "<img" not in html
    assert "<code>" not in html
    assert "alert(1)" in html


@given(st.text())
def test_plain_words_come_out_of_markdown_as_they_went_in(words: str) -> None:
    shown = MarkdownIt("commonmark").renderInline(f"x{plain(words)}x")
    assert "<" not in shown


def test_a_summary_lists_no_more_cases_than_a_page_holds(suite: Suite, worse: Replies) -> None:
    judgement = judged(suite, worse)
    many = replace(judgement.report, cases=judgement.report.cases[:1] * 60)
    page = markdown_summary([replace(judgement, report=many)])
    assert page.count("What does an index do?") == 50
    assert "and 10 more" in page


@pytest.mark.parametrize("language", ["en", "ja"])
def test_reports_speak_the_reader_s_language(
    suite: Suite, worse: Replies, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERAKOYA_LANGUAGE", language)
    assert text("eval.wanted_nothing", language=language) in terminal(judged(suite, worse))
