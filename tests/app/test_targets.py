"""What an eval can ask: parts of an installation of its own, the running service, a command."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from running import clean_environment

from app.settings import Settings
from app.suite_target import LocalTarget, open_local_target
from app.targets import target_opener
from app.tracing.counting import CountingTracer
from app.tracing.tracer import NoTracer
from evals import Suite, load_suite, run_suite
from evals.targets import CommandTarget, ServiceTarget
from terakoya.client import ServiceClient
from terakoya.errors import BadInput, Unavailable

NOTES = {
    "db.md": "# Index\n\nAn index makes search faster.\n\n# View\n\nA view is a stored query.\n",
    "net.md": "# TCP\n\nTCP keeps the order of search results.\n",
}
SUITE = """\
name: small
notes: notes
{extra}
cases:
  - id: index
    question: What makes search faster?
    expected: [index]
    passages: [{{source: {source}, text: {text}}}]
  - id: tokyo
    question: How many people live in Tokyo?
    answerable: false
"""

Load = Callable[..., Suite]
Local = Callable[..., LocalTarget]


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERAKOYA_LANGUAGE", "en")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", embedder="none")


@pytest.fixture
def suite(tmp_path: Path) -> Load:
    for name, content in NOTES.items():
        path = tmp_path / "notes" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)

    def go(extra: str = "", *, source: str = "db.md", text: str = "An index makes search") -> Suite:
        path = tmp_path / "suite.yaml"
        path.write_text(SUITE.format(extra=extra, source=source, text=text))
        return load_suite(path)

    return go


@pytest.fixture
def local(settings: Settings, suite: Load) -> Iterator[Local]:
    made: list[LocalTarget] = []

    def go(extra: str = "", **passage: str) -> LocalTarget:
        made.append(open_local_target(settings, suite(extra, **passage), lambda sentence: None))
        return made[-1]

    yield go
    for target in made:
        target.close()


def test_a_suite_of_retrieval_is_searched_and_never_asked(local: Local, suite: Load) -> None:
    target = local("target: retrieval")
    report = run_suite(suite("target: retrieval"), target)
    assert target.offers == {"search"}
    assert report.total("recall@1").value == 1.0
    assert report.total("failures").value == 0.0
    assert report.total("abstention_recall").value is None
    assert all(case.passed for case in report.cases)


def test_an_answer_over_given_passages_stands_on_those_whatever_a_search_finds(local: Local) -> None:
    asked = "What makes search faster?"
    right = local("target: answer").ask(asked)
    assert {(c.source, c.start_line) for c in right.citations} == {("db.md", 3)}
    misled = local("target: answer", source="net.md", text="TCP keeps the order").ask(asked)
    assert {c.source for c in misled.citations} <= {"net.md"}


def test_a_question_without_given_passages_is_searched_for(local: Local) -> None:
    outcome = local("target: answer").ask("What does TCP keep?")
    assert {c.source for c in outcome.citations} == {"net.md"}


def test_the_part_that_is_measured_is_part_of_what_a_suite_is(suite: Load) -> None:
    digests = {suite(f"target: {part}").digest for part in ("workflow", "retrieval", "answer")}
    assert len(digests) == 3
    assert suite().digest in digests


def test_a_part_that_there_is_not_is_bad_input(suite: Load) -> None:
    with pytest.raises(BadInput, match="line 3"):
        suite("target: half")


def test_tokens_of_all_spans_are_counted_for_who_asks() -> None:
    tracer = CountingTracer(NoTracer())
    with tracer.counting() as first, tracer.trace("ask"):
        with tracer.span("model", "generation") as span:
            span.set(usage={"input": 100, "output": 7}, model="m")
        with tracer.span("model", "generation") as span:
            span.set(usage={"input": 50})
        with tracer.span("search") as span:
            span.set(output=[])
    with tracer.span("model", "generation") as span:
        span.set(usage={"input": 1})
    assert first == {"input": 150, "output": 7}


# The running service


def test_a_service_is_asked_for_answers_and_hits(service: Any, suite: Load, tmp_path: Path) -> None:
    client = ServiceClient.discover(service.home)
    assert client is not None
    target = ServiceTarget(
        client,
        sources=["cell.md", "other.md"],
        folder=tmp_path / "biology",
        offers=frozenset({"ask", "search"}),
    )
    try:
        outcome = target.ask("What did Mendel grow?", earlier=("Who?",))
        # The service has its notes under their folder's name; a suite has not.
        assert (outcome.answered, outcome.citations[0].source) == (True, "cell.md")
        assert target.search("Mendel", k=2).hits[0].passage.source == "cell.md"
        assert (target.missing, target.others) == (["other.md"], [])
    finally:
        target.close()


def test_a_service_with_none_of_the_notes_is_told_with_the_command(service: Any, suite: Load) -> None:
    settings = Settings(home=service.home, embedder="none")
    with pytest.raises(BadInput, match="terakoya ingest"):
        target_opener("service")(settings, suite(), lambda sentence: None)


def test_a_service_that_is_not_up_is_told(settings: Settings, suite: Load) -> None:
    with pytest.raises(Unavailable, match="terakoya up") as caught:
        target_opener("service")(settings, suite(), lambda sentence: None)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("named", ["service", "cat"])
def test_only_an_installation_of_its_own_answers_over_given_passages(
    settings: Settings, suite: Load, named: str
) -> None:
    with pytest.raises(BadInput, match="target: answer"):
        target_opener(named)(settings, suite("target: answer"), lambda sentence: None)


# A command


def test_a_command_that_only_reads_gets_the_notes_without_the_lines_that_the_suite_takes_out(
    settings: Settings, suite: Load, tmp_path: Path
) -> None:
    program = tmp_path / "read.py"
    program.write_text(
        "import json, pathlib, sys\n"
        "for line in sys.stdin:\n"
        "    text = pathlib.Path(sys.argv[1], 'db.md').read_text()\n"
        "    print(json.dumps({'answer': sys.argv[1] + text, 'answered': True}), flush=True)\n"
    )
    named = f"{shlex.quote(sys.executable)} {shlex.quote(str(program))} {{notes}}"
    whole = target_opener(named)(settings, suite(), lambda sentence: None)
    assert isinstance(whole, CommandTarget)
    try:
        assert "A view is" in whole.ask("q").answer
    finally:
        whole.close()
    cut = target_opener(named)(
        settings, suite("without: [{source: db.md, text: A view is a stored query}]"), lambda sentence: None
    )
    try:
        answer = cut.ask("q").answer
    finally:
        cut.close()
    assert "A view is" not in answer
    assert not Path(answer.partition("#")[0]).exists()


def terakoya(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = clean_environment(TERAKOYA_EMBEDDER="none", TERAKOYA_HOME=str(home))
    command = [sys.executable, "-m", "app.cli.program", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_the_product_s_own_command_speaks_the_lines(settings: Settings, suite: Load, tmp_path: Path) -> None:
    assert terakoya(settings.home, "ingest", str(tmp_path / "notes")).returncode == 0
    words = [f"TERAKOYA_HOME={settings.home}", sys.executable, "-m", "app.cli.program", "--json", "ask"]
    own = shlex.join(["env", *words, "--batch", "-"])
    elsewhere = tmp_path / "elsewhere"
    done = terakoya(elsewhere, "--json", "eval", "run", str(suite().path), "--target", own)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[0])["metrics"]["correct"] == 1.0


MINE = """
from evals.metrics import case_metric

@case_metric("shout", "higher", "Share of answers in capitals.")
def shout(o):
    return float(o.answer.isupper())
"""


def test_metrics_of_a_file_of_the_command_line_are_in_the_report(
    settings: Settings, suite: Load, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    path = suite().path
    path.write_text(path.read_text() + "gates: [{metric: shout, max_mean: 0}]\n")
    assert terakoya(settings.home, "eval", "run", str(path)).returncode == 2
    done = terakoya(settings.home, "--json", "eval", "run", str(path), "--metrics", str(tmp_path / "mine.py"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[0])["metrics"]["shout"] == 0.0


def test_a_command_that_dies_ends_the_run_with_one_sentence(
    settings: Settings, suite: Load, tmp_path: Path
) -> None:
    done = terakoya(settings.home, "eval", "run", str(suite().path), "--target", "false")
    assert (done.returncode, done.stdout) == (3, "")
    assert "`false` ended before it had answered (exit code 1)" in done.stderr
