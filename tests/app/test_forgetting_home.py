"""After `forget`, no file of the home holds what was forgotten, not even in what the file does not use any more."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from running import clean_environment

from app.installation import Installation
from app.intents import SqliteIntents
from app.settings import Settings
from app.wiring import open_installation
from evals.arena.ballots import Ballots
from evals.arena.duel import Reply, Vote
from evals.history import History
from terakoya.api import FeedbackRequest, ForgetRequest
from terakoya.types import ToolCall
from tests.gguf import tiny_gguf
from workflows.tools.calls import call_id

MARK = "zebraquokka"
SUITE = """\
name: lamps
notes: notes
cases:
  - id: keeper
    question: Who keeps the lamp of the lighthouse?
    expected: [zebraquokka]
    passages: [{source: lamp.md, text: zebraquokka}]
  - {id: tides, question: "What follows the moon?", expected: [tides]}
"""


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("TERAKOYA_", "LANGFUSE_")):
            monkeypatch.delenv(name)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "lamp.md").write_text(
        f"# The {MARK} file\n\n- The lamp of the lighthouse is kept by {MARK}.\n- ランプの油は三日に一度かえる。\n",
        encoding="utf-8",
    )
    for number in range(20):  # neighbours in the blocks of every table
        (notes / f"other-{number}.md").write_text(
            f"# Other {number}\n\nThe tides follow the moon, {number} times over.\n"
        )
    (tmp_path / "suite.yaml").write_text(SUITE)
    return tmp_path


def opened(home: Path, **settings: str) -> Installation:
    installation = open_installation(Settings(home=home, embedder="none", **settings), write=True)
    with installation.wiring.store.cursor() as cursor:  # what is packed cannot be looked for in the bytes
        cursor.execute("PRAGMA force_compression = 'uncompressed'")
    return installation


@pytest.fixture
def installation(home: Path, place: Path) -> Iterator[Installation]:
    made = opened(home)
    made.ingest([place / "notes"])
    yield made
    made.close()


def holding(home: Path) -> set[str]:
    """Files of the home in whose bytes the mark stands, by their names in it."""
    files = (path for path in home.rglob("*") if path.is_file())
    return {str(path.relative_to(home)) for path in files if MARK.encode() in path.read_bytes()}


def test_a_forgotten_note_stands_in_no_file_of_the_home(
    installation: Installation, home: Path, place: Path
) -> None:
    outcome = installation.ask("Who keeps the lamp of the lighthouse?", thread_id="t-1", effort="deep")
    assert MARK in outcome.answer
    installation.feedback(FeedbackRequest(trace_id=outcome.trace_id, value=0, comment=f"not {MARK}"))
    installation.close()
    run = [
        sys.executable,
        "-m",
        "app.cli.program",
        "--home",
        str(home),
        "eval",
        "run",
        str(place / "suite.yaml"),
    ]
    done = subprocess.run(
        run, env=clean_environment(TERAKOYA_EMBEDDER="none"), capture_output=True, timeout=180, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    reply = Reply(answer=f"It is kept by {MARK}. [1]", answered=True)
    with History(home / "evals" / "history.duckdb", write=True) as history:
        history.rows("PRAGMA force_compression = 'uncompressed'")
        said = f"The lamp of the lighthouse is kept by {MARK}. [1]"
        Ballots(history).add(
            Vote(
                question="Who?",
                names=("a", "b"),
                replies=(reply, Reply(answer=said, answered=True)),
                verdict="a",
                voter="person",
            )
        )
    before = holding(home)
    assert {"terakoya.duckdb", "threads.sqlite", "evals/history.duckdb", "evals/results.sqlite"} <= before
    assert any(name.startswith("traces/") for name in before)
    assert any(name.startswith("evals/traces/") for name in before)
    again = opened(home)
    try:
        report = again.forget(ForgetRequest(source="lamp.md"))
        assert report.answers == 2
        assert again.search("tides moon").hits
    finally:
        again.close()
    assert holding(home) == set()
    with History(home / "evals" / "history.duckdb") as history:
        (latest,) = history.runs()
        cases = {case.id: case for case in history.report(latest).cases}
        assert cases["keeper"].answer == "This answer quoted a note that is forgotten."
        assert "tides" in cases["tides"].answer
        assert Ballots(history).votes()[0].verdict == "a"


def test_a_forgotten_conversation_takes_its_facts_and_calls_with_it(
    installation: Installation, home: Path
) -> None:
    kept = installation.ask("Remember that the moon is full on Friday", thread_id="t-kept")
    installation.ask(f"Remember that my lamp is called {MARK}", thread_id="t-1")
    trace = installation.thread("t-1").turns[0].result.trace_id  # type: ignore[union-attr]
    arguments = {"name": MARK}
    intents = SqliteIntents(home / "threads.sqlite")
    for of in (trace, kept.trace_id):
        intents.begin(
            ToolCall(id=call_id(of, 0, "memory__add", arguments), tool="memory__add", arguments=arguments)
        )
    assert len(installation.facts()) == 2
    installation.forget(ForgetRequest(source="t-1"))
    assert [fact.text for fact in installation.facts()] == ["the moon is full on Friday"]
    installation.forget(ForgetRequest(source="t-kept"))
    installation.close()
    assert {name for name in holding(home) if not name.startswith("terakoya.duckdb")} == set()


def test_the_process_of_a_local_model_ends_with_what_it_read(place: Path, home: Path) -> None:
    model = tiny_gguf(place / "tiny.gguf", context=4096, reply="No [1].")
    installation = opened(home, model=str(model), context_tokens="4096", max_answer_tokens="16")
    try:
        installation.ingest([place / "notes"])
        installation.ask("Who keeps the lamp of the lighthouse?")
        engine = installation.wiring.engine
        assert engine
        first = engine.worker_pid
        assert first
        installation.forget(ForgetRequest(source="lamp.md"))
        assert engine.worker_pid is None
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)
        installation.ask("What follows the moon?")
        assert engine.worker_pid not in (None, first)
    finally:
        installation.close()


def test_the_file_of_the_store_stays_whole_and_of_its_size(installation: Installation, home: Path) -> None:
    path = home / "terakoya.duckdb"
    installation.forget(ForgetRequest(source="other-0.md"))
    size = path.stat().st_size
    for number in range(1, 6):
        installation.forget(ForgetRequest(source=f"other-{number}.md"))
    assert path.stat().st_size <= size + 8 * 2**18
    installation.close()
    with duckdb.connect(path, read_only=True) as store:
        names = [row[0] for row in store.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        assert "overwritten" not in names
        assert store.execute("SELECT count(*) FROM notes").fetchall() == [(15,)]
