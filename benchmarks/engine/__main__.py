"""`python -m benchmarks.engine`: the local engine beside the bare loop, `Llama` and llama-cpp-python's server.

All in one run, in turns, on random weights of 0.6B parameters, which have the speed of real ones.
"""

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING

from app.models.engine import LocalEngine
from app.models.generation import ChatMessage
from app.models.options import ModelOptions
from app.models.process import worker_environment
from app.models.sampling import Sampling
from app.models.selfcheck import SelfCheck
from app.models.supervision import processors
from benchmarks.engine.weights import LAYERS, TYPES, quantized

if TYPE_CHECKING:
    from benchmarks.engine.raw import RawLoop

TOKENS = 128
"""Of an answer."""
TURN = 64
"""Tokens of a turn where one stream is held against the bare loop: many short turns, since machines waver."""
CONTEXT = 4096
_NUMBERS = count(1000)


def question(text: str) -> list[ChatMessage]:
    """A conversation of one question."""
    return [{"role": "user", "content": text}]


def greedy(tokens: int = TOKENS) -> Sampling:
    """The likeliest token each time."""
    return Sampling(temperature=0, max_tokens=tokens)


def stream_rate(engine: LocalEngine, text: str, tokens: int = TOKENS) -> float:
    """Tokens a second after the first."""
    generation = engine.generate(question(text), greedy(tokens + 1))
    next(generation)
    began = time.monotonic()
    for _ in generation:
        pass
    assert generation.finished
    return (generation.finished.output_tokens - 1) / (time.monotonic() - began)


def fresh(count: int) -> list[list[ChatMessage]]:
    """Questions that were not asked before: nothing of them is known."""
    return [question(f"w{number} w{number + 7} ?") for number in islice(_NUMBERS, count)]


def together(engine: LocalEngine, count: int, tokens: int = TOKENS) -> float:
    """Tokens a second of `count` requests at once, prompts included."""
    said = [0] * count

    def ask(number: int, messages: list[ChatMessage]) -> None:
        generation = engine.generate(messages, greedy(tokens))
        for _ in generation:
            pass
        assert generation.finished
        said[number] = generation.finished.output_tokens

    threads = [threading.Thread(target=ask, args=asked) for asked in enumerate(fresh(count))]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(said) / (time.monotonic() - began)


def in_a_row(engine: LocalEngine, count: int, tokens: int = TOKENS) -> float:
    """Tokens a second of `count` requests one after the other, prompts included."""
    return count / sum(1 / together(engine, 1, tokens) for _ in range(count))


def follow_up(first: Callable[[list[ChatMessage]], float], number: int) -> float:
    """Seconds to the first text of a thread's second turn, to those of its first; another thread asked between."""
    mine, other = (
        question(" ".join(f"w{start + place}" for place in range(300)))
        for start in (number * 1000 + 20_000, number * 1000 + 20_500)
    )
    seconds = first(mine)
    first(other)
    return first([*mine, {"role": "assistant", "content": "w1"}, *question("w2 ?")]) / seconds


def first_token(engine: LocalEngine, messages: list[ChatMessage]) -> float:
    """Seconds to the first text."""
    began = time.monotonic()
    with engine.generate(messages, greedy(4)) as generation:
        next(generation)
        return time.monotonic() - began


def in_turns(rounds: int, *measures: Callable[[], float]) -> list[list[float]]:
    """Each measure `rounds` times, one after the other, so that a busy moment hits all of them."""
    found: list[list[float]] = [[] for _ in measures]
    for _ in range(rounds):
        for values, measure in zip(found, measures, strict=True):
            values.append(measure())
    return found


