import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from app.evaluating import (
    KEPT,
    LocalTarget,
    OpenTarget,
    open_local_target,
    run_suites,
    settings_fingerprint,
)
from app.settings import Settings
from evals import load_suite
from evals.testing import Reply, ScriptedTarget, cite
from terakoya.errors import BadInput

SUITE = """\
name: small
notes: notes
gates:
  - {metric: recall@5, min_mean: 1, max_drop: 0}
  - {metric: abstention_recall, min_mean: 1}
cases:
  - id: index
    question: What does an index do?
    expected: [faster]
    passages: [{source: db.md, text: faster}]
  - {id: tokyo, question: "How many people live in Tokyo?", answerable: false}
"""
QUESTION = "What does an index do?"
RIGHT = Reply(answer="It is faster", citations=(cite("db.md", 1, 1, "faster"),), hits=(("db.md", 1, 1),))
GOOD = {
    QUESTION: RIGHT,
    "How many people live in Tokyo?": Reply(answered=False),
}


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERAKOYA_LANGUAGE", "en")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "db.md").write_text("An index makes search faster\n")
    (tmp_path / "suite.yaml").write_text(SUITE)
    return tmp_path / "suite.yaml"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", embedder="none")


def scripted(replies: dict[str, Reply]) -> OpenTarget:
    return lambda settings, suite, say: ScriptedTarget(replies=replies)


@pytest.fixture
def run(settings: Settings, path: Path) -> Callable[..., tuple[int, str, str]]:
    def go(replies: dict[str, Reply] = GOOD, **options: object) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        code = run_suites(
            settings,
            [path],
            console=Console(file=out, width=160),
            messages=Console(file=err, width=160),
            open_target=scripted(replies),
            **options,  # type: ignore[arg-type]
        )
        return code, out.getvalue(), err.getvalue()

    return go


Run = Callable[..., tuple[int, str, str]]
MISSING_RECALL = GOOD | {QUESTION: replace(RIGHT, hits=())}


def test_gates_that_hold_exit_0_and_a_gate_that_fails_exits_1(run: Run) -> None:
    assert run()[0] == 0
    code, shown, _ = run(MISSING_RECALL)
    assert code == 1
    assert "failed" in shown


def test_json_is_one_object_a_case_and_one_a_suite(run: Run) -> None:
    code, out, _ = run(json_lines=True)
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [line["type"] for line in lines] == ["case", "case", "total"]
    assert lines[0]["metrics"]["recall@5"] == 1.0
    assert lines[2]["passed"] is True
    assert [g["status"] for g in lines[2]["gates"]] == ["passed", "unchecked", "passed", "passed"]


def test_what_json_gives_is_a_baseline(run: Run, tmp_path: Path) -> None:
    base = tmp_path / "base.jsonl"
    base.write_text(run(json_lines=True)[1])
    code, out, err = run(baseline=base, json_lines=True)
    assert (code, err) == (0, "")
    assert [g["status"] for g in json.loads(out.splitlines()[-1])["gates"]] == ["passed"] * 4


def test_a_baseline_of_other_notes_is_told(run: Run, tmp_path: Path) -> None:
    base = tmp_path / "base.jsonl"
    base.write_text(run(json_lines=True)[1])
    (tmp_path / "notes" / "new.md").write_text("more")
    assert "2 of 2 cases" in run(baseline=base)[2]


def test_a_baseline_of_another_suite_is_bad_input(run: Run, tmp_path: Path) -> None:
    base = tmp_path / "base.jsonl"
    base.write_text(run(json_lines=True)[1].replace('"suite": "small"', '"suite": "other"'))
    with pytest.raises(BadInput, match="other") as caught:
        run(baseline=base)
    assert caught.value.exit_code == 2


def test_reports_go_to_files_whose_folders_are_made(run: Run, tmp_path: Path) -> None:
    junit, summary = tmp_path / "reports" / "junit.xml", tmp_path / "reports" / "summary.md"
    run(MISSING_RECALL, junit=junit, summary=summary)
    assert ElementTree.parse(junit).getroot().get("failures") == "1"
    assert "recall" in summary.read_text()


