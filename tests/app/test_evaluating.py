import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console
from small_suite import QUESTION, write_small_suite

from app.evaluating import OpenTarget, history_path, run_suites, settings_fingerprint
from app.settings import Settings
from app.suite_target import open_local_target
from evals import CaseResult, Suite, load_suite
from evals.history import History
from evals.runner import Asking
from evals.testing import Reply, ScriptedTarget, cite
from ingest.mapping import InThisProcess, LocalProcesses
from terakoya.errors import BadInput

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
    return write_small_suite(
        tmp_path,
        "metric: recall@5, min_mean: 1, max_drop: 0, too_few_cases: pass",
        "metric: abstention_recall, min_mean: 1",
    )


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


def test_the_fingerprint_follows_what_may_change_an_answer(settings: Settings, tmp_path: Path) -> None:
    same = settings.model_copy(update={"home": tmp_path, "port": 1, "log_level": "DEBUG"})
    assert settings_fingerprint(same) == settings_fingerprint(settings)
    room = {"model_slots": 9, "model_cache_mb": 9, "model_shelf_mb": 9, "model_shelf_disk_mb": 9}
    assert settings_fingerprint(settings.model_copy(update=room)) == settings_fingerprint(settings)
    for change in ({"passages": 3}, {"model_key_type": "q8_0"}, {"context_tokens": 2048}):
        other = settings.model_copy(update=change)
        assert settings_fingerprint(other) != settings_fingerprint(settings)


def test_every_run_is_in_the_history(run: Run, settings: Settings) -> None:
    run()
    run(MISSING_RECALL)
    with History(history_path(settings)) as history:
        after, before = history.runs("small")
    assert (before.passed, after.passed) == (True, False)
    assert (before.value("recall@5"), after.value("recall@5")) == (1.0, 0.0)
    assert after.settings["embedder"] == "none"
    assert after.fingerprint == settings_fingerprint(settings)


def test_a_history_that_cannot_be_written_is_told_and_costs_no_report(
    run: Run, settings: Settings, tmp_path: Path
) -> None:
    history_path(settings).parent.mkdir(parents=True)
    history_path(settings).write_text("no database")
    code, out, err = run(junit=tmp_path / "junit.xml")
    assert code == 0
    assert "recall@5" in out
    assert "history.duckdb" in err
    assert ElementTree.parse(tmp_path / "junit.xml").getroot().get("failures") == "0"


def test_the_page_shows_every_case_and_the_runs_before(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "reports" / "evals.html"
    run()
    run(MISSING_RECALL, html=page)
    shown = page.read_text(encoding="utf-8")
    assert shown.count("<details") == 2
    assert "recall@5 over the runs" in shown
    assert "An index makes search faster" not in shown  # nothing was found
    run(html=page)
    assert "An index makes search faster" in page.read_text(encoding="utf-8")


def local(settings: Settings, path: Path, **options: object) -> tuple[int, str]:
    out = io.StringIO()
    console = Console(file=out, width=160)
    code = run_suites(
        settings,
        [path],
        json_lines=True,
        console=console,
        messages=Console(file=io.StringIO()),
        **options,  # type: ignore[arg-type]
    )
    return code, out.getvalue()


def total(shown: str) -> dict[str, object]:
    return dict(json.loads(shown.splitlines()[-1]))


def test_what_was_asked_is_not_asked_again_unless_fresh(settings: Settings, path: Path) -> None:
    first = local(settings, path)
    second = local(settings, path)
    assert [total(shown)["known"] for _, shown in (first, second)] == [0, 2]
    assert first[1].splitlines()[:2] == second[1].splitlines()[:2]
    assert total(first[1])["totals"] == total(second[1])["totals"]
    assert total(local(settings, path, fresh=True)[1])["known"] == 0


def test_a_case_that_changed_alone_is_asked(settings: Settings, path: Path) -> None:
    local(settings, path)
    path.write_text(path.read_text().replace("expected: [faster]", "expected: [slower]"))
    assert total(local(settings, path)[1])["known"] == 1


def test_other_notes_or_settings_make_every_case_another(settings: Settings, path: Path) -> None:
    local(settings, path)
    assert total(local(settings.model_copy(update={"passages": 2}), path)[1])["known"] == 0
    (path.parent / "notes" / "new.md").write_text("more")
    assert total(local(settings, path)[1])["known"] == 0


def test_a_stopped_run_keeps_what_is_done(settings: Settings, path: Path) -> None:
    calls = iter([False, True])
    with pytest.raises(KeyboardInterrupt):
        local(settings, path, cancelled=lambda: next(calls))
    assert not history_path(settings).exists()
    assert total(local(settings, path)[1])["known"] == 1
    assert list((settings.home / "evals" / "runs").iterdir()) == []


def test_what_another_target_says_is_asked_every_time(run: Run) -> None:
    for _ in range(2):
        assert total(run(json_lines=True)[1])["known"] == 0


def test_a_result_that_was_kept_follows_its_case_to_another_id(settings: Settings, path: Path) -> None:
    local(settings, path)
    path.write_text(path.read_text().replace("id: index", "id: renamed"))
    shown = local(settings, path)[1]
    assert total(shown)["known"] == 2
    assert json.loads(shown.splitlines()[0])["id"] == "renamed"


def test_workers_give_what_one_process_gives(settings: Settings, path: Path) -> None:
    suite: Suite = load_suite(path)
    target = open_local_target(settings, suite, lambda sentence: None)
    asking = Asking(target=target, notes=suite.notes, effort="normal")
    try:
        here = list(InThisProcess().map(asking, suite.cases))
        there = list(LocalProcesses(2, patience=0.0).map(asking, suite.cases))
    finally:
        target.close()
    assert [said(r) for r in here] == [said(r) for r in there]
    assert list((settings.home / "evals" / "runs").iterdir()) == []


def said(result: object) -> object:
    assert isinstance(result, CaseResult)
    return replace(result, latency_ms=None, trace_id="")


def test_a_suite_runs_under_every_setting_that_is_asked_for(settings: Settings, path: Path) -> None:
    out = io.StringIO()
    code = run_suites(
        settings,
        [path],
        assignments=["passages=3,4", "answers.support=1"],
        json_lines=True,
        console=Console(file=out, width=160),
        messages=Console(file=io.StringIO()),
    )
    entries = [json.loads(line) for line in out.getvalue().splitlines()]
    totals = [entry for entry in entries if entry["type"] == "total"]
    assert [entry["variant"] for entry in totals] == [f"passages={n} answers.support=1" for n in (3, 4)]
    assert len({entry["fingerprint"] for entry in totals}) == 2
    assert {entry["variant"] for entry in entries if entry["type"] == "change"} == {
        "passages=4 answers.support=1"
    }
    assert code in (0, 1)
    with History(history_path(settings)) as history:
        assert [run.settings["passages"] for run in history.runs()] == [4, 3]
        assert len({run.batch for run in history.runs()}) == 1


def test_settings_of_what_the_run_does_not_make_cannot_be_set(settings: Settings, path: Path) -> None:
    with pytest.raises(BadInput) as raised:
        run_suites(settings, [path], assignments=["passages=3"], open_target=scripted(GOOD))
    assert raised.value.key == "eval_set_target"