def delays(engine: LocalEngine, count: int) -> list[float]:
    """Milliseconds from the choice of a token to the text in the hands of who asked."""
    load = engine._supervisor.ready(time.monotonic() + 60)
    over = threading.Event()
    late: list[float] = []

    def hear(reply: dict[str, object]) -> None:
        if reply["event"] == "piece":
            late.append((time.monotonic() - float(str(reply["at"]))) * 1000)
        elif reply["event"] in ("done", "error", "gone"):
            over.set()

    sampling = {"temperature": 0, "max_tokens": count}
    load.worker.request("generate", hear, messages=question("w5 w9"), sampling=sampling, seed=1)
    over.wait(300)
    return late


def cancelled(engine: LocalEngine, number: int) -> float:
    """Milliseconds from cancelling a request whose long prompt is being read to its end."""
    load = engine._supervisor.ready(time.monotonic() + 60)
    begun, over = threading.Event(), threading.Event()

    def hear(reply: dict[str, object]) -> None:
        if reply["event"] == "started":
            begun.set()
        elif reply["event"] in ("done", "error", "gone"):
            over.set()

    messages = question(" ".join(f"w{number * 1000 + place}" for place in range(300)))
    sampling = {"temperature": 0, "max_tokens": 4}
    asked = load.worker.request("generate", hear, messages=messages, sampling=sampling, seed=1)
    begun.wait(300)
    if over.wait(0.2):
        raise RuntimeError("the prompt was read before it could be cancelled")
    began = time.monotonic()
    load.worker.cancel(asked)
    over.wait(300)
    return (time.monotonic() - began) * 1000


def report(name: str, ours: Sequence[float], theirs: Sequence[float], goal: float | None = None) -> None:
    """A row of medians, and of the median of the ratios of what was measured in one turn."""
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    mine, other = (f"{statistics.median(values):.2f}" for values in (ours, theirs))
    wanted = "" if goal is None else f">= {goal}"
    row(name, mine, other, f"{ratio:.2f}", wanted, goal is None or ratio >= goal)


def row(name: str, ours: str, theirs: str, ratio: str, goal: str, met: bool) -> None:
    """A row of the table."""
    verdict = ("yes" if met else "no") if goal else ""
    print(f"| {name} | {ours} | {theirs} | {ratio} | {goal} | {verdict} |", flush=True)


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "terakoya-bench")
    parser.add_argument("--kind", choices=sorted(TYPES), default="Q4_K_M")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--layers", type=int, default=LAYERS, help="fewer than the model has, to try it quickly"
    )
    parser.add_argument(
        "--server", action="store_true", help="compare with llama_cpp.server, which needs its extra"
    )
    arguments = parser.parse_args()
    for name, value in worker_environment().items():  # the peers get what our worker gets
        if name.startswith(("GOMP_", "GGML_")):
            os.environ.setdefault(name, value)
    from benchmarks.engine.raw import RawLoop, server

    path = quantized(arguments.folder, arguments.kind, layers=arguments.layers)
    threads = processors()
    print(f"{path.name}, {threads} threads, load {os.getloadavg()[0]:.1f}\n")
    print("| | engine | peer | ratio | goal | met |\n| --- | --- | --- | --- | --- | --- |", flush=True)
    options = ModelOptions(slots=16)
    with LocalEngine(path, context_tokens=CONTEXT, timeout=900, options=options) as engine:
        engine.load()
        raw = RawLoop(path, threads=threads, context=CONTEXT)
        beside_bare_calls(engine, raw, arguments.rounds)
        if SelfCheck().has_amx():
            print(
                "\n`Llama` and its server crash with quantized models on some processors like this one: left out."
            )
            return
        beside_llama(engine, path, threads, arguments.rounds)
        if arguments.server:
            with server(path, threads=threads, context=CONTEXT) as address:
                beside_server(engine, address, arguments.rounds)


