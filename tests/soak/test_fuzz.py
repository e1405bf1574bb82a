"""Any bytes at all are read or refused: no crash, no hang, and every position that is kept is valid."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.soak.scale import FULL, SEED, log, size
from tests.soak.targets import TARGETS

ROOT = Path(__file__).parents[2]
EACH = -(-size(full=100_000, short=2_000) // len(TARGETS))
ENGINES = ("hypothesis", "atheris") if FULL and find_spec("atheris") else ("hypothesis",)
"""Atheris joins in the full run where it is installed; it has no build for every machine."""

Runs = dict[tuple[str, str], Future[subprocess.CompletedProcess[str]]]


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    """All targets under way, one for each core."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        began = time.monotonic()
        yield {(engine, name): pool.submit(fuzz, engine, name) for engine in ENGINES for name in TARGETS}
        pool.shutdown(cancel_futures=True)
    for engine in ENGINES:
        log(f"fuzzed by {engine}", targets=len(TARGETS), inputs=EACH * len(TARGETS))
    log("fuzzing", engines=" ".join(ENGINES), seconds=round(time.monotonic() - began))


def fuzz(engine: str, name: str) -> subprocess.CompletedProcess[str]:
    """One target in a process of its own, which a crash may end."""
    command = [sys.executable, "-m", "tests.soak.fuzz", name, "--engine", engine]
    return subprocess.run(
        [*command, "--inputs", str(EACH), "--seed", SEED],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("engine", ENGINES)
def test_any_bytes_are_read_or_refused(runs: Runs, engine: str, name: str) -> None:
    done = runs[engine, name].result()
    assert done.returncode == 0, f"{done.stdout}{done.stderr[-6000:]}"
