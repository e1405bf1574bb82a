"""From a thumb to a case: with a real store, real threads, and the stand-in of Langfuse."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from running import ROOT, clean_environment

from app.settings import Settings
from app.tracing.standin import StandIn
from app.wiring import open_installation
from evals.suite import load_suite
from evals.suite_file import read_cases
from terakoya.api import FeedbackRequest

TEA = "# Tea\n\n## Green tea\n\nGreen tea is brewed at 80 C.\n\n## 玉露\n\n玉露は 50 度で淹れる。\n"
SUITE = """\
# questions that went wrong
name: tea
notes: notes
cases:
  - id: green     # the first
    question: What heat does green tea need?
    expected: [80 C]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "tea.md").write_text(TEA, encoding="utf-8")
    path = tmp_path / "tea.yaml"
    path.write_text(SUITE, encoding="utf-8")
    return path


@pytest.fixture
def thumbs(home: Path, suite: Path) -> list[str]:
    """Traces of three questions that got thumbs: one down, one up, and a follow-up, down."""
    installation = open_installation(Settings(home=home, embedder="none"), write=True)
    try:
        installation.ingest([suite.parent / "notes"])
        first = installation.ask("玉露は何度で淹れる？")
        installation.feedback(FeedbackRequest(trace_id=first.trace_id, value=0, comment="温度が\n違う"))
        second = installation.ask("How hot is green tea?")
        installation.feedback(FeedbackRequest(trace_id=second.trace_id, value=1))
        third = installation.ask("And who drinks it?", thread_id=second.thread_id)
        installation.feedback(FeedbackRequest(trace_id=third.trace_id, value=0))
    finally:
        installation.close()
    return [first.trace_id, second.trace_id, third.trace_id]


