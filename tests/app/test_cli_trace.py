"""`terakoya trace`: the files of a home, read by people; no server anywhere."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from running import clean_environment

from app.cli.trace import draw
from app.settings import Settings
from app.tracing import SpanRecord, make_tracer, read_trace
from app.tracing.reader import known_id, latest
from app.wiring import open_installation


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("TERAKOYA_", "LANGFUSE_")):
            monkeypatch.delenv(name)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "cell.md").write_text(
        "# 細胞\n\n- 葉緑体は光合成を行う細胞小器官です。\n", encoding="utf-8"
    )
    return tmp_path / "notes"


@pytest.fixture
def trace_id(home: Path, notes: Path) -> str:
    installation = open_installation(Settings(home=home, embedder="none"), write=True)
    try:
        installation.ingest([notes])
        return installation.ask("葉緑体は何を行う?", effort="fast", thread_id="t-1").trace_id
    finally:
        installation.close()


def cli(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli.program", "--home", str(home), *arguments],
        env=clean_environment(**{"TERAKOYA_EMBEDDER": "none", **environment}),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_the_tree_shows_each_step_under_the_one_it_belongs_to(home: Path) -> None:
    tracer = make_tracer(Settings(home=home), deliver=False)
    with tracer.trace("ask", input="q", tags=["ja"]) as root:
        with tracer.span("retrieve", "chain"), tracer.span("search", "retriever") as search:
            search.set(output=[{"id": "p1", "score": 0.5}])
        with tracer.span("generate", "generation") as step:
            step.set(model="tiny", usage={"input": 3, "output": 2}, output="\x1b[2Jbad\nanswer")
        with pytest.raises(ValueError, match="no"), tracer.span("verify"):
            raise ValueError("no")
    tracer.close()
    spans = [one for one in read_trace(home / "traces", root.trace_id) if isinstance(one, SpanRecord)]
    lines = list(draw(spans))
    assert [line.partition("]")[0] for line in lines] == [
        "ask [agent",
        "├─ retrieve [chain",
        "│  └─ search [retriever",
        "├─ generate [generation",
        "└─ verify [span",
    ]
    assert "tiny  input 3  output 2" in lines[3]
    assert "\n" not in lines[3]
    assert "ERROR: ValueError: no" in lines[4]


def test_the_latest_come_first_and_the_beginning_of_an_id_will_do(home: Path) -> None:
    tracer = make_tracer(Settings(home=home), deliver=False)
    ids = []
    for n in range(5):
        with tracer.trace("ask", input=f"{n}") as root:
            pass
        ids.append(root.trace_id)
    tracer.close()
    assert [root.trace_id for root in latest(home / "traces", 3)] == ids[:1:-1]
    assert known_id(home / "traces", ids[0][:12].upper()) == [ids[0]]
    assert latest(home / "nowhere", 3) == []


def test_each_trace_says_what_the_answer_stands_on(home: Path, trace_id: str, notes: Path) -> None:
    def prints(trace: str) -> dict[str, str]:
        root = read_trace(home / "traces", trace)[0]
        assert isinstance(root, SpanRecord)
        return dict(root.metadata["fingerprints"])

    before = prints(trace_id)
    assert set(before) == {"release", "store", "analyser", "embedder", "prompts", "model", "settings"}
    installation = open_installation(Settings(home=home, embedder="none", passages=3), write=True)
    try:
        same = installation.ask("葉緑体は何を行う?").trace_id
        (notes / "more.md").write_text("# More\n\nMore words.\n")
        installation.ingest([notes])
        other = installation.ask("葉緑体は何を行う?").trace_id
    finally:
        installation.close()
    differs = {name for name, value in prints(same).items() if value != before[name]}
    assert differs == {"settings"}
    assert {name for name, value in prints(other).items() if value != prints(same)[name]} == {"store"}


def test_show_and_list_need_nothing_but_the_files(home: Path, trace_id: str) -> None:
    (home / "terakoya.duckdb").unlink()
    listed = cli(home, "trace", "list")
    assert trace_id[:12] in listed.stdout
    assert "葉緑体は何を行う?" in listed.stdout
    shown = cli(home, "trace", "show", trace_id[:8], TERAKOYA_LANGUAGE="ja")
    assert shown.returncode == 0, shown.stderr
    assert "search [retriever]" in shown.stdout
    assert "指紋: analyser" in shown.stdout
    lines = [json.loads(line) for line in cli(home, "--json", "trace", "show", trace_id).stdout.splitlines()]
    assert lines[0]["trace_id"] == trace_id
    assert {line.get("kind") for line in lines} >= {"agent", "retriever"}


@pytest.mark.parametrize("wanted", ["ffff0000", "", "nonsense"])
def test_what_no_trace_is_called_is_told(home: Path, wanted: str) -> None:
    done = cli(home, "trace", "show", wanted)
    assert done.returncode == 2
    assert "trace list" in done.stderr


def test_a_replay_says_what_differs_and_nothing_where_nothing_does(
    home: Path, trace_id: str, notes: Path
) -> None:
    same = cli(home, "--json", "trace", "replay", trace_id)
    assert same.returncode == 0, same.stderr
    assert set(json.loads(same.stdout)["differs"]) <= {"fingerprints"}
    (notes / "more.md").write_text("# 葉緑体\n\n葉緑体は光合成を行い、葉緑体は緑です。\n", encoding="utf-8")
    assert cli(home, "ingest", str(notes)).returncode == 0
    other = json.loads(cli(home, "--json", "trace", "replay", trace_id).stdout)["differs"]
    assert {"ranking", "fingerprints"} <= set(other)
    before, after = (dict(other["fingerprints"][side]) for side in ("before", "after"))
    assert before["store"] != after["store"]
