"""A question through the real graph with a real GGUF in its worker process."""

import os
import signal
import sys
from itertools import pairwise

import pytest

from app.models.chain import ModelChain
from app.models.room import room_of
from app.settings import load_settings
from app.tracing import NoTracer
from app.wiring import open_installation
from terakoya.api import ForgetRequest
from terakoya.types import Turn
from tests.app.models.openai_server import OpenAIServer, scripted
from tests.gguf import tiny_gguf
from workflows.generative import GenerativeAnswerer
from workflows.prompting import asking
from workflows.prompts import load_prompt
from workflows.testing import passage

NOTE = """# 記憶

- 書くと学習が進む。
- 日本語の本を読む。
"""
CONTEXT = 2048


@pytest.fixture
def ask(tmp_path):
    """Asks about `NOTE` with a model of the test's; gives the outcome and what was heard meanwhile."""
    opened = []

    def asking(question, *, kill=False, **model):
        notes = tmp_path / "notes"
        notes.mkdir(exist_ok=True)
        (notes / "記憶.md").write_text(NOTE, encoding="utf-8")
        path = tiny_gguf(tmp_path / "model.gguf", context=CONTEXT, **model)
        settings = load_settings(
            tmp_path / "home", model=str(path), embedder="none", context_tokens=CONTEXT, max_answer_tokens=64
        )
        installation = open_installation(settings, write=True, tracer=NoTracer())
        opened.append(installation)
        installation.ingest([notes])
        heard = []

        def listen(kind, data):
            heard.append((kind, data))
            if kill and [kind for kind, _ in heard].count("token") == 1 and kind == "token":
                os.kill(installation.wiring.engine.worker_pid, signal.SIGKILL)

        return installation.ask(question, listen=listen), heard

    yield asking
    for installation in opened:
        installation.close()


def test_a_supported_reply_is_the_answer_streamed_and_cited(ask) -> None:
    outcome, heard = ask("書くと何が進む？", reply="書くと学習が進む。[1]")
    assert (outcome.answered, outcome.model) == (True, "model")
    assert "書くと学習が進む。" in outcome.answer
    assert [c.quote for c in outcome.citations] == ["- 書くと学習が進む。"]
    assert (outcome.citations[0].start_line, outcome.citations[0].end_line) == (3, 3)
    assert sum(kind == "token" for kind, _ in heard) > 3


@pytest.mark.parametrize("reply", ["本は茶だ。[1]", "書くと学習が進む。", "NO ANSWER", None])
def test_a_reply_that_the_notes_do_not_support_gives_way_to_a_quote(ask, reply) -> None:
    outcome, heard = ask("書くと何が進む？", reply=reply)
    assert (outcome.answered, outcome.model) == (True, "extractive")
    assert ("replace", {"text": ""}) in heard
    assert "書くと学習が進む。" in outcome.answer


def test_a_model_that_is_killed_while_it_speaks_gives_way_and_says_so(ask) -> None:
    outcome, heard = ask("書くと何が進む？", kill=True)
    assert outcome.model == "extractive"
    assert [data["code"] for kind, data in heard if kind == "notice"] == ["model_crashed"]


def test_a_model_that_gets_too_little_memory_makes_room_for_the_next(tmp_path, monkeypatch) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "記憶.md").write_text(NOTE, encoding="utf-8")
    # The first worker that starts may take 300 MB of addresses, those after it what they like.
    limited = tmp_path / "python"
    limited.write_text(
        f'#!/bin/sh\n[ -e "{tmp_path}/seen" ] || {{ : > "{tmp_path}/seen"; ulimit -v 300000; }}\n'
        f'exec "{sys.executable}" "$@"\n'
    )
    limited.chmod(0o700)
    large = tiny_gguf(tmp_path / "large.gguf", context=65_536, layers=4, width=192)
    small = tiny_gguf(tmp_path / "small.gguf", context=CONTEXT, reply="書くと学習が進む。[1]")
    settings = load_settings(
        tmp_path / "home", models=(str(large), str(small)), embedder="none", context_tokens=65_536
    )
    installation = open_installation(settings, write=True, tracer=NoTracer())
    try:
        installation.ingest([notes])
        monkeypatch.setattr(sys, "executable", str(limited))
        heard = []
        outcome = installation.ask("書くと何が進む？", listen=lambda *event: heard.append(event))
        assert (outcome.answered, outcome.model) == (True, "small")
        told = [data["code"] for kind, data in heard if kind == "notice"]
        assert len(told) == 1
        assert told[0] in ("model_refused_memory", "model_crashed")
    finally:
        installation.close()


