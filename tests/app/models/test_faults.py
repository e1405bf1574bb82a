"""What goes wrong with a real worker, again and again: each request gets an answer or a sentence."""

import contextlib
import os
import random
import resource
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.models.engine import LocalEngine
from app.models.generation import ChatMessage
from app.models.options import ModelOptions
from app.models.sampling import Sampling
from terakoya.errors import BadInput, Unavailable
from tests.app.models.conftest import REPLY

Open = Callable[..., LocalEngine]
QUESTION: list[ChatMessage] = [{"role": "user", "content": "お茶は？"}]
ENDLESS = Sampling(temperature=0, max_tokens=30_000)
GREEDY = Sampling(temperature=0)
TIMES = 100 if os.environ.get("TERAKOYA_SOAK") else 10


def eventually(claim: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "never came true"
        time.sleep(0.01)


def children() -> set[int]:
    return {
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if (text := _read(stat)) and text.rsplit(")", 1)[1].split()[1] == str(os.getpid())
    }


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def ask_all(engine: LocalEngine, texts: list[str]) -> None:
    for text in texts:
        list(engine.generate([{"role": "user", "content": text}], Sampling(max_tokens=2)))


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSEGV])
def test_killed_in_the_middle_of_streams_it_comes_back_each_time(
    endless_model: Path, open_engine: Open, sent: signal.Signals
) -> None:
    before = children()
    now = [0.0]
    engine = open_engine(endless_model, context_tokens=4096, clock=lambda: now[0])
    for _ in range(TIMES):
        streams = [engine.generate(QUESTION, ENDLESS) for _ in range(2)]
        for stream in streams:
            next(stream)
        pid = engine.worker_pid
        assert pid
        os.kill(pid, sent)
        for stream in streams:
            with pytest.raises(Unavailable) as caught:
                list(stream)
            assert caught.value.key == "model_crashed"
            assert caught.value.values["reason"] == sent.name
        eventually(lambda pid=pid: engine.worker_pid != pid)
        # A good request resets the delay: there is never one longer than the first.
        said = engine.generate(QUESTION, Sampling(max_tokens=3))
        list(said)
        assert said.finished
    engine.close()
    eventually(lambda: children() <= before)


def test_a_worker_that_hits_its_limit_of_memory_ends_with_a_sentence(
    endless_model: Path, open_engine: Open
) -> None:
    engine = open_engine(endless_model, context_tokens=32_768)
    engine.load()
    pid = engine.worker_pid
    assert pid
    used = int(_read(Path(f"/proc/{pid}/statm")).split()[0]) * resource.getpagesize()
    resource.prlimit(pid, resource.RLIMIT_AS, (used, used))
    texts = ["".join(random.choices("あいうえおかきくけこ", k=8000)) for _ in range(50)]
    with pytest.raises(Unavailable) as caught:
        ask_all(engine, texts)  # what was set aside before may last for a while
    assert caught.value.key in ("model_crashed", "model_failed")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: engine.worker_pid != pid)
    again = engine.generate(QUESTION, Sampling(max_tokens=3))
    list(again)
    assert again.finished


def test_corrupted_models_are_refused_or_served_and_never_hang(
    tiny_model: Path, tmp_path: Path, open_engine: Open
) -> None:
    whole = bytearray(tiny_model.read_bytes())
    chance = random.Random(4)
    for number in range(8):
        damaged = whole.copy()
        for _ in range(20):
            damaged[chance.randrange(4, 20_000)] = chance.randrange(256)
        path = tmp_path / f"{number}.gguf"
        path.write_bytes(damaged)
        engine = open_engine(path)
        with contextlib.suppress(BadInput, Unavailable):
            list(engine.generate(QUESTION, Sampling(max_tokens=3)))
        engine.close()
        assert engine.worker_pid is None


def test_those_in_the_queue_outlive_the_crash_of_the_one_before_them(
    endless_model: Path, open_engine: Open
) -> None:
    engine = open_engine(endless_model, context_tokens=4096, options=ModelOptions(slots=1))
    first = engine.generate(QUESTION, ENDLESS)
    next(first)
    queued = threading.Event()
    answers: list[str] = []

    def ask() -> None:
        generation = engine.generate(QUESTION, Sampling(max_tokens=3), waiting=lambda _: queued.set())
        answers.append("".join(generation))

    thread = threading.Thread(target=ask)
    thread.start()
    assert queued.wait(60)
    pid = engine.worker_pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    thread.join(60)
    assert len(answers) == 1
    with pytest.raises(Unavailable):
        list(first)


def test_a_thousand_requests_leave_nothing_behind(tiny_model: Path, open_engine: Open) -> None:
    engine = open_engine(tiny_model, options=ModelOptions(shelf_mb=1))
    before = children()

    def ask(number: int) -> None:
        messages: list[ChatMessage] = [{"role": "user", "content": f"{number} " * (number % 40 + 1)}]
        generation = engine.generate(messages, GREEDY)
        if number % 10 == 0:
            next(generation)
            generation.close()
        else:
            assert "".join(generation) == REPLY

    def resident() -> int:
        return int(_read(Path(f"/proc/{engine.worker_pid}/statm")).split()[1]) * resource.getpagesize()

    def run(numbers: range) -> None:
        failures: list[BaseException] = []

        def work(part: range) -> None:
            try:
                for number in part:
                    ask(number)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(numbers[start::4],)) for start in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
        assert not failures

    run(range(200))
    pid, settled = engine.worker_pid, resident()
    run(range(200, 1000))
    assert engine.worker_pid == pid
    assert resident() < settled + 16 * 2**20
    assert len(children() - before) <= 1
    eventually(lambda: not [t for t in threading.enumerate() if t.name == "model-deadline"])
