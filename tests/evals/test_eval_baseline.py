"""Baselines: read back as they were written, and refused where they are none."""

from dataclasses import replace
from pathlib import Path

import pytest

from evals import Report, Suite, read_baseline, run_suite, write_baseline
from evals.testing import Reply, ScriptedTarget
from terakoya.errors import BadInput

Replies = dict[str, Reply]


def report(suite: Suite, replies: Replies) -> Report:
    return run_suite(suite, ScriptedTarget(replies=replies))


def test_a_baseline_reads_back_as_it_was_written(suite: Suite, good_replies: Replies, tmp_path: Path) -> None:
    replies = good_replies | {suite.cases[0].question: Reply(answer="lone \ud800 and line\u2028break")}
    before = report(suite, replies)
    write_baseline(tmp_path / "base.jsonl", [before])
    after = read_baseline(tmp_path / "base.jsonl")["small"]
    kept = tuple(replace(case, hits=(), trace_id="") for case in before.cases)
    assert after.cases[1:] == kept[1:]
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
