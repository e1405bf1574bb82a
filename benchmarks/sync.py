"""Seconds and memory of `terakoya ingest` on a folder that it knows: nothing changed, or one note of all.

Run: `python -m benchmarks.sync`. Each figure is of the whole command, from the start of its process to its end; in
brackets, what the run itself took as its report says. `service down` is the command alone, `service up` the command
asking a service that is running. Memory is of the command and all processes below it, while the notes are new.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from benchmarks import corpus, machine

ROOT: Final = Path(__file__).parents[1]
PATIENCE: Final = 120
"""Seconds that the service may take to start."""


@dataclass(frozen=True, slots=True)
class Home:
    """An installation, and the notes that it is to hold."""

    place: Path
    notes: Path
    embedder: str

    @property
    def environment(self) -> dict[str, str]:
        """Of the home's commands."""
        return machine.environment(PYTHONPATH=str(ROOT), TERAKOYA_EMBEDDER=self.embedder)

    def command(self, *words: str | Path) -> list[str]:
        """`terakoya` of this repository, for this home."""
        return [
            sys.executable,
            "-m",
            "app.cli.program",
            "--home",
            str(self.place),
            "--json",
            *map(str, words),
        ]

    def ingest(self) -> tuple[dict[str, Any], machine.Measured]:
        """Takes the notes in, and gives the report."""
        measured = machine.run(self.command("ingest", self.notes), self.environment)
        return json.loads(measured.output.splitlines()[-1]), measured

    @contextmanager
    def service(self) -> Iterator[None]:
        """A service of this home that has started, ended on the way out."""
        process = subprocess.Popen(
            self.command("serve", "--port", "0"),
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while not (self.place / "service.json").exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the service did not start")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait()


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, nargs="+", default=[1_000, 5_000, 10_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--embedder", default="none")
    options = parser.parse_args()
    print(machine.described())
    print("\n| new notes | seconds | notes/s | peak MiB | store MiB |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="terakoya-bench-") as folder:
        for number, files in enumerate(sorted(options.files)):
            home = Home(Path(folder) / f"home-{number}", Path(folder) / f"notes-{number}", options.embedder)
            corpus.write_small_notes(home.notes, files=files)
            report, measured = home.ingest()
            expect(report, added=files)
            store = (home.place / "terakoya.duckdb").stat().st_size
            print(
                f"| {files:,} | {measured.seconds:.1f} | {files / measured.seconds:,.0f} "
                f"| {measured.peak / 2**20:,.0f} | {store / 2**20:.0f} |",
                flush=True,
            )
        print(f"\n{files:,} notes, {options.rounds} rounds\n")
        print("| | median s | lowest to highest | (of the run) |\n| --- | --- | --- | --- |")
        editions = count(1)
        for state in ("service down", "service up"):
            with home.service() if state == "service up" else _nothing():
                home.ingest()  # whatever is done once only
                row(f"{state}, nothing changed", [synced(home, files) for _ in range(options.rounds)])
                row(
                    f"{state}, one note changed",
                    [changed(home, files, next(editions)) for _ in range(options.rounds)],
                )


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def synced(home: Home, files: int) -> tuple[float, float]:
    """Seconds of a sync of what is known, and those that its report tells."""
    report, measured = home.ingest()
    expect(report, unchanged=files)
    return measured.seconds, report["seconds"]


def changed(home: Home, files: int, edition: int) -> tuple[float, float]:
    """The same after one note was written to."""
    note = sorted(home.notes.rglob("*.md"))[edition * 37 % files]
    with note.open("a", encoding="utf-8") as file:
        file.write(f"\nA remark of edition {edition}.\n")
    report, measured = home.ingest()
    expect(report, unchanged=files - 1, changed=1)
    return measured.seconds, report["seconds"]


def expect(report: dict[str, Any], **numbers: int) -> None:
    """Stops where an ingest did something else than what is measured."""
    for name, number in numbers.items():
        found = report[name] if isinstance(report[name], int) else len(report[name])
        if found != number or report["problems"]:
            raise SystemExit(f"{name}: {found} instead of {number}; {report['problems'][:3]}")


def row(name: str, times: Sequence[tuple[float, float]]) -> None:
    """Prints one row."""
    walls, runs = [wall for wall, _ in times], [run for _, run in times]
    print(
        f"| {name} | {statistics.median(walls):.2f} | {min(walls):.2f} to {max(walls):.2f} "
        f"| ({statistics.median(runs):.2f}) |",
        flush=True,
    )


if __name__ == "__main__":
    main()
