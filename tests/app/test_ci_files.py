import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cli.parser import parse
from evals import load_suites, read_baseline

ROOT = Path(__file__).parents[2]
CI = ROOT / "deploy" / "ci"
DEFAULTED = re.compile(r"\$\{(\w+):\+([^}]*)\}")


def document(name: str) -> dict[Any, Any]:
    return dict(yaml.safe_load((CI / name).read_text(encoding="utf-8")))


def scripts(name: str) -> list[str]:
    whole = document(name)
    if name == "github.yml":
        return [step["run"] for step in whole["jobs"]["evals"]["steps"] if "run" in step]
    return list(whole["evals"]["script"])


def commands(script: str) -> list[list[str]]:
    lines = DEFAULTED.sub(r"\2", script).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.strip()]


@pytest.mark.parametrize("name", ["github.yml", "gitlab.yml"])
def test_every_command_is_one_that_the_command_line_knows(name: str) -> None:
    known = [c for script in scripts(name) for c in commands(script) if c[0] == "terakoya"]
    assert len(known) == 1
    arguments = parse(known[0][1:])
    assert (arguments.command, arguments.action) == ("eval", "run")
    assert arguments.baseline == Path("$BASELINE")
    assert arguments.junit == Path("reports/junit.xml")
    assert arguments.html == Path("reports/evals.html")


@pytest.mark.parametrize("name", ["github.yml", "gitlab.yml"])
def test_the_commands_of_its_comment_are_known_too(name: str) -> None:
    comment = " ".join(
        line.removeprefix("#").strip()
        for line in (CI / name).read_text(encoding="utf-8").splitlines()
        if line.startswith("#")
    )
    named = re.findall(r"`terakoya ([^`]+)`", comment)
    assert [parse(shlex.split(each)).action for each in named] == ["run", "accept"]


def test_the_workflow_may_only_read() -> None:
    assert document("github.yml")["permissions"] == {"contents": "read"}


def test_what_is_cached_is_what_a_run_keeps() -> None:
    steps = document("github.yml")["jobs"]["evals"]["steps"]
    (cache,) = [step["with"]["path"] for step in steps if "cache@" in step.get("uses", "")]
    gitlab = document("gitlab.yml")["evals"]
    assert cache == ".terakoya/evals"
    assert gitlab["cache"]["paths"] == [".terakoya/evals/"]
    assert gitlab["variables"]["TERAKOYA_HOME"] == "$CI_PROJECT_DIR/.terakoya"


def test_reports_are_kept_where_a_gate_failed_too() -> None:
    steps = document("github.yml")["jobs"]["evals"]["steps"]
    (upload,) = [step for step in steps if "upload-artifact" in step.get("uses", "")]
    assert upload["if"] == "always()"
    assert document("gitlab.yml")["evals"]["artifacts"]["when"] == "always"


def make_variable(name: str) -> str:
    (line,) = [
        line for line in (ROOT / "Makefile").read_text("utf-8").splitlines() if line.startswith(f"{name} := ")
    ]
    return line.partition(" := ")[2]


def test_the_own_suites_have_a_baseline_for_nearly_all_of_their_cases() -> None:
    match = re.fullmatch(r"\$\(addprefix (\S+),(.*)\)", make_variable("SUITES"))
    assert match
    paths = [ROOT / f"{match[1]}{name}" for name in match[2].split()]
    baseline = read_baseline(ROOT / make_variable("BASELINE"))
    assert set(paths) == set((ROOT / "evals" / "suites").glob("*.yaml"))
    for suite in load_suites(paths):
        assert suite.name == suite.path.stem  # by which `make baseline` accepts it
        known = {(case.id, case.question) for case in baseline[suite.name].cases}
        paired = sum((case.id, case.question) in known for case in suite.cases)
        assert paired >= 0.9 * len(suite.cases), "make baseline"


def test_the_own_ci_runs_them_after_the_tests() -> None:
    assert (ROOT / ".ci" / "run").read_text().split("make ")[-2:] == ["test\nexec ", "eval\n"]
    assert "--baseline $(BASELINE)" in (ROOT / "Makefile").read_text("utf-8")
