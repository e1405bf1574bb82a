"""`python -m benchmarks.engine.overhead`: the processor time of a token that is not llama.cpp's.

Where as many threads compute as there are cores, every millisecond that worker or service takes beside an
evaluation is one that the evaluation waits for. Processor time, unlike seconds, can be measured beside other work.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.models.engine import LocalEngine
from app.models.options import ModelOptions
from app.models.process import worker_environment
from app.models.sampling import Sampling
from benchmarks.engine.__main__ import CONTEXT, fresh, together
from benchmarks.engine.weights import LAYERS, TYPES, quantized

TOKENS = 32
CONTROLS: Mapping[str, dict[str, Any]] = {
    "greedy": {"temperature": 0.0},
    "top-k 40": {"temperature": 0.7, "top_k": 40},
}


class Inside:
    """A worker in this process, so that its evaluations can be told from all else that it does."""

    def __init__(self, path: Path) -> None:
        from app.models.worker import Worker

        nothing = Path(os.devnull)
        self._worker = Worker(nothing.open("rb"), nothing.open("wb"))
        options = asdict(ModelOptions(slots=16, extra_buffers=False))
        load = {"id": 0, "path": str(path), "context": CONTEXT, "cells": 2 * CONTEXT, "threads": 1}
        self._worker._load({**load, "options": options})
        serving = self._worker._serving
        assert serving is not None
        self._batcher = serving._batcher
        self._evaluate = serving.model.evaluate
        serving.model.evaluate = self._timed  # type: ignore[method-assign]
        self._spent = 0.0
        self._number = 0

    def _timed(self) -> bool:
        began = time.thread_time()
        whole = self._evaluate()
        self._spent += time.thread_time() - began
        return whole

    def cost(self, streams: int, controls: Mapping[str, Any]) -> tuple[float, float]:
        """Milliseconds a token beside evaluations, and of these."""
        sampling = asdict(Sampling(max_tokens=TOKENS, **controls))
        for messages in fresh(streams):
            self._number += 1
            request = {"id": self._number, "messages": messages, "sampling": sampling, "seed": self._number}
            self._worker._generate(request)
        self._spent = 0.0
        began = time.thread_time()
        while True:
            self._batcher.step()
            self._worker._hand_over()
            if not self._batcher.census()["running"]:
                break
        whole = time.thread_time() - began
        tokens = streams * TOKENS
        return (whole - self._spent) * 1000 / tokens, self._spent * 1000 / tokens

    def by_cells(self, held: int, streams: int) -> float:
        """Milliseconds of an evaluation of `streams` tokens beside a text of `held` tokens; the least of several.

        To be called last, for no tokens first: it forgets what requests left.
        """
        serving = self._worker._serving
        assert serving is not None
        model, other = serving.model, 20
        for number in range(model.sequences):
            if number != other or not held:  # what the requests before left, too
                model.remove(number)
        while model.length(other) < held:
            model.batch.clear()
            model.batch.add([300] * 512, start=model.length(other), sequence=other, wanted=0)
            self._evaluate()
        times = []
        for place in range(8):
            model.batch.clear()
            model.batch.add_each([300] * streams, [place] * streams, range(streams))
            began = time.thread_time()
            self._evaluate()
            times.append(time.thread_time() - began)
        return min(times) * 1000


def in_the_service(engine: LocalEngine, streams: int) -> float:
    """Milliseconds of this process a token, the threads of those who ask included."""
    began = time.process_time()
    together(engine, streams, TOKENS)
    return (time.process_time() - began) * 1000 / (streams * TOKENS)


def main() -> None:
    """Measures, and prints two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "terakoya-bench")
    parser.add_argument("--kind", choices=sorted(TYPES), default="Q4_K_M")
    parser.add_argument("--layers", type=int, default=LAYERS, help="fewer, to try it quickly")
    arguments = parser.parse_args()
    os.environ.update({k: v for k, v in worker_environment().items() if k.startswith(("GOMP_", "GGML_"))})
    path = quantized(arguments.folder, arguments.kind, layers=arguments.layers)
    print(f"{path.name}, milliseconds of processor time a token\n")
    print("| streams | controls | worker, beside evaluations | service | evaluation |")
    print("| ---: | --- | ---: | ---: | ---: |", flush=True)
    with LocalEngine(path, context_tokens=CONTEXT, timeout=900, options=ModelOptions(slots=16)) as engine:
        engine.load()
        inside = Inside(path)
        together(engine, 1, 4)
        for streams in (1, 4, 16):
            service = in_the_service(engine, streams)
            for name, controls in CONTROLS.items():
                ours, evaluation = inside.cost(streams, controls)
                told = f"{service:.3f}" if name == "greedy" else ""
                print(f"| {streams} | {name} | {ours:.3f} | {told} | {evaluation:.1f} |", flush=True)
    print("\n| cells of other texts | evaluation of 1, ms | of 16, ms |\n| ---: | ---: | ---: |")
    for held in (0, 1024, 2048, 4096):
        one, sixteen = (inside.by_cells(held, streams) for streams in (1, 16))
        print(f"| {held} | {one:.1f} | {sixteen:.1f} |", flush=True)


if __name__ == "__main__":
    main()
