"""The worker process seen from outside: it crashes, hangs, is closed, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.models.engine import LocalEngine
from app.models.generation import ChatMessage
from app.models.options import ModelOptions
from app.models.sampling import Sampling
from terakoya.errors import BadInput, Busy, TerakoyaError, Unavailable
from tests.app.models.conftest import REPLY
from tests.app.models.waiting import eventually

Open = Callable[..., LocalEngine]
QUESTION: list[ChatMessage] = [{"role": "user", "content": "お茶は？ What do my notes say?"}]
GREEDY = Sampling(temperature=0)
ENDLESS = Sampling(temperature=0, max_tokens=30_000)


def key(error: pytest.ExceptionInfo[TerakoyaError]) -> str:
    assert str(error.value)  # the catalogue has the sentence and all its values
    assert error.value.message("ja")
    return error.value.key


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_closing_a_generation_frees_the_worker_for_the_next(endless_model: Path, open_engine: Open) -> None:
    engine = open_engine(endless_model, context_tokens=32_768)
    first = engine.generate(QUESTION, ENDLESS)
    next(first)
    pid = engine.worker_pid
    first.close()
    assert list(first) == []
    second = engine.generate(QUESTION, Sampling(max_tokens=3))
    list(second)
    assert second.finished
    assert engine.worker_pid == pid


def test_a_long_prefill_can_be_cancelled(endless_model: Path, open_engine: Open) -> None:
    engine = open_engine(endless_model, context_tokens=32_768)
    engine.load()
    pid = engine.worker_pid
    engine.generate([{"role": "user", "content": "あいうえお" * 6000}], ENDLESS).close()
    list(engine.generate(QUESTION, Sampling(max_tokens=3)))
    assert engine.worker_pid == pid


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSEGV])
def test_a_crash_ends_its_request_with_a_sentence_and_the_next_request_works(
    endless_model: Path, open_engine: Open, sent: signal.Signals
) -> None:
    engine = open_engine(endless_model, context_tokens=32_768)
    generation = engine.generate(QUESTION, ENDLESS)
    next(generation)
    pid = engine.worker_pid
    assert pid
    os.kill(pid, sent)
    with pytest.raises(Unavailable) as caught:
        list(generation)
    assert key(caught) == "model_crashed"
    assert caught.value.values["reason"] == sent.name
    again = engine.generate(QUESTION, Sampling(max_tokens=3))
    list(again)
    assert again.finished
    assert engine.worker_pid != pid


def test_a_worker_that_keeps_crashing_is_left_alone_longer_each_time_until_it_answers(
    tiny_model: Path, open_engine: Open
) -> None:
    now = [1000.0]
    engine = open_engine(tiny_model, clock=lambda: now[0])

    def crash() -> None:
        engine.load()
        pid = engine.worker_pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: engine.worker_pid is None)

    def rests() -> object:
        with pytest.raises(Unavailable) as caught:
            engine.load()
        assert key(caught) == "model_resting"
        return caught.value.values["seconds"]

    crash()
    crash()
    assert rests() == 1
    now[0] += 1.1
    crash()
    assert rests() == 2
    now[0] += 2.1
    crash()
    assert rests() == 4
    now[0] += 4.1
    assert "".join(engine.generate(QUESTION, GREEDY)) == REPLY
    crash()
    assert "".join(engine.generate(QUESTION, GREEDY)) == REPLY


def test_the_deadline_ends_a_request_and_the_worker_goes_on(endless_model: Path, open_engine: Open) -> None:
    engine = open_engine(endless_model, context_tokens=32_768)
    engine.load()
    pid = engine.worker_pid
    with pytest.raises(Unavailable) as caught:
        list(engine.generate(QUESTION, ENDLESS, timeout=0.5))
    assert key(caught) == "model_deadline"
    list(engine.generate(QUESTION, Sampling(max_tokens=3)))
    assert engine.worker_pid == pid


def test_a_worker_that_does_not_even_stop_is_killed_after_the_deadline(
    tiny_model: Path, open_engine: Open
) -> None:
    engine = open_engine(tiny_model, grace=0.1)
    engine.load()
    pid = engine.worker_pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(Unavailable) as caught:
        list(engine.generate(QUESTION, GREEDY, timeout=0.2))
    assert key(caught) == "model_deadline"
    assert "".join(engine.generate(QUESTION, GREEDY)) == REPLY
    assert not alive(pid)


def test_a_generation_that_nobody_reads_or_closes_is_stopped_by_its_deadline(
    endless_model: Path, open_engine: Open
) -> None:
    engine = open_engine(endless_model, context_tokens=32_768)
    engine.load()
    forgotten = engine.generate(QUESTION, ENDLESS, timeout=0.5)
    list(engine.generate(QUESTION, Sampling(max_tokens=3)))
    assert forgotten.finished is None


def test_who_waits_for_a_turn_too_long_hears_that_the_model_is_busy(
    endless_model: Path, open_engine: Open
) -> None:
    engine = open_engine(endless_model, context_tokens=32_768, options=ModelOptions(slots=1))
    with engine.generate(QUESTION, ENDLESS) as generation:
        next(generation)
        with pytest.raises(Busy) as caught:
            engine.generate(QUESTION, GREEDY, timeout=1)
    assert key(caught) == "model_busy"


def test_close_ends_a_running_generation_and_the_process(endless_model: Path, open_engine: Open) -> None:
    engine = open_engine(endless_model, context_tokens=32_768)
    generation = engine.generate(QUESTION, ENDLESS)
    next(generation)
    pid = engine.worker_pid
    assert pid
    engine.close()
    assert not alive(pid)
    with pytest.raises(Unavailable) as caught:
        list(generation)
    assert key(caught) == "model_closed"
    with pytest.raises(Unavailable) as refused:
        engine.generate(QUESTION)
    assert key(refused) == "model_closed"
    engine.close()


def test_close_ends_a_process_that_does_not_listen(tiny_model: Path, open_engine: Open) -> None:
    engine = open_engine(tiny_model)
    engine.load()
    pid = engine.worker_pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    engine.close()
    assert not alive(pid)


def test_no_worker_outlives_a_service_that_was_killed(endless_model: Path) -> None:
    program = """
