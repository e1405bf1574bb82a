"""What goes wrong with a real worker, again and again: each request gets an answer or a sentence."""

import contextlib
import os
import random
import resource
import signal
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from app.models.engine import LocalEngine
from app.models.generation import ChatMessage
from app.models.options import ModelOptions
from app.models.sampling import Sampling
from terakoya.errors import BadInput, TerakoyaError, Unavailable
from tests.app.models.conftest import REPLY
from tests.app.models.waiting import census, eventually
from tests.soak.scale import log, size

Open = Callable[..., LocalEngine]
QUESTION: list[ChatMessage] = [{"role": "user", "content": "お茶は？"}]
ENDLESS = Sampling(temperature=0, max_tokens=30_000)
GREEDY = Sampling(temperature=0)
TIMES = size(full=100, short=10)


def children() -> set[int]:
    return {
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if (text := _read(stat)) and text.rsplit(")", 1)[1].split()[1] == str(os.getpid())
    }


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


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
    before, files = children(), open_files()
    now = [0.0]
    engine = open_engine(
        endless_model, context_tokens=4096, clock=lambda: now[0], options=ModelOptions(slots=2)
    )
    pids: set[int] = set()
    heard: list[str] = []
    for number in range(TIMES):
        streams = [engine.generate(QUESTION, ENDLESS) for _ in range(2)]
        for stream in streams:
            next(stream)
        assert not any(stream.finished for stream in streams)
        queued = threading.Event()
        waiting = threading.Thread(target=ask_in_line, args=(engine, number, queued, heard))
        waiting.start()
        assert queued.wait(60)
        pid = engine.worker_pid
        assert pid
        pids.add(pid)
        os.kill(pid, sent)
        for stream in streams:
            with pytest.raises(Unavailable) as caught:
                list(stream)
            assert caught.value.key == "model_crashed"
            assert caught.value.values["reason"] == sent.name
            assert sent.name in str(caught.value)
        # Whoever waited is served by the next worker. That resets the delay: there is never a second crash in a row.
        waiting.join(60)
        assert len(heard) == number + 1
        eventually(lambda: engine.worker_pid not in (None, *pids))
    assert len(pids) == TIMES
    engine.close()
    eventually(lambda: children() <= before)
    eventually(lambda: open_files() <= files)
    eventually(
        lambda: not [each for each in threading.enumerate() if each.name.startswith(("model-", "worker-"))]
    )
    log(f"{sent.name} in the middle of two streams", times=TIMES, workers=len(pids), served_after=len(heard))


def ask_in_line(engine: LocalEngine, number: int, queued: threading.Event, heard: list[str]) -> None:
    said = engine.generate(QUESTION, Sampling(max_tokens=3), waiting=lambda place: queued.set())
    list(said)
    assert said.finished
    heard.append(said.finished.finish_reason)


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
    for language in ("en", "ja"):
        assert caught.value.message(language)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)  # where it lived on, its limit would stay
    eventually(lambda: engine.worker_pid != pid)
    again = engine.generate(QUESTION, Sampling(max_tokens=3))
    list(again)
    assert again.finished


def answer_or_sentence(engine: LocalEngine) -> str:
    """`answered`, or the key of the error; anything else fails the test."""
    failure: TerakoyaError | None = None
    try:
        list(engine.generate(QUESTION, Sampling(max_tokens=3)))
    except (BadInput, Unavailable) as error:
        failure = error
    assert failure is None or (str(failure) and failure.message("ja"))
    return failure.key if failure else "answered"


@pytest.mark.parametrize("share", [0.0, 0.001, 0.02, 0.2, 0.5, 0.9, 0.999])
def test_a_model_that_is_cut_off_anywhere_is_refused_and_leaves_no_process(
    tiny_model: Path, tmp_path: Path, open_engine: Open, share: float
) -> None:
    whole = tiny_model.read_bytes()
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole[: int(len(whole) * share)])
    engine = open_engine(cut)
    assert answer_or_sentence(engine) in ("model_broken", "model_not_gguf")
    assert engine.worker_pid is None


def test_corrupted_models_are_refused_or_served_and_never_hang(
    tiny_model: Path, tmp_path: Path, open_engine: Open
) -> None:
    whole = bytearray(tiny_model.read_bytes())
    chance = random.Random(4)
    outcomes: Counter[str] = Counter()
    for number in range(size(full=60, short=9)):
        damaged = whole.copy()
        last = (20_000, len(whole), 200)[number % 3]  # its header, anything, its first entries
        for _ in range(20):
            damaged[chance.randrange(4, last)] = chance.randrange(256)
        path = tmp_path / f"{number}.gguf"
        path.write_bytes(damaged)
        engine = open_engine(path)
        outcomes[answer_or_sentence(engine)] += 1
        engine.close()
        assert engine.worker_pid is None
        path.unlink()
    log("corrupted models", **outcomes)
    assert {"answered", "model_broken"} <= set(outcomes)


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
    cells = engine.load().cells
    before, files = children(), open_files()
    outcomes: Counter[str] = Counter()

    def ask(number: int) -> None:
        messages: list[ChatMessage] = [{"role": "user", "content": f"{number} " * (number % 40 + 1)}]
        if number % 10 == 3:  # refused inside the worker
            with pytest.raises(BadInput):
                list(engine.generate([{"role": "user", "content": "あ" * 600}], GREEDY))
            outcomes["refused"] += 1
            return
        generation = engine.generate(messages, GREEDY, asker=f"{number % 7}")
        if number % 10 == 0:
            next(generation)
            generation.close()
            outcomes["left"] += 1
        elif number % 10 == 5:  # dropped without a word
            next(generation)
            outcomes["dropped"] += 1
        else:
            assert "".join(generation) == REPLY
            outcomes["answered"] += 1

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
        assert not any(thread.is_alive() for thread in threads)

    run(range(200))
    pid, settled = engine.worker_pid, resident()
    run(range(200, 1000))
    assert engine.worker_pid == pid
    assert resident() < settled + 16 * 2**20
    assert children() == before
    assert open_files() <= files
    assert outcomes == {"answered": 700, "left": 100, "dropped": 100, "refused": 100}
    eventually(lambda: census(engine)["active"] == 0)
    held = census(engine)
    assert (held["running"], held["waiting"]) == (0, 0)
    assert held["kept"] + held["free"] == 4 + 48  # every sequence is kept or free
    assert held["cells_held"] + held["cells_free"] == cells
    eventually(lambda: not [t for t in threading.enumerate() if t.name == "model-deadline"])
    log("requests to one worker", **outcomes, grew_mb=max(0, resident() - settled) // 2**20)
