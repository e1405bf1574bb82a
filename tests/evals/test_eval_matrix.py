"""Settings side by side: columns against the first, in every report."""

import io
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from evals import Judgement, Suite, judge, junit_xml, markdown_summary, read_baseline, report_lines, run_suite
from evals.html import html_report
from evals.matrix import Matrix, matrices, matrix_lines, print_matrix
from evals.testing import Reply, ScriptedTarget


@pytest.fixture
def judgements(suite: Suite, good_replies: dict[str, Reply]) -> list[Judgement]:
    """Three columns: a good one, one that answers nothing, and the good one again."""
    nothing = dict.fromkeys(good_replies, Reply(answer="?", answered=False))
    columns = {"a=1": good_replies, "a=2 <b>": nothing, "a=3": good_replies}
    reports = [
        replace(run_suite(suite, ScriptedTarget(replies=replies)), variant=label)
        for label, replies in columns.items()
    ]
    return [judge(report, suite.gates) for report in reports]


@pytest.fixture
def found(judgements: list[Judgement]) -> Matrix:
    (only,) = matrices(judgements)
    return only


def test_one_run_is_no_matrix(judgements: list[Judgement]) -> None:
    assert matrices(judgements[:1]) == []


def test_every_column_is_held_against_the_first(found: Matrix) -> None:
    worse, same = (column["answered_rate"] for column in found.changes)
    assert (worse.before, worse.after, worse.drop) == (1.0, 0.0, 1.0)
    assert same.drop == 0.0


def test_p_is_corrected_for_all_columns_together(judgements: list[Judgement]) -> None:
    (two,) = matrices(judgements[:2])
    (three,) = matrices([*judgements[:2], *[judgements[1]] * 9])
    one, many = two.changes[0]["correct"], three.changes[0]["correct"]
    assert one.p == many.p
    assert one.p_corrected is not None
    assert many.p_corrected is not None
    assert one.p_corrected <= many.p_corrected


def test_the_table_shows_values_differences_and_gates(found: Matrix) -> None:
    out = io.StringIO()
    print_matrix(found, Console(file=out, width=200))
    shown = out.getvalue()
    (row,) = [line for line in shown.splitlines() if " answered_rate " in line and "│" in line]
    assert [cell.strip() for cell in row.split("│")[2:-1]] == ["1.000", "0.000", "1.000"]
    assert "−1.000 [−1.000, −1.000]" in shown
    assert "a=2 <b>: answered_rate ≥ 0.9" in shown


def test_summary_page_and_junit_name_the_columns(judgements: list[Judgement]) -> None:
    summary = markdown_summary(judgements)
    assert "a=2 &lt;b&gt;" in summary
    page = html_report(judgements)
    assert "a=2 &lt;b&gt;" in page
    assert "<b>" not in page.partition("<main>")[2]
    suites = ElementTree.fromstring(junit_xml(judgements)).findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["small [a=1]", "small [a=2 <b>]", "small [a=3]"]
    assert [int(suite.get("failures", "0")) > 0 for suite in suites] == [False, True, False]


def test_json_lines_hold_the_changes_and_a_baseline_takes_the_first_column(
    judgements: list[Judgement], found: Matrix, tmp_path: Path
) -> None:
    lines = [line for j in judgements for line in report_lines(j.report)]
    changes = list(matrix_lines(found))
    assert {json.loads(line)["variant"] for line in changes} == {"a=2 <b>", "a=3"}
    path = tmp_path / "runs.jsonl"
    path.write_text("".join([*lines, *changes]), encoding="utf-8")
    assert read_baseline(path)["small"].total("answered_rate").value == 1.0
