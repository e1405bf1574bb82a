"""What is forgotten is gone wherever it left something: store, caches, conversations, files, memory."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import clean_environment, until

from app.installation import Installation
from app.settings import Settings
from app.threads import Threads, without_quotes
from app.tracing import make_tracer, read_trace
from app.tracing.erasing import erase
from app.tracing.langfuse import LangfuseDelivery
from app.tracing.standin import StandIn
from app.tracing.tail import Tail
from app.wiring import open_installation
from terakoya.api import FeedbackRequest, ForgetRequest
from terakoya.client import ServiceClient
from terakoya.errors import Busy, NotFound
from tests.postgres import everything

SECRET = "葉緑体は光合成を行う細胞小器官"
NOTES = {
    "cell.md": f"# 細胞\n\n- {SECRET}です。\n- ミトコンドリアは呼吸を担います。\n",
    "network.md": "# Networking\n\nTCP is a protocol that guarantees order.\n",
}


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("TERAKOYA_", "LANGFUSE_")):
            monkeypatch.delenv(name)


@pytest.fixture
def installation(home: Path, tmp_path: Path, server: str) -> Iterator[Installation]:
    for name, text in NOTES.items():
        (tmp_path / "notes").mkdir(exist_ok=True)
        (tmp_path / "notes" / name).write_text(text, encoding="utf-8")
    installation = open_installation(Settings(home=home, embedder="none", threads=server), write=True)
    installation.ingest([tmp_path / "notes"])
    yield installation
    installation.close()


def bytes_of(*paths: Path) -> bytes:
    return b"".join(path.read_bytes() for path in paths if path.exists())


def test_a_note_leaves_conversations_and_traces_and_other_notes_stay(
    installation: Installation, home: Path, server: str
) -> None:
    about_note = installation.ask("葉緑体は何を行う?", thread_id="t-1")
    about_other = installation.ask("What does TCP guarantee?", thread_id="t-1")
    assert SECRET in about_note.answer
    installation.feedback(FeedbackRequest(trace_id=about_note.trace_id, value=0, comment=SECRET))
    dry = installation.forget(ForgetRequest(source="cell.md", dry_run=True))
    assert (dry.sources, dry.threads, dry.traces) == (["cell.md"], ["t-1"], 1)
    assert SECRET in installation.thread("t-1").turns[0].result.answer  # type: ignore[union-attr]
    report = installation.forget(ForgetRequest(source="cell.md"))
    assert (report.sources, report.threads, report.traces, report.sent_to) == (["cell.md"], ["t-1"], 1, "")
    first, second = (turn.result for turn in installation.thread("t-1").turns)
    assert first
    assert second
    assert (first.answer, first.citations) == ("この答えは、消去したノートを引用していました。", [])
    assert second.answer == about_other.answer
    assert installation.search("葉緑体").hits == ()
    assert read_trace(home / "traces", about_note.trace_id) == []
    assert read_trace(home / "traces", about_other.trace_id)
    assert installation.wiring.store.rows("SELECT value, comment FROM feedback") == [(0, "")]
    installation.close()
    left = bytes_of(*(home / "traces").iterdir(), *home.glob("threads.sqlite*"))
    left += everything(server) if server else b""
    assert SECRET.encode() not in left, "not even in what the files do not use any more"
    assert "葉緑体".encode() in left, "the question is the reader's own"


def test_a_conversation_leaves_nothing(installation: Installation, home: Path) -> None:
    gone = [
        installation.ask(q, thread_id="t-gone") for q in ("葉緑体は何を行う?", "What does TCP guarantee?")
    ]
    kept = installation.ask("What does TCP guarantee?", thread_id="t-kept")
    for outcome in (*gone, kept):
        installation.feedback(FeedbackRequest(trace_id=outcome.trace_id, value=1, comment="fine"))
    report = installation.forget(ForgetRequest(source="t-gone"))
    assert (report.sources, report.threads, report.traces) == ([], ["t-gone"], 2)
    with pytest.raises(NotFound):
        installation.thread("t-gone")
    with pytest.raises(NotFound):
        installation.forget(ForgetRequest(source="t-gone"))
    assert [read_trace(home / "traces", outcome.trace_id) for outcome in gone] == [[], []]
    assert installation.thread("t-kept").turns
    assert read_trace(home / "traces", kept.trace_id)
    rows = installation.wiring.store.rows("SELECT trace_id FROM feedback")
    assert rows == [(kept.trace_id,)]
    installation.close()
    left = bytes_of(*(home / "traces").iterdir(), *home.glob("threads.sqlite*"))
    assert b"t-gone" not in left
    assert SECRET.encode() not in left


def test_a_forgotten_note_leaves_the_cache_of_vectors(home: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    for name, text in (("a.md", "# A\n\nMendel grew peas.\n"), ("b.md", "# B\n\nTides follow the moon.\n")):
        (tmp_path / "notes" / name).write_text(text)
    installation = open_installation(Settings(home=home), write=True)
    try:
        installation.ingest([tmp_path / "notes"])
        store = installation.wiring.store
        assert store.rows("SELECT count(*) FROM embedding_cache") == [(2,)]
        installation.forget(ForgetRequest(source="a.md"))
        assert store.rows("SELECT count(*) FROM embedding_cache") == [(1,)]
        assert store.rows("SELECT count(*) FROM vectors") == [(1,)]
        assert [hit.passage.source for hit in installation.search("moon tides").hits] == ["b.md"]
    finally:
        installation.close()


def test_what_waits_for_a_server_is_not_sent_any_more(home: Path) -> None:
    with StandIn() as server:
        server.fault = 503
        environ = {
            "LANGFUSE_BASE_URL": server.url,
            "LANGFUSE_PUBLIC_KEY": server.public_key,
            "LANGFUSE_SECRET_KEY": server.secret_key,
        }
        tracer = make_tracer(Settings(home=home), deliver=True, environ=environ)
        ids = []
        for n in range(3):
            with tracer.trace("ask", thread_id=f"t-{n}", input=SECRET) as root, tracer.span("step"):
                pass
            ids.append(root.trace_id)
            tracer.score(root.trace_id, "user-feedback", 0, comment=SECRET)
        assert isinstance(tracer.delivery, LangfuseDelivery)
        until(lambda: tracer.delivery.state().waiting == 6)
        assert tracer.erase(ids[:2]) == 8
        server.fault = None
        until(lambda: len(server.kept.scores) == 1)
        until(lambda: tracer.delivery.state().waiting == 0)
        tracer.close()
        assert server.trace_ids() == {ids[2]}
        assert {score["traceId"] for score in server.kept.scores.values()} == {ids[2]}
        assert server.orphans() == []


def test_erasing_keeps_every_place_in_the_files_while_others_append(home: Path) -> None:
    tracer = make_tracer(Settings(home=home), deliver=False)
    folder = home / "traces"
    ids = []
    for n in range(20):
        with tracer.trace("ask", input=f"{n} 質問") as root:
            pass
        ids.append(root.trace_id)
    assert tracer.flush(10)
    tail = Tail(folder)
    tail.read(most=10**9)
    tail.settle(list(tail.traces)[:5])
    sizes = {path.name: path.stat().st_size for path in folder.glob("*.jsonl")}
    assert erase(folder, ids[3:12]) == 18
    assert {path.name: path.stat().st_size for path in folder.glob("*.jsonl")} == sizes
    with tracer.trace("ask") as root:
        pass
    tracer.close()
    later = Tail(folder)
    later.read(most=10**9)
    assert [item.key for item in later.traces] == [*ids[12:], root.trace_id]
    assert later.broken == 0


def test_every_earlier_state_of_a_conversation_loses_the_answer(home: Path, server: str) -> None:
    home.mkdir()
    threads = Threads(home / "threads.sqlite", server=server)
    turn = {"question": "q?", "answer": SECRET, "citations": [{"source": "a.md", "quote": SECRET}]}
    other = {"question": "q?", "answer": "fine", "citations": [{"source": "b.md", "quote": "fine"}]}
    from langgraph.checkpoint.base import empty_checkpoint

    for n in range(3):
        checkpoint = empty_checkpoint()
        checkpoint["channel_values"] = {
            "turns": [turn, other],
            "draft": {"text": SECRET, "citations": turn["citations"]},
            "summary": {"text": SECRET, "summarised": 1},
        }
        config = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
        versions = checkpoint["channel_versions"] = dict.fromkeys(checkpoint["channel_values"], f"{n:032}.0")
        saved = threads.saver.put(config, checkpoint, {}, versions)
        threads.saver.put_writes(
            saved, [("turns", [turn]), ("summary", {"text": SECRET})], task_id=f"task-{n}"
        )
    assert not server or SECRET.encode() in everything(server)
    assert threads.quoting({"a.md"}) == ["t"]
    threads.forget_quotes("t", {"a.md"})
    assert threads.quoting({"a.md"}) == []
    left = threads.turns("t")
    assert left[0]["citations"] == []
    assert left[1] == other
    threads.close()
    assert SECRET.encode() not in bytes_of(*home.glob("threads.sqlite*"))
    assert not server or SECRET.encode() not in everything(server)


def cli(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli.program", "--home", str(home), *arguments],
        env=clean_environment(TERAKOYA_EMBEDDER="none", **environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_command_forgets_through_the_service_and_without_it(
    installation: Installation, home: Path, server: str, processes
) -> None:
    given = {"TERAKOYA_THREADS": server}
    installation.ask("葉緑体は何を行う?", thread_id="t-1")
    installation.ask("葉緑体は何を行う?", thread_id="t-2")
    installation.close()
    alone = cli(home, "--json", "forget", "t-1", **given)
    assert json.loads(alone.stdout)["threads"] == ["t-1"]
    service = processes.start(
        "-m", "app.cli.program", "--home", home, "serve", "--port", "0", TERAKOYA_EMBEDDER="none", **given
    )
    client = until(lambda: ServiceClient.discover(home) if service.poll() is None else pytest.fail("ended"))
    run = client.ask("葉緑体は何を行う?", effort="fast", thread_id="t-2")
    until(lambda: client.run(run.run_id).status == "done")
    done = cli(home, "forget", "cell.md", TERAKOYA_LANGUAGE="ja")
    assert done.returncode == 0, done.stderr
    assert "消したトレース: 2" in done.stdout
    with pytest.raises(NotFound):
        client.run(run.run_id)
    again = cli(home, "forget", "cell.md")
    assert again.returncode == 2
    assert SECRET not in json.dumps(
        [turn.model_dump() for turn in client.thread("t-2").turns], ensure_ascii=False
    )


def test_a_conversation_in_which_a_question_is_open_is_not_forgotten(own_service, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    run = own_service.ask(f"gate:{gate}", effort="fast", thread_id="t-1")
    with pytest.raises(Busy, match="t-1"):
        own_service.forget(ForgetRequest(source="t-1"))
    gate.touch()
    until(lambda: own_service.run(run.run_id).status == "done")


def test_a_summary_of_turns_that_cite_a_note_goes_with_it() -> None:
    summary = {
        "text": f"We spoke of {SECRET}.",
        "summarised": 3,
        "by": "m",
        "citations": [{"source": "cell.md"}],
    }
    state = {"turns": [], "summary": summary}
    assert without_quotes(state, ["cell.md"]) == {"turns": [], "summary": {}}
    assert without_quotes(state, ["network.md"]) is state
