"""Runs one target of `tests.soak.targets` over many inputs; the first that breaks it is kept as a file.

python -m tests.soak.fuzz chunks --inputs 2000 --seed 7
python -m tests.soak.fuzz chunks --engine atheris --inputs 2000
python -m tests.soak.fuzz chunks --repeat reports/soak/chunks.input
"""

import argparse
import faulthandler
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "reports" / "soak"
HANGS = 60.0
"""Seconds of the processor after which an input counts as one that never ends; ten times as many by the clock."""
MEMORY = 6 * 2**30
ROUND = 1000
"""Inputs a round: hypothesis remembers all that it made."""
WRITTEN = ("decode", "view", "chunks", "tags", "cells", "note.md", "note.txt")
"""Targets whose inputs are notes."""
INSTRUMENTED = ["ingest", "terakoya.text", "markdown_it", "mdit_py_plugins"]

Target = Callable[[bytes], None]


def main() -> int:
    """0 where every input was read or refused as it should be."""
    arguments = parse()
    place = KEPT / f"{arguments.target.replace('/', '-')}.input"
    KEPT.mkdir(parents=True, exist_ok=True)
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    if arguments.repeat:
        load(arguments.target)(arguments.repeat.read_bytes())
        return 0
    print(
        f"an input that fails is kept; again with: python -m tests.soak.fuzz {arguments.target} --repeat {place}"
    )
    began = time.monotonic()
    engine = coverage_guided if arguments.engine == "atheris" else generated
    engine(arguments.target, arguments.inputs, arguments.seed, place)
    print(f"{arguments.target}: {arguments.inputs} inputs in {time.monotonic() - began:.1f} s")
    place.unlink()
    return 0


def parse() -> argparse.Namespace:
    """The arguments of the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=("hypothesis", "atheris"), default="hypothesis")
    parser.add_argument("--repeat", type=Path)
    return parser.parse_args()


def load(name: str) -> Target:
    """The target of this name."""
    from tests.soak.targets import TARGETS

    return TARGETS[name]


class Watched:
    """A target whose input is on disk while it runs, for crashes that leave no time, and whose time is bounded."""

    def __init__(self, target: Target, place: Path) -> None:
        self._target = target
        self._file = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
        # it works inside a C library too, and then ends the process, as the signal does by itself
        faulthandler.register(signal.SIGPROF, all_threads=True, chain=True)

    def __enter__(self) -> "Watched":
        return self

    def __exit__(self, *_: object) -> None:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.unregister(signal.SIGPROF)
        os.close(self._file)

    def __call__(self, data: bytes) -> None:
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, data, 0)
        signal.setitimer(signal.ITIMER_PROF, HANGS)
        faulthandler.dump_traceback_later(10 * HANGS, exit=True)
        self._target(data)


def generated(name: str, count: int, seed: int, place: Path) -> None:
    """Inputs by hypothesis, which also makes a failing one small."""
    import hypothesis

    from tests.soak.inputs import inputs
    from tests.soak.targets import seeds

    made = 0
    with Watched(load(name), place) as watched:

        def run(data: bytes) -> None:
            nonlocal made
            made += 1
            watched(data)

        for data in seeds(name):
            run(data)
        strategy = inputs(seeds(name), written=name in WRITTEN)
        while made < count:
            settings = hypothesis.settings(
                max_examples=min(ROUND, count - made),
                database=None,
                deadline=None,
                report_multiple_bugs=False,
                suppress_health_check=list(hypothesis.HealthCheck),
            )
            hypothesis.seed(seed + made)(settings(hypothesis.given(strategy)(run)))()


def coverage_guided(name: str, count: int, seed: int, place: Path) -> None:
    """Inputs by atheris, which follows the branches that they take; in a fork, as its engine ends the process."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if status:
            raise SystemExit(os.waitstatus_to_exitcode(status))
        return
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        target = load(name)
    from tests.soak.targets import seeds

    with Watched(target, place) as watched, tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds(name)):
            Path(corpus, str(number)).write_bytes(data)
        limits = [f"-runs={count}", f"-seed={seed % 2**31 + 1}", "-max_len=8192", "-rss_limit_mb=6000"]
        atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={KEPT}/", corpus], watched)
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
