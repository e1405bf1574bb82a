"""Conversations: kept in one file, read back for people."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.threads import Threads
from app.tracing import NoTracer
from terakoya.errors import NotFound
from terakoya.types import Draft
from workflows.graph import build_graph
from workflows.nodes import Parts
from workflows.testing import ScriptedAnswerer, ScriptedRetriever, citation, passage

PEAS = passage("Mendel grew peas.")
GOOD = Draft(text="Peas [1].", answered=True, citations=(citation(PEAS, "Mendel grew peas."),), model="m")


@pytest.fixture
def threads(tmp_path: Path, server: str) -> Iterator[Threads]:
    opened = Threads(tmp_path / "home" / "threads.sqlite", server=server)
    yield opened
    opened.close()


@pytest.fixture
def ask(analyser):
    def asked(threads: Threads, question: str, thread: str) -> None:
        parts = Parts(
            retriever=ScriptedRetriever(known=[PEAS]),
            answerers=[ScriptedAnswerer(drafts=[GOOD])],
            analyser=analyser,
            tracer=NoTracer(),
            passages=3,
        )
        build_graph(parts, threads.saver).invoke(
            {"question": question, "effort": "normal", "trace_id": "t"},
            {"configurable": {"thread_id": thread}},
            durability="exit",
        )

    return asked


def test_turns_are_read_back_oldest_first(threads: Threads, ask) -> None:
    for question in ("What did Mendel grow?", "Where did Mendel live?"):
        ask(threads, question, "t1")
    turns = threads.turns("t1")
    assert [t["question"] for t in turns] == ["What did Mendel grow?", "Where did Mendel live?"]
    assert turns[0]["answer"] == "Peas [1]."
    assert turns[0]["citations"][0]["quote"] == "Mendel grew peas."


def test_the_summary_of_the_first_turns_is_read_where_a_thread_has_them(threads: Threads, ask) -> None:
    assert threads.summary("t1") is None
    for question in ("What did Mendel grow?", "Where did Mendel live?"):
        ask(threads, question, "t1")
    assert threads.summary("t1") is None
    config = {"configurable": {"thread_id": "t1"}}
    kept = threads.saver.get_tuple(config)
    for turns in (1, 3):
        checkpoint = {**kept.checkpoint, "channel_values": {**kept.checkpoint["channel_values"]}}
        summary = {"text": "- Mendel grew peas.", "summarised": turns, "by": "extractive"}
        checkpoint["channel_values"]["summary"] = summary
        checkpoint["channel_versions"] = {**checkpoint["channel_versions"], "summary": f"{turns:032}.0"}
        checkpoint["id"] = f"{turns:08}-0000-6000-8000-000000000000"
        checkpoint["id"] = "f" + checkpoint["id"][1:]
        threads.saver.put(kept.config, checkpoint, {}, {"summary": f"{turns:032}.0"})
        assert threads.summary("t1") == (summary if turns == 1 else None)


def test_an_unknown_thread_is_not_found(threads: Threads) -> None:
    with pytest.raises(NotFound) as caught:
        threads.turns("none")
    assert caught.value.key == "thread_unknown"


def test_the_latest_threads_come_first(threads: Threads, ask) -> None:
    for number in range(4):
        ask(threads, f"Question {number}?", f"t{number}")
    ask(threads, "Again?", "t1")
    assert [(thread, title) for thread, title, _ in threads.latest(3)] == [
        ("t1", "Question 1?"),
        ("t3", "Question 3?"),
        ("t2", "Question 2?"),
    ]
    assert all(updated for _, _, updated in threads.latest())


def test_a_place_opened_twice_is_one_memory(threads: Threads, ask, tmp_path: Path, server: str) -> None:
    ask(threads, "What did Mendel grow?", "t1")
    other = Threads(tmp_path / "home" / "threads.sqlite", server=server)
    ask(other, "Where did Mendel live?", "t1")
    other.close()
    assert len(threads.turns("t1")) == 2


def test_the_file_is_for_its_owner_only(threads: Threads, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "home" / "threads.sqlite").stat().st_mode) == 0o600


def test_checkpoints_hold_plain_data_alone(threads: Threads, ask) -> None:
    ask(threads, "What did Mendel grow?", "t1")
    assert os.environ["LANGGRAPH_STRICT_MSGPACK"] == "true"
    values = threads.saver.get_tuple({"configurable": {"thread_id": "t1"}}).checkpoint["channel_values"]

    def plain(value: object) -> bool:
        if isinstance(value, dict):
            return all(isinstance(k, str) and plain(v) for k, v in value.items())
        if isinstance(value, list):
            return all(map(plain, value))
        return value is None or type(value) in (str, int, float, bool)

    assert all(plain(values[name]) for name in ("question", "turns", "passages", "draft") if name in values)


@pytest.mark.parametrize("thread", ["'; DROP TABLE checkpoints; --", "日本語", "a" * 500, "../x"])
def test_any_name_of_a_thread_is_only_a_name(threads: Threads, ask, thread: str) -> None:
    ask(threads, "What did Mendel grow?", thread)
    assert len(threads.turns(thread)) == 1
    assert threads.latest()[0][0] == thread
