"""What tracing costs a question: the same questions with tracing on and off, alone and 50 at once.

Run: `python -m benchmarks.tracing_questions`. Tracing on means all of it: spool, masking, scores, and delivery to
the stand-in of the tests in a process of its own. Questions and rounds with and without take turns, so that both
meet the same machine.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.installation import Installation
from app.settings import Settings
from app.tracing import NoTracer
from app.wiring import open_installation

NOTES = Path(__file__).parents[1] / "examples" / "notes"
QUESTIONS = (
    "枝刈りって何？",
    "過学習を防ぐ方法を4つ教えてください",
    "What is an index for?",
    "正規化とは？",
    "Who was Napoleon?",
)
AT_ONCE = 50
_SERVER = (
    "import sys\nfrom app.tracing.standin import StandIn\n"
    "with StandIn() as server:\n    print(server.url, flush=True)\n    sys.stdin.read()\n"
)


def milliseconds(installation: Installation, number: int) -> float:
    """How long one question takes."""
    begin = time.perf_counter()
    installation.ask(QUESTIONS[number % len(QUESTIONS)])
    return (time.perf_counter() - begin) * 1e3


def alone(on: Installation, off: Installation, *, questions: int) -> tuple[float, float]:
    """Medians of one question at a time, with and without."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(questions):
        for taken, installation in zip(times, (on, off), strict=True):
            taken.append(milliseconds(installation, number))
    return statistics.median(times[0]), statistics.median(times[1])


def together(on: Installation, off: Installation, *, rounds: int, each: int) -> tuple[float, float]:
    """The median of the rounds' medians with `AT_ONCE` questions at once, with and without."""
    medians: tuple[list[float], list[float]] = ([], [])
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(rounds):
            for taken, installation in zip(medians, (on, off), strict=True):
                times = list(pool.map(milliseconds, [installation] * each, range(each)))
                taken.append(statistics.median(times))
    return statistics.median(medians[0]), statistics.median(medians[1])


def opened(home: Path, *, traced: bool) -> Installation:
    """An installation over the sample notes."""
    settings = Settings(home=home, embedder="none")
    tracer = None if traced else NoTracer()
    installation = open_installation(settings, write=True, deliver=traced, tracer=tracer)
    installation.ingest([NOTES])
    for number in range(len(QUESTIONS)):
        installation.ask(QUESTIONS[number])
    return installation


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--each", type=int, default=150)
    size = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        os.environ |= {
            "LANGFUSE_BASE_URL": server.stdout.readline().strip(),
            "LANGFUSE_PUBLIC_KEY": "pk-lf-standin",
            "LANGFUSE_SECRET_KEY": "sk-lf-standin",
        }
        with tempfile.TemporaryDirectory() as folder:
            on, off = (
                opened(Path(folder) / name, traced=traced) for name, traced in (("on", True), ("off", False))
            )
            try:
                one = alone(on, off, questions=size.questions)
                many = together(on, off, rounds=size.rounds, each=size.each)
            finally:
                on.close()
                off.close()
    finally:
        server.stdin.close()
        server.wait()
    for name, (with_it, without) in (("one alone", one), (f"{AT_ONCE} at once", many)):
        print(f"{name:12s} on {with_it:8.1f} ms  off {without:8.1f} ms  p50")
    print(f"one alone: {one[0] - one[1]:+.2f} ms; {AT_ONCE} at once: {(many[0] / many[1] - 1) * 100:+.1f} %")


if __name__ == "__main__":
    main()