import sys
from pathlib import Path
from app.models.engine import LocalEngine
from app.models.generation import ChatMessage
from app.models.options import ModelOptions
from app.models.sampling import Sampling
engine = LocalEngine(Path(sys.argv[1]), context_tokens=32768, threads=1)
generation = engine.generate([{"role": "user", "content": "x"}], Sampling(temperature=0, max_tokens=30000))
next(generation)
print(engine.worker_pid, flush=True)
sys.stdin.read()
"""
    root = str(Path(__file__).parents[3])
    with subprocess.Popen(
        [sys.executable, "-c", program, str(endless_model)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
    ) as service:
        assert service.stdout
        pid = int(service.stdout.readline())
        assert alive(pid)
        service.kill()
    eventually(lambda: not alive(pid))


def test_a_missing_file_and_another_kind_of_file_are_named_before_anything_starts(
    tmp_path: Path, open_engine: Open
) -> None:
    notes = tmp_path / "notes.gguf"
    notes.write_text("# お茶\n" * 50)
    for path, expected in ((tmp_path / "none.gguf", "model_missing"), (notes, "model_not_gguf")):
        engine = open_engine(path)
        with pytest.raises(BadInput) as caught:
            engine.generate(QUESTION)
        assert key(caught) == expected
        assert str(path) in str(caught.value)
        assert engine.worker_pid is None


def test_a_truncated_model_is_refused_with_the_reason_and_leaves_no_process(
    tiny_model: Path, tmp_path: Path, open_engine: Open
) -> None:
    whole = tiny_model.read_bytes()
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole[: len(whole) // 2])
    engine = open_engine(cut)
    with pytest.raises(BadInput) as caught:
        engine.generate(QUESTION)
    assert key(caught) == "model_broken"
    assert "not within the file bounds" in str(caught.value)  # llama.cpp's own words
    assert engine.worker_pid is None


def test_a_model_that_cannot_fit_is_refused_before_loading(tiny_model: Path, open_engine: Open) -> None:
    engine = open_engine(tiny_model, memory=lambda: 1000)
    with pytest.raises(Unavailable) as caught:
        engine.generate(QUESTION)
    assert key(caught) == "model_memory"
    assert engine.worker_pid is None