@pytest.fixture
def terakoya(home: Path) -> Callable[..., Any]:
    def run(*arguments: str, **environment: str) -> Any:
        settings = {"TERAKOYA_HOME": str(home), "TERAKOYA_EMBEDDER": "none", **environment}
        return subprocess.run(
            [sys.executable, "-m", "app.cli.program", *arguments],
            env=clean_environment(**settings),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def test_thumbs_are_listed_with_their_questions_the_latest_first(terakoya, thumbs) -> None:
    shown = terakoya("feedback")
    items = [json.loads(line) for line in terakoya("feedback", "list", "--json").stdout.splitlines()]
    assert [item["trace_id"] for item in items] == thumbs[::-1]
    assert (items[0]["question"], items[0]["earlier"]) == ("And who drinks it?", ["How hot is green tea?"])
    assert (items[2]["value"], items[2]["comment"]) == (0, "温度が\n違う")
    assert all(item["answer"] for item in items)
    assert thumbs[0][:12] in shown.stdout
    assert "温度が 違う" in shown.stdout
    down = terakoya("feedback", "list", "--down", "--json").stdout.splitlines()
    assert [json.loads(line)["trace_id"] for line in down] == [thumbs[2], thumbs[0]]


def test_a_thumb_becomes_a_case_and_the_rest_of_the_suite_stays(terakoya, thumbs, suite) -> None:
    before = suite.read_text(encoding="utf-8")
    done = terakoya(
        *("feedback", "promote", thumbs[0][:12], "--suite", str(suite)),
        *("--passage", "tea.md:9", "--expected", "50 度", "--must-pass"),
    )
    assert done.returncode == 0, done.stderr
    assert suite.read_text(encoding="utf-8").startswith(before)
    case = load_suite(suite).cases[-1]
    assert (case.question, case.tags, case.expected) == ("玉露は何度で淹れる？", ("feedback",), ("50 度",))
    assert case.must_pass
    assert [(p.source, p.lines) for p in case.passages] == [("tea.md", (9,))]
    again = terakoya("feedback", "promote", thumbs[0], "--suite", str(suite), "--expected", "50")
    assert again.returncode == 0
    assert len(load_suite(suite).cases) == 2


def test_a_follow_up_becomes_a_conversation(terakoya, thumbs, suite) -> None:
    done = terakoya(
        "feedback", "promote", thumbs[2], "--suite", str(suite), "--unanswerable", "--case", "who"
    )
    assert done.returncode == 0, done.stderr
    assert read_cases(suite)["who"] == {
        "conversation": ["How hot is green tea?", "And who drinks it?"],
        "language": "en",
        "tags": ["feedback"],
        "answerable": False,
    }


def test_the_case_is_an_item_in_langfuse_once_with_its_trace(terakoya, thumbs, suite) -> None:
    with StandIn() as server:
        langfuse = {
            "LANGFUSE_BASE_URL": server.url,
            "LANGFUSE_PUBLIC_KEY": server.public_key,
            "LANGFUSE_SECRET_KEY": server.secret_key,
        }
        promote = (
            "feedback",
            "promote",
            thumbs[0][:12],
            "--suite",
            str(suite),
            "--expected",
            "50 度",
            "--json",
        )
        first = json.loads(terakoya(*promote, **langfuse).stdout)
        second = json.loads(terakoya(*promote, **langfuse).stdout)
        assert (first["new"], second["new"], second["langfuse"]) == (True, False, True)
        (item,) = server.kept.items.values()
        assert (item["sourceTraceId"], item["datasetName"]) == (thumbs[0], "tea")
        synced = json.loads(terakoya("eval", "sync", str(suite), "--json", **langfuse).stdout)
        assert (synced["pushed"], synced["pulled"], synced["same"]) == (["green"], [], 1)


def test_the_item_is_masked_as_traces_are_and_the_case_is_not(terakoya, thumbs, suite) -> None:
    with StandIn() as server:
        langfuse = {
            "LANGFUSE_BASE_URL": server.url,
            "LANGFUSE_PUBLIC_KEY": server.public_key,
            "LANGFUSE_SECRET_KEY": server.secret_key,
        }
        promote = ("feedback", "promote", thumbs[0], "--suite", str(suite), "--expected", "50 度")
        done = terakoya(*promote, TERAKOYA_TRACE_MASK='["玉露"]', **langfuse)
        assert done.returncode == 0, done.stderr
        (item,) = server.kept.items.values()
        assert item["input"] == {"question": "[masked]は何度で淹れる？"}
        assert load_suite(suite).cases[-1].question == "玉露は何度で淹れる？"


def test_a_server_that_is_away_leaves_the_case_and_says_how_to_go_on(terakoya, thumbs, suite) -> None:
    gone = {
        "LANGFUSE_BASE_URL": "http://127.0.0.1:9",
        "LANGFUSE_PUBLIC_KEY": "pk-lf-x",
        "LANGFUSE_SECRET_KEY": "sk-lf-x",
    }
    done = terakoya("feedback", "promote", thumbs[0], "--suite", str(suite), "--expected", "50", **gone)
    assert (done.returncode, len(load_suite(suite).cases)) == (0, 2)
    assert "eval sync" in done.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "--unanswerable"),
        (["--expected", "x", "--unanswerable"], "--unanswerable"),
        (["--passage", "tee.md:9"], "`tea.md`"),
        (["--passage", "tea.md:99"], "between 1 and"),
        (["--passage", "tea.md:2"], "without words"),
        (["--passage", "9"], "names no note"),
        (["--expected", "x", "--case", "green"], "`green`"),
        (["--expected", ""], "tea.yaml"),
    ],
)
def test_what_cannot_be_a_case_is_bad_input_and_changes_nothing(
    terakoya, thumbs, suite, given: list[str], said: str
) -> None:
    before = suite.read_bytes()
    done = terakoya("feedback", "promote", thumbs[0], "--suite", str(suite), *given)
    assert (done.returncode, suite.read_bytes()) == (2, before)
    assert said in done.stderr


def test_an_id_that_names_nothing_is_told(terakoya, thumbs, suite) -> None:
    for id in ("ffffffffffff", "f"):
        done = terakoya("feedback", "promote", id, "--suite", str(suite), "--expected", "x")
        assert done.returncode == 2
        assert f"`{id}`" in done.stderr


def test_a_question_whose_thread_and_trace_are_gone_cannot_be_promoted(terakoya, thumbs, suite, home) -> None:
    for path in (*home.glob("traces/*.jsonl"), *home.glob("threads.sqlite*")):
        os.unlink(path)  # noqa: PTH108
    assert "no longer here" in terakoya("feedback", "list").stdout
    done = terakoya("feedback", "promote", thumbs[0], "--suite", str(suite), "--expected", "x")
    assert (done.returncode, "by hand" in done.stderr) == (2, True)