def test_the_summary_is_appended_to_that_of_the_ci_step(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = tmp_path / "step.md"
    step.write_text("# before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    run()
    assert step.read_text().startswith("# before\n")
    assert "small" in step.read_text()


def test_a_report_that_cannot_be_written_is_told_before_anything_runs(
    settings: Settings, path: Path, tmp_path: Path
) -> None:
    target = ScriptedTarget(replies=GOOD)
    with pytest.raises(BadInput, match="cannot be written"):
        run_suites(settings, [path], junit=tmp_path, open_target=lambda *_: target)
    assert target.asked == []


def test_a_suite_that_cannot_be_read_stops_all_before_any_runs(settings: Settings, path: Path) -> None:
    target = ScriptedTarget(replies=GOOD)
    with pytest.raises(BadInput):
        run_suites(settings, [path, path.with_name("missing.yaml")], open_target=lambda *_: target)
    assert target.asked == []


def test_the_target_is_closed(settings: Settings, path: Path) -> None:
    target = ScriptedTarget(replies={})
    console = Console(file=io.StringIO())
    assert run_suites(settings, [path], console=console, messages=console, open_target=lambda *_: target) == 1
    assert target.closed


def opened(settings: Settings, path: Path) -> tuple[LocalTarget, list[str]]:
    said: list[str] = []
    return open_local_target(settings, load_suite(path), said.append), said


def stores(settings: Settings) -> dict[str, int]:
    return {p.parent.name: p.stat().st_ino for p in (settings.home / "evals").glob("*/terakoya.duckdb")}


def test_an_installation_of_the_suite_s_notes_finds_their_lines(settings: Settings, path: Path) -> None:
    target, _ = opened(settings, path)
    try:
        passage = target.search("index", k=5).hits[0].passage
        assert (passage.source, passage.start_line) == ("db.md", 1)
    finally:
        target.close()


def test_every_question_has_a_thread_of_its_own(settings: Settings, path: Path) -> None:
    target, _ = opened(settings, path)
    try:
        assert target.ask(QUESTION).thread_id != target.ask(QUESTION).thread_id
    finally:
        target.close()


def test_the_notes_are_prepared_once_and_anew_when_they_change(settings: Settings, path: Path) -> None:
    first, said = opened(settings, path)
    first.close()
    before = stores(settings)
    second, said_again = opened(settings, path)
    second.close()
    assert (len(said), len(said_again), len(before)) == (1, 0, 1)
    assert stores(settings) == before
    (path.parent / "notes" / "new.md").write_text("A new note\n")
    third, _ = opened(settings, path)
    third.close()
    assert len(stores(settings)) == 2


def test_settings_that_do_not_matter_to_a_store_share_it_and_others_do_not(
    settings: Settings, path: Path
) -> None:
    opened(settings, path)[0].close()
    target, said = opened(settings.model_copy(update={"passages": 2}), path)
    target.close()
    assert said == []
    opened(settings.model_copy(update={"max_note_mb": 1.0}), path)[0].close()
    assert len(stores(settings)) == 2


def test_threads_and_traces_of_a_run_are_gone_when_it_is_closed(settings: Settings, path: Path) -> None:
    target, _ = opened(settings, path)
    target.search("index")
    target.close()
    left = {p.name for p in settings.home.rglob("*")}
    assert left == {"evals", *stores(settings), "terakoya.duckdb"}


def test_two_runs_share_one_store(settings: Settings, path: Path) -> None:
    first, _ = opened(settings, path)
    second, said = opened(settings, path)
    try:
        assert said == []
        assert first.search("index").hits == second.search("index").hits
    finally:
        first.close()
        second.close()


def test_no_more_stores_stay_than_the_cache_keeps(settings: Settings, path: Path) -> None:
    for n in range(KEPT + 2):
        (path.parent / "notes" / "new.md").write_text(f"Note {n}\n")
        opened(settings, path)[0].close()
    assert len(stores(settings)) == KEPT


def test_notes_that_hold_nothing_are_bad_input(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "blank.md").write_text("")
    suite = tmp_path / "empty.yaml"
    suite.write_text("name: e\nnotes: empty\ncases: [{id: a, question: q, answerable: false}]\n")
    with pytest.raises(BadInput):
        opened(settings, suite)
    assert list((settings.home / "evals").iterdir()) == []


def test_the_fingerprint_follows_what_may_change_an_answer(settings: Settings, tmp_path: Path) -> None:
    same = settings.model_copy(update={"home": tmp_path, "port": 1, "log_level": "DEBUG"})
    assert settings_fingerprint(same) == settings_fingerprint(settings)
    other = settings.model_copy(update={"passages": 3})
    assert settings_fingerprint(other) != settings_fingerprint(settings)
