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
from pathlib import Path

from app.models.engine import LocalEngine
from app.models.generation import ChatMessage
from app.models.options import ModelOptions
from app.models.process import worker_environment
from app.models.sampling import Sampling
from app.models.supervision import processors
from benchmarks.engine.weights import LAYERS, TYPES, quantized

TOKENS = 32
CONTEXT = 4096


def question(text: str) -> list[ChatMessage]:
    """A conversation of one question."""
    return [{"role": "user", "content": text}]


def greedy(tokens: int = TOKENS) -> Sampling:
    """The likeliest token each time."""
    # No token ends the output, so that all say equally much.
    return Sampling(temperature=0, max_tokens=tokens, logit_bias={151_935: -100.0})


def stream_rate(engine: LocalEngine, text: str, tokens: int = TOKENS) -> float:
    """Tokens a second after the first."""
    generation = engine.generate(question(text), greedy(tokens + 1))
    next(generation)
    began = time.monotonic()
    for _ in generation:
        pass
    assert generation.finished
    return (generation.finished.output_tokens - 1) / (time.monotonic() - began)


def together(engine: LocalEngine, count: int, tokens: int = TOKENS) -> float:
    """Tokens a second of `count` requests at once, prompts included."""
    said = [0] * count

    def ask(number: int) -> None:
        generation = engine.generate(question(f"w{number} w{number + 7} ?"), greedy(tokens))
        for _ in generation:
            pass
        assert generation.finished
        said[number] = generation.finished.output_tokens

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(count)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(said) / (time.monotonic() - began)


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

    sampling = {"temperature": 0, "max_tokens": count, "logit_bias": {151_935: -100.0}}
    load.worker.request("generate", hear, messages=question("w5 w9"), sampling=sampling, seed=1)
    over.wait(300)
    return late


def report(name: str, ratios: Sequence[tuple[float, float]], goal: float, *, most: bool = False) -> None:
    """A row of medians of pairs, and of their ratios."""
    ratio = statistics.median(a / b for a, b in ratios)
    met = ratio <= goal if most else ratio >= goal
    ours, theirs = (statistics.median(values) for values in zip(*ratios, strict=True))
    row(name, f"{ours:.2f}", f"{theirs:.2f}", f"{ratio:.2f}", f"{'<=' if most else '>='} {goal}", met)


def row(name: str, ours: str, theirs: str, ratio: str, goal: str, met: bool) -> None:
    """A row of the table."""
    print(f"| {name} | {ours} | {theirs} | {ratio} | {goal} | {'yes' if met else 'no'} |", flush=True)


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
    from benchmarks.engine.raw import RawLoop, served, server

    path = quantized(arguments.folder, arguments.kind, layers=arguments.layers)
    threads, rounds = processors(), arguments.rounds
    options = ModelOptions(slots=16, cache_mb=1024, shelf_mb=0)
    print(f"{path.name}, {threads} threads, load {os.getloadavg()[0]:.1f}\n")
    print("| | engine | peer | ratio | goal | met |\n| --- | --- | --- | --- | --- | --- |", flush=True)
    with LocalEngine(path, context_tokens=CONTEXT, timeout=900, options=options) as engine:
        engine.load()
        raw = RawLoop(path, threads=threads, context=CONTEXT)
        stream_rate(engine, "w1", 4)
        raw.rate([300, 301, 302], 4)
        ours, theirs = in_turns(
            rounds,
            lambda: stream_rate(engine, f"w{time.monotonic_ns() % 9000} w3"),
            lambda: raw.rate([300, 301, 302, 303, 304], TOKENS),
        )
        report("one stream, tokens/s, to the bare loop", list(zip(ours, theirs, strict=True)), 0.97)
        for count, goal in ((4, 1.8), (16, 3.0)):
            many, one = in_turns(
                max(2, rounds // 2), partial(together, engine, count), partial(together, engine, 1)
            )
            report(
                f"{count} streams at once, tokens/s, to one after the other",
                list(zip(many, one, strict=True)),
                goal,
            )
        firsts: list[tuple[float, float]] = []
        for number in range(max(2, rounds // 2)):
            history = question(" ".join(f"w{number * 1000 + place}" for place in range(300)))
            first = first_token(engine, history)
            follow: list[ChatMessage] = [*history, {"role": "assistant", "content": "w1"}, *question("w2 ?")]
            firsts.append((first_token(engine, follow), first))
        report("seconds to the first token, follow-up to first turn", firsts, 0.15, most=True)
        late = sorted(delays(engine, 64))
        middle, slow = late[len(late) // 2], late[len(late) * 95 // 100]
        row(f"ms from token to text, p50 (p95 {slow:.1f})", f"{middle:.2f}", "", "", "<= 5", middle <= 5)
        if arguments.server:
            with server(path, threads=threads, context=CONTEXT) as address:
                contents = [f"w{number} w{number + 7} ?" for number in range(4)]
                served(address, contents[:1], 4)
                ours, theirs = in_turns(
                    2, lambda: together(engine, 4), lambda: served(address, contents, TOKENS)
                )
                report(
                    "four at once, tokens/s, to llama_cpp.server", list(zip(ours, theirs, strict=True)), 1.8
                )


if __name__ == "__main__":
    main()
