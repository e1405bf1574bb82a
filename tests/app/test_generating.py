"""A question through the real graph with a real GGUF in its worker process."""

import os
import signal

import pytest

from app.settings import load_settings
from app.tracing import NoTracer
from app.wiring import open_installation
from tests.app.models.openai_server import OpenAIServer, scripted
from tests.gguf import tiny_gguf

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
