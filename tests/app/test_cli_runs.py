import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from small_suite import write_small_suite

from app.cli.entry import INTERRUPTED, main

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TERAKOYA_LANGUAGE", "en")
    monkeypatch.setenv("TERAKOYA_EMBEDDER", "none")
    monkeypatch.setenv("TERAKOYA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return write_small_suite(tmp_path, "metric: abstention_recall, min_mean: 1")


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Cli:
    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return run


@pytest.fixture
def changed(suite: Path, cli: Cli) -> Path:
    """Two runs: in the second one the notes say less."""
    assert cli("eval", "run", suite)[0] == 0
    (suite.parent / "notes" / "db.md").write_text("An index makes search possible; faster is only a tree\n")
    assert cli("eval", "run", suite)[0] == 0
    return suite


def test_history_lists_the_runs_newest_first(changed: Path, cli: Cli) -> None:
    code, out, _ = cli("eval", "history", "small")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split()[:3] == ["run", "started", "suite"]
    assert len(lines) == 3
    assert all("small" in line and "passed" in line for line in lines[1:])
    records = [json.loads(line) for line in cli("--json", "eval", "history", "-n", "1")[1].splitlines()]
    assert [record["id"] for record in records] == [lines[1].split()[0]]
    assert {"recall@5", "correct"} <= {total["metric"] for total in records[0]["totals"]}


def test_a_suite_without_runs_is_wrong_use(changed: Path, cli: Cli) -> None:
    code, _, err = cli("eval", "history", "other")
    assert code == 2
    assert "`other`" in err


def test_before_any_run_history_says_how_to_make_one(suite: Path, cli: Cli) -> None:
    code, _, err = cli("eval", "history")
    assert code == 2
    assert "terakoya eval run SUITE" in err


def test_compare_shows_metrics_and_the_cases_that_changed(changed: Path, cli: Cli, tmp_path: Path) -> None:
    page = tmp_path / "out" / "compare.html"
    code, out, _ = cli("eval", "compare", "small~1", "small", "--html", page)
    assert code == 0
    assert "recall@5" in out
    assert "1 of 2 cases changed" in out
    assert "search possible" in out
    assert page.read_text(encoding="utf-8").count("<details") == 2
    lines = [
        json.loads(line) for line in cli("--json", "eval", "compare", "small~1", "small")[1].splitlines()
    ]
    assert {line["type"] for line in lines} == {"metric", "case"}
    assert [line["turn"] for line in lines if line["type"] == "case"] == ["other"]


def test_runs_of_different_suites_are_not_compared(changed: Path, cli: Cli) -> None:
    changed.write_text(changed.read_text().replace("name: small", "name: other"))
    cli("eval", "run", changed)
    code, _, err = cli("eval", "compare", "small", "other")
    assert code == 2
    assert "different suites" in err


def test_what_is_accepted_is_the_baseline_and_other_suites_in_it_stay(
    changed: Path, cli: Cli, tmp_path: Path
) -> None:
    base = tmp_path / "base.jsonl"
    assert cli("eval", "accept", "small~1", "--baseline", base)[0] == 0
    former = base.read_text()
    changed.write_text(changed.read_text().replace("name: small", "name: other"))
    cli("eval", "run", changed)
    code, out, _ = cli("eval", "accept", "other", "--baseline", base)
    assert code == 0
    assert "other, run " in out
    assert base.read_text().startswith(former)
    assert cli("eval", "run", changed, "--baseline", base)[0] == 0
    assert cli("eval", "compare", base, "other")[0] == 0


def test_of_several_columns_the_baseline_is_the_one_that_is_named(
    suite: Path, cli: Cli, tmp_path: Path
) -> None:
    base = tmp_path / "base.jsonl"
    cli("eval", "run", suite, "--set", "passages=3,4")
    code, _, err = cli("eval", "accept", "small", "--baseline", base)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "2 columns" in err
    assert not base.exists()
    runs = [json.loads(line) for line in cli("--json", "eval", "history")[1].splitlines()]
    for run in runs:
        assert f"`{run['id']}` ({run['variant']})" in err
    (few,) = [run["id"] for run in runs if run["variant"] == "passages=3"]
    assert cli("eval", "accept", few, "--baseline", base)[0] == 0
    assert '"variant": "passages=3"' in base.read_text().splitlines()[-1]
    assert cli("eval", "accept", *(run["id"] for run in runs), "--baseline", base)[0] == 2
    assert "small [passages=4]" in cli("eval", "history")[1]


def test_one_column_is_accepted_by_its_suite(suite: Path, cli: Cli, tmp_path: Path) -> None:
    cli("eval", "run", suite, "--set", "passages=3,4")
    cli("eval", "run", suite, "--set", "passages=3")
    assert cli("eval", "accept", "small", "--baseline", tmp_path / "base.jsonl")[0] == 0


def test_a_baseline_that_is_none_is_not_written_over(changed: Path, cli: Cli, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("my only copy")
    code, _, err = cli("eval", "accept", "small", "--baseline", other)
    assert code == 2
    assert "notes.txt" in err
    assert other.read_text() == "my only copy"


def test_ctrl_c_keeps_what_is_done_and_the_next_run_goes_on(suite: Path, cli: Cli, tmp_path: Path) -> None:
    cases = "".join(
        f"  - {{id: q{n}, question: 'Number {n} of the index?', answerable: false}}\n" for n in range(1500)
    )
    suite.write_text("name: long\nnotes: notes\ncases:\n" + cases)
    run = subprocess.Popen(
        [sys.executable, "-m", "app.cli.program", "eval", "run", suite],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    kept = tmp_path / "home" / "evals" / "results.sqlite"
    try:
        deadline = time.monotonic() + 120
        while results(kept) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
    finally:
        run.kill()
        run.wait()
    assert run.returncode == INTERRUPTED
    assert "goes on from there" in said
    assert "Traceback" not in said
    done = results(kept)
    assert 3 <= done < 1500
    suite.write_text("name: long\nnotes: notes\ncases:\n" + "".join(cases.splitlines(keepends=True)[:done]))
    _, out, _ = cli("--json", "eval", "run", suite)
    assert json.loads(out.splitlines()[-1])["known"] == done


def results(path: Path) -> int:
    if not path.exists():
        return 0
    try:
        with sqlite3.connect(path, timeout=10) as connection:
            return int(connection.execute("SELECT count(*) FROM results").fetchone()[0])
    except sqlite3.OperationalError:  # the table is not there yet
        return 0
