"""Statistics and metrics: numbers that can be counted again by hand."""

import json
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from running import clean_environment

from app.settings import Settings
from app.statistics import statistics
from app.tracing import make_tracer
from terakoya.client import ServiceRecord


@pytest.fixture
def folder(home: Path) -> Path:
    """Five questions: an abstention, a failure, a thumb up, a thumb down and one without an end."""
    tracer = make_tracer(Settings(home=home), deliver=False)
    for n in range(4):
        with (
            tracer.trace("ask", input=f"question {n}") as root,
            tracer.span("generate", "generation") as step,
        ):
            step.set(usage={"input": 10, "output": n})
            root.set(tags=["normal", "abstained" if n == 0 else "answered"])
        if n in (1, 2):
            tracer.score(root.trace_id, "user-feedback", 1)
            tracer.score(root.trace_id, "user-feedback", 2 - n, comment="the last word counts")
    with pytest.raises(ValueError, match="no"), tracer.trace("ask", input="fails"):
        raise ValueError("no")
    tracer.close()
    return home / "traces"


def test_each_question_is_counted_once_on_its_day(folder: Path) -> None:
    counted = statistics(folder, 3)
    *earlier, today = counted.days
    assert [day.questions for day in earlier] == [0, 0]
    assert (today.questions, today.abstained, today.errors, today.up, today.down) == (5, 1, 1, 1, 1)
    assert (today.input_tokens, today.output_tokens) == (40, 6)
    steps = {step.name: step for step in counted.steps}
    assert (steps["ask"].count, steps["generate"].count) == (5, 4)
    assert all(step.p50 <= step.p90 <= step.p99 for step in counted.steps)


def test_what_went_wrong_comes_first_and_links_to_the_server(folder: Path) -> None:
    noted = statistics(folder, 1, server="http://localhost:3000").noted
    assert [each.why for each in noted[:2]] == ["error", "down"]
    assert noted[0].question == "fails"
    assert noted[0].link == f"http://localhost:3000/trace/{noted[0].trace_id}"
    assert len({each.trace_id for each in noted}) == len(noted) == 5


def test_other_days_and_an_empty_folder_count_nothing(folder: Path, tmp_path: Path) -> None:
    later = statistics(folder, 2, now=datetime.now(UTC) + timedelta(days=5))
    assert [day.questions for day in later.days] == [0, 0]
    assert (later.steps, later.noted) == ([], [])
    assert statistics(tmp_path / "nowhere", 1).steps == []


def test_the_command_prints_what_the_files_tell(folder: Path, home: Path) -> None:
    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app.cli.program", "--home", str(home), *arguments],
            env=clean_environment(**environment),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert json.loads(run("--json", "stats", "--days", "1").stdout)["days"][0]["questions"] == 5
    shown = run("stats", TERAKOYA_LANGUAGE="ja")
    assert "質問" in shown.stdout
    assert "fails" in shown.stdout
    assert run("stats", "--days", "0").returncode == 2


def test_metrics_count_requests_and_questions_behind_the_token(own_service) -> None:
    own_service.answer("What?", effort="fast", thread_id=None)
    record = ServiceRecord.read(own_service.home)
    token_file = own_service.home / "service.token"
    assert token_file.read_text() == record.token
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
    url = f"{record.address}/metrics"
    assert httpx.get(url, trust_env=False).status_code == 401
    reply = httpx.get(url, headers={"Authorization": f"Bearer {record.token}"}, trust_env=False)
    assert reply.headers["content-type"].startswith("text/plain")
    assert 'terakoya_questions_total{effort="fast",outcome="answered"} 1.0' in reply.text
    assert 'terakoya_requests_total{method="POST",status="200"} 1.0' in reply.text
    assert "terakoya_langfuse_waiting 0.0" in reply.text
    assert "What?" not in reply.text
    assert own_service.statistics(3).days[-1].questions == 0
