"""The machine that a benchmark runs on, and processes on it measured from outside."""

import os
import platform
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FLAGS: Final = ("amx_bf16", "avx512_bf16", "avx512f", "avx2")
_LOOK: Final = 0.02
"""Seconds between two looks at the memory of a process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A process that has ended.

    Attributes:
        output: Its standard output.
        seconds: From its start to its end.
        peak: Most bytes in memory at one time, of it and all processes below it; 0 where /proc is missing.
    """

    output: str
    seconds: float
    peak: int


def run(command: Sequence[str | Path], environment: Mapping[str, str]) -> Measured:
    """Runs `command` in `environment` to its end.

    Raises:
        RuntimeError: It failed; the message holds the end of what it wrote to stderr.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with Watch(process.pid) as watch:
        output, errors = process.communicate()
    seconds = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{errors[-2000:]}")
    return Measured(output=output, seconds=seconds, peak=watch.peak)


def environment(**added: str) -> dict[str, str]:
    """This process's environment without the settings of the person who measures."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TERAKOYA_")} | added


class Watch:
    """Looks at the memory of a process and of all below it, until it is left."""

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.is_set():
            self.peak = max(self.peak, sum(map(_resident, _family(self._pid))))
            self._over.wait(_LOOK)


def _family(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        for children in Path(f"/proc/{each}/task").glob("*/children"):
            with suppress(OSError):
                found += map(int, children.read_text().split())
    return found


def _resident(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def described() -> str:
    """Processor, what it can do, cores, memory, system, and how busy it is."""
    model, flags = platform.processor() or platform.machine(), set[str]()
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                model = value.strip()
            elif name.strip() == "flags":
                flags = set(value.split())
    able = ", ".join(f"{flag} {'yes' if flag in flags else 'no'}" for flag in _FLAGS)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{model}; {able}; {cores} cores; {memory:.0f} GiB; {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}; load {os.getloadavg()[0]:.1f} at the start"
    )