def test_models_are_tried_in_order_and_one_that_fails_makes_room(tmp_path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "記憶.md").write_text(NOTE, encoding="utf-8")
    with scripted(OpenAIServer(answer="書くと学習が進む。[1]", key="")) as server:
        models = ("openai:away@http://127.0.0.1:9/v1", f"openai:big@{server.url}")
        settings = load_settings(tmp_path / "home", models=models, embedder="none")
        installation = open_installation(settings, write=True, tracer=NoTracer())
        try:
            installation.ingest([notes])
            heard = []
            outcome = installation.ask("書くと何が進む？", listen=lambda *event: heard.append(event))
            assert (outcome.answered, outcome.model) == (True, "big")
            assert [data["code"] for kind, data in heard if kind == "notice"] == ["remote_away"]
            server.faults = ["half"]
            outcome = installation.ask("書くと何が進む？", listen=lambda *event: heard.append(event))
            assert (outcome.answered, outcome.model) == (True, "extractive")
        finally:
            installation.close()


def test_a_follow_up_reads_neither_the_rules_nor_the_history_again(tmp_path, analyser) -> None:
    """By the engine's own counts of what it evaluated and what it still knew."""
    path = tiny_gguf(tmp_path / "model.gguf", context=4096)
    settings = load_settings(tmp_path / "home", model=str(path), context_tokens=4096, max_answer_tokens=16)
    models = ModelChain(settings)
    try:
        ((name, model),) = models.chat_models()
        room = room_of(model, settings)
        answerer = GenerativeAnswerer(model, analyser, name=name, room=room)
        history: list[Turn] = []
        known = []
        for question in ("書くと何が進む？", "日本語の何を読む？", "何をすると学習が進む？", "本は何語？"):
            notes = [passage(NOTE + question)]  # other passages for each question
            draft = answerer.answer(question, notes, history=history, emit=lambda piece: None)
            made = asking(
                load_prompt("answer"), question, notes, language="ja", history=history, room=room
            ).messages
            whole = room.count_messages(made)
            assert draft.window.get("reused", 0) + draft.window["read"] == whole
            known.append((room.count_messages(made[:-1]) - 1, draft.window["reused"], whole))
            history.append(Turn(question=question, answer="書くと学習が進む。[1]"))
    finally:
        models.close()
    assert known[0][1] == 0
    for (before, _, _), (now, reused, whole) in pairwise(known):
        assert before <= reused < whole  # all that stood in front of the last message
        assert before < now


@pytest.mark.parametrize("context", [512, 900, 1400])
def test_a_context_that_is_too_small_for_its_notes_costs_no_answer(tmp_path, context) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    for number in range(4):
        (notes / f"{number}.md").write_text(f"# 記憶 {number}\n\n" + NOTE * 9, encoding="utf-8")
    path = tiny_gguf(tmp_path / "model.gguf", context=context, reply="書くと学習が進む。[1]")
    settings = load_settings(
        tmp_path / "home", model=str(path), embedder="none", context_tokens=context, max_answer_tokens=64
    )
    installation = open_installation(settings, write=True, tracer=NoTracer())
    try:
        installation.ingest([notes])
        installation.ask("期末試験は7月3日だと覚えておいて", thread_id="t")
        heard = []
        for _ in range(3):
            outcome = installation.ask(
                "書くと何が進む？", thread_id="t", listen=lambda kind, data: heard.append((kind, data))
            )
            assert outcome.answered
            assert "書くと学習が進む。" in outcome.answer
        codes = {data["code"] for kind, data in heard if kind == "notice"}
        assert codes <= {"prompt_too_long", "answer.window", "answer.window_cut"}
        assert codes
    finally:
        installation.close()


def test_a_long_thread_is_summarised_kept_and_forgotten_with_its_notes(tmp_path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "記憶.md").write_text(NOTE, encoding="utf-8")
    with scripted(OpenAIServer(answer="書くと学習が進む。[1]", key="")) as server:
        settings = load_settings(
            tmp_path / "home",
            models=[f"openai:big@{server.url}"],
            embedder="none",
            remote_context_tokens=1000,
            max_answer_tokens=100,
        )
        installation = open_installation(settings, write=True, tracer=NoTracer())

        def summary():
            threads = installation.wiring.threads
            state = threads.saver.get_tuple({"configurable": {"thread_id": "t"}})
            return state.checkpoint["channel_values"].get("summary")

        try:
            installation.ingest([notes])
            for _ in range(9):
                outcome = installation.ask("書くと何が進む？", thread_id="t")
                assert (outcome.answered, outcome.model) == (True, "big")
            made = summary()
            assert made["by"] == "big"
            assert made["text"] == "書くと学習が進む。"
            assert made["citations"] == [{"source": "記憶.md"}]
            told = [body["messages"] for body in server.asked if "Summary of" in str(body["messages"])]
            assert [m["role"] for m in told[-1]][:3] == ["system", "user", "assistant"]
            assert "書くと学習が進む。" in told[-1][2]["content"]
            sizes = [len(body["messages"]) for body in server.asked]
            assert max(sizes) < 2 * 9
            installation.forget(ForgetRequest(source="記憶.md"))
            assert summary() == {}
        finally:
            installation.close()