def beside_bare_calls(engine: LocalEngine, raw: "RawLoop", rounds: int) -> None:
    """The engine beside llama.cpp's own calls, and beside itself."""
    stream_rate(engine, "w1", 4)
    raw.rate([300, 301, 302], 4)
    ours, theirs = in_turns(
        4 * rounds,
        lambda: stream_rate(engine, f"w{next(_NUMBERS)} w3", TURN),
        lambda: raw.rate([300, 301, 302, 303, 304], TURN),
    )
    report("one stream, tokens/s, to the bare loop", ours, theirs, 0.97)
    prompt = engine.count_message_tokens(fresh(1)[0])
    four, sixteen, one, bare_four, bare_sixteen = in_turns(
        max(2, rounds // 2),
        partial(together, engine, 4),
        partial(together, engine, 16),
        partial(in_a_row, engine, 4),
        partial(raw.batch_rate, 4, TOKENS, prompt=prompt),
        partial(raw.batch_rate, 16, TOKENS, prompt=prompt),
    )
    report("4 streams at once, tokens/s, to one after the other", four, one, 1.8)
    report("16 streams at once, tokens/s, to one after the other", sixteen, one, 3.0)
    report("4 streams at once, tokens/s, to bare evaluations of 4", four, bare_four)
    report("16 streams at once, tokens/s, to bare evaluations of 16", sixteen, bare_sixteen)
    late = sorted(delays(engine, 64))
    middle, slow = late[len(late) // 2], late[len(late) * 95 // 100]
    row(f"ms from token to text, p50 (p95 {slow:.1f})", f"{middle:.2f}", "", "", "<= 5", middle <= 5)
    ends = sorted(cancelled(engine, number) for number in range(40, 50))
    slowest = ends[-1]
    middle = ends[len(ends) // 2]
    name = f"ms from cancelling to the end, while a prompt is read, p50 (most {slowest:.0f})"
    row(name, f"{middle:.0f}", "", "", "<= 200", slowest <= 200)


def beside_llama(engine: LocalEngine, path: Path, threads: int, rounds: int) -> None:
    """The engine beside the class `Llama`, which answers one after the other."""
    from benchmarks.engine.raw import PeerLlama

    llama = PeerLlama(path, threads=threads, context=CONTEXT)
    llama.rate(question("w1"), 4)
    turns = max(2, rounds // 2)
    ours, theirs = in_turns(
        turns,
        lambda: stream_rate(engine, f"w{next(_NUMBERS)} w3"),
        lambda: llama.rate(question(f"w{next(_NUMBERS)} w3"), TOKENS),
    )
    report("one stream, tokens/s, to `Llama`", ours, theirs)
    four, sixteen, one = in_turns(
        turns,
        partial(together, engine, 4),
        partial(together, engine, 16),
        lambda: llama.in_a_row(fresh(4), TOKENS),
    )
    report("4 streams at once, tokens/s, to `Llama` one after the other", four, one, 1.8)
    report("16 streams at once, tokens/s, to `Llama` one after the other", sixteen, one, 3.0)
    numbers = count(1)
    shares = in_turns(
        turns,
        lambda: follow_up(partial(first_token, engine), next(numbers)),
        lambda: follow_up(llama.first_token, next(numbers)),
    )
    ours, theirs = shares
    middle = statistics.median(ours)
    row(
        "time to the first token, follow-up to first turn; peer: `Llama`",
        f"{middle:.3f}",
        f"{statistics.median(theirs):.3f}",
        "",
        "<= 0.15",
        middle <= 0.15,
    )


def _served(address: str, streams: int) -> float:
    from benchmarks.engine.raw import served

    return served(address, fresh(streams), TOKENS)


def beside_server(engine: LocalEngine, address: str, rounds: int) -> None:
    """The engine beside llama-cpp-python's server."""
    _served(address, 1)
    for streams, goal in ((4, 1.8), (16, 3.0)):
        ours, theirs = in_turns(
            max(2, rounds // 2),
            partial(together, engine, streams),
            partial(_served, address, streams),
        )
        report(f"{streams} at once, tokens/s, to llama_cpp.server", ours, theirs, goal)


if __name__ == "__main__":
    main()
