"""`terakoya ingest` as its user meets it: Ctrl-C, the plan of a dry run, and watching, alone and over HTTP."""

import json
import shutil
import signal
from pathlib import Path

import pytest
from running import FAKES, until


@pytest.fixture(params=["alone", "served"])
def served(request) -> bool:
    if request.param == "served":
        request.getfixturevalue("own_service")
    return bool(request.param == "served")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("a")
    return tmp_path / "notes"


@pytest.fixture
def begin(processes, home: Path):
    """Starts an ingest, and returns once it is under way."""

    def begun(folder: Path, *options: str):
        folder.mkdir()
        (folder / "a.md").write_text("a")
        process = processes.start(FAKES, "cli", "--home", home, "ingest", folder, *options)
        until((home / "waiting").exists)
        return process

    return begun


def test_ctrl_c_stops_it_says_so_and_leaves_the_way_free(served, begin, terakoya, tmp_path, folder) -> None:
    process = begin(tmp_path / "gate", "--json")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(out)["cancelled"] is True
    assert "the same command goes on" in err
    assert "Traceback" not in err
    following = terakoya("ingest", str(folder))
    assert (following.returncode, following.out[:7]) == (0, "1 added")


def test_a_dry_run_lists_its_plan_by_kind_and_cuts_it(terakoya, folder) -> None:
    for n in range(30):
        (folder / f"ノート{n:02}.md").write_text("x")
    (folder / "evil\x1b[31m\nname.md").write_text("x")
    (folder / "b.bad").write_text("b")
    plan = terakoya("ingest", str(folder), "--dry-run")
    lines = plan.out.splitlines()
    assert lines[:3] == ["New:", "  a.md", "  evil[31m name.md"]
    assert "  and 12 more" in lines
    assert lines[-3:-1] == ["Cannot be read:", "  b.bad: cannot be read"]
    assert lines[-1].startswith("Nothing was written.")
    assert "b.bad" not in plan.err
    in_json = terakoya("ingest", str(folder), "--dry-run", "--json")
    assert len(json.loads(in_json.out)["added"]) == 32
    assert "b.bad" in in_json.err


def test_watching_says_a_problem_once_and_keeps_what_is_away(served, processes, home, folder) -> None:
    (folder / "b.bad").write_text("b")
    watching = processes.start(FAKES, "cli", "--home", home, "ingest", folder, "--watch", "--json")
    assert json.loads(watching.stdout.readline())["added"] == ["a.md"]
    (folder / "c.md").write_text("c")
    assert json.loads(watching.stdout.readline())["added"] == ["a.md", "c.md"]
    away = shutil.move(folder, folder.with_name("away"))
    said = []
    while not said or "is gone" not in said[-1]:
        said.append(watching.stderr.readline())
    shutil.move(away, folder)
    (folder / "d.md").write_text("d")
    assert json.loads(watching.stdout.readline())["added"] == ["a.md", "c.md", "d.md"]
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=30)
    assert (watching.returncode, out) == (130, "")
    assert "".join([*said, err]).count("b.bad") == 1
    assert "Traceback" not in err


def test_watching_waits_for_an_ingest_that_is_under_way(
    own_service, processes, home, folder, tmp_path
) -> None:
    watching = processes.start(FAKES, "cli", "--home", home, "ingest", folder, "--watch", "--json")
    watching.stdout.readline()
    gate = tmp_path / "gate"
    gate.mkdir()
    own_service.ingest([gate])
    (folder / "b.md").write_text("b")
    said = ""
    while "under way already" not in said:
        said = watching.stderr.readline()
    (gate / "open").touch()
    assert json.loads(watching.stdout.readline())["added"] == ["a.md", "b.md"]
    watching.send_signal(signal.SIGINT)
    _, err = watching.communicate(timeout=30)
    assert watching.returncode == 130
    assert "under way" not in err


def test_where_a_log_is_kept_progress_is_lines_and_stdout_is_json(terakoya, folder) -> None:
    done = terakoya("ingest", str(folder), "--json")
    assert [json.loads(line)["added"] for line in done.out.splitlines()] == [["a.md"]]
    assert done.err.startswith("Taking notes in: ")
    assert "\x1b" not in done.err
    assert "\r" not in done.err
