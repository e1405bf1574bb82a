import queue
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.models.process import LAST, Reply, WorkerProcess

MESSAGES = [{"role": "user", "content": "x"}]


@pytest.fixture
def worker() -> Iterator[WorkerProcess]:
    process = WorkerProcess(lambda _: None)
    yield process
    process.stop()


def ask(worker: WorkerProcess, op: str, **values: object) -> list[Reply]:
    """All replies to one request; a `generate` is cancelled after its first piece."""
    heard: queue.SimpleQueue[Reply] = queue.SimpleQueue()
    number = worker.request(op, heard.put, **values)
    replies = [heard.get(timeout=60)]
    while replies[-1]["event"] not in LAST:
        if replies[-1]["event"] == "piece":
            worker.cancel(number)
        replies.append(heard.get(timeout=60))
    return replies


def load(worker: WorkerProcess, path: Path, context: int = 512) -> Reply:
    return ask(worker, "load", path=str(path), context=context, threads=1)[0]


def test_a_cancelled_generation_ends_early_and_says_so(worker: WorkerProcess, endless_model: Path) -> None:
    assert load(worker, endless_model, context=32_768)["event"] == "loaded"
    sampling = {"temperature": 0, "max_tokens": 30_000}
    replies = ask(worker, "generate", messages=MESSAGES, sampling=sampling, seed=1)
    assert [reply["event"] for reply in replies[:2]] == ["started", "piece"]
    assert replies[-1]["finish_reason"] == "cancelled"
    assert replies[-1]["output_tokens"] < 30_000


def test_prints_on_stdout_never_reach_the_protocol(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = """
import os, threading
def shout():
    while True:
        os.write(1, b"llama_context: n_ctx = 512\\n")
        threading.Event().wait(0.001)
os.write(1, b"before anything else\\n")
threading.Thread(target=shout, daemon=True).start()
"""
    (tmp_path / "sitecustomize.py").write_text(noise)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    worker = WorkerProcess(lambda _: None)
    assert load(worker, tiny_model)["event"] == "loaded"
    assert ask(worker, "ping")[-1]["event"] == "pong"
    worker.stop()


def test_line_breaks_and_any_character_pass_through(worker: WorkerProcess, tiny_model: Path) -> None:
    load(worker, tiny_model)
    text = "a\nb\r\n\u2028\x00茶🍵 \ud800"
    assert ask(worker, "count", text=text)[0]["event"] == "counted"
    assert ask(worker, "count", messages=[{"role": "user", "content": text * 10_000}])[0]["tokens"] > 10_000


def test_a_request_before_a_model_is_loaded_is_an_error_and_no_crash(worker: WorkerProcess) -> None:
    reply = ask(worker, "generate", messages=MESSAGES, sampling={}, seed=1)[-1]
    assert (reply["event"], reply["code"]) == ("error", "internal")
    assert ask(worker, "ping")[-1]["event"] == "pong"


def test_requests_to_a_worker_that_is_gone_are_answered(worker: WorkerProcess) -> None:
    worker.kill()
    assert ask(worker, "ping")[-1]["event"] == "gone"
    assert ask(worker, "ping")[-1]["event"] == "gone"
    assert worker.ending() == "SIGKILL"
