"""Contestants of a search as processes, which take turns: each lap of queries runs while all others wait."""

import json
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from benchmarks import machine

FOLDER: Final = Path(__file__).parent / "contestants"
ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of a table.

    Attributes:
        name: In the table.
        module: Its program in `benchmarks/contestants`.
        finder: What of it.
        way: How it is asked.
        ours: It needs Terakoya alone.
        most: Largest number of vectors that it is built with; 0 for any.
    """

    name: str
    module: str
    finder: str
    way: str = "all"
    ours: bool = False
    most: int = 0


@dataclass(slots=True)
class Result:
    """What an entry did.

    Attributes:
        built: What its process told of its building; empty where it did not finish.
        failure: Why it did not.
        laps: Milliseconds of each query, by round.
        found: What it found, by query.
        resident: Most bytes in memory after a lap.
        peak: Most bytes in memory at any time.
    """

    built: dict[str, Any] = field(default_factory=dict)
    failure: str = ""
    laps: list[list[float]] = field(default_factory=list)
    found: list[list[int]] = field(default_factory=list)
    resident: int = 0
    peak: int = 0

    @property
    def median(self) -> float:
        """Milliseconds."""
        return statistics.median(time for lap in self.laps for time in lap)

    @property
    def high(self) -> float:
        """Milliseconds that 95 of 100 queries stay below."""
        times = sorted(time for lap in self.laps for time in lap)
        return times[min(len(times) - 1, round(len(times) * 0.95))]

    def ratio(self, base: "Result") -> float:
        """Median over the rounds of the ratio within a round, as a machine is not equally fast all the time."""
        pairs = zip(self.laps, base.laps, strict=True)
        return statistics.median(statistics.median(own) / statistics.median(other) for own, other in pairs)


class Rival:
    """The process of one finder."""

    def __init__(
        self, entry: Entry, python: Path, data: Path, place: Path, environment: Mapping[str, str]
    ) -> None:
        place.mkdir()
        self._errors = (place.parent / f"{place.name}.txt").open("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [python, FOLDER / f"{entry.module}.py", entry.finder, "--data", data, "--place", place],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
            # the repository's folders for ours alone: a peer has a package `workflows` of its own
            env=machine.environment(**environment, PYTHONPATH=str(ROOT) if entry.ours else ""),
        )

    def built(self, budget: float) -> dict[str, Any]:
        """Waits for it to build.

        Raises:
            RuntimeError: It failed, or took longer than `budget` seconds.
        """
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(budget, stop)
        timer.start()
        try:
            return self._reply()
        except RuntimeError:
            if late.is_set():
                raise RuntimeError(f"not built in {budget:.0f} s") from None
            raise
        finally:
            timer.cancel()

    def lap(self, way: str, first: int, count: int) -> dict[str, Any]:
        """Asks queries `first` to `first + count`."""
        assert self._process.stdin
        print(json.dumps({"way": way, "first": first, "count": count}), file=self._process.stdin, flush=True)
        return self._reply()

    def end(self) -> None:
        """Lets the process end."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            _close(stream)

    def _reply(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            said = self._errors.read().strip().splitlines() or [f"exit {self._process.returncode}"]
            raise RuntimeError(said[-1][:300])
        reply: dict[str, Any] = json.loads(line)
        return reply


def _close(stream: IO[str] | None) -> None:
    if stream:
        with suppress(BrokenPipeError):
            stream.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Where and how long a contest goes.

    Attributes:
        data: What all read.
        place: Folder for what they build, removed by the caller.
        peers: The peers' Python.
        rounds: Laps of each entry.
        queries: Of a lap; those of the next one are others.
        budget: Seconds that a peer may build.
    """

    data: Path
    place: Path
    peers: Path
    rounds: int
    queries: int
    budget: float
    environment: Mapping[str, str]


def contest(entries: Sequence[Entry], course: Course) -> dict[str, Result]:
    """Builds all, then lets them take turns; results by the entries' names."""
    results = {entry.name: Result() for entry in entries}
    with _started(entries, course, results) as rivals:
        for number in range(course.rounds):
            turn = number % len(entries)
            for entry in (*entries[turn:], *entries[:turn]):
                result = results[entry.name]
                if result.failure:
                    continue
                lap = rivals[entry.module, entry.finder].lap(
                    entry.way, number * course.queries, course.queries
                )
                result.laps.append(lap["times"])
                result.found += [[]] * (course.queries * number - len(result.found)) + lap["found"]
                result.resident = max(result.resident, lap["resident"])
                result.peak = max(result.peak, result.resident, lap["peak"])
    return results


@contextmanager
def _started(
    entries: Sequence[Entry], course: Course, results: Mapping[str, Result]
) -> Iterator[dict[tuple[str, str], Rival]]:
    rivals: dict[tuple[str, str], Rival] = {}
    outcomes: dict[tuple[str, str], Result] = {}
    try:
        for entry in entries:
            key = entry.module, entry.finder
            if key not in rivals:
                print(f"building {entry.finder} ...", file=sys.stderr, flush=True)
                python = Path(sys.executable) if entry.ours else course.peers
                place = course.place / entry.finder
                rival = rivals[key] = Rival(entry, python, course.data, place, course.environment)
                outcomes[key] = Result()
                try:
                    # what ours takes longest for is to read notes, which no other has to
                    outcomes[key].built = rival.built(3600 if entry.ours else course.budget)
                except RuntimeError as error:
                    outcomes[key].failure = str(error)
            results[entry.name].built = outcomes[key].built
            results[entry.name].failure = outcomes[key].failure
        yield rivals
    finally:
        for rival in rivals.values():
            rival.end()


def recall(result: Result, truth: Sequence[Sequence[int]]) -> float:
    """Share of the true neighbours that were found."""
    hits = sum(len(set(own) & set(true)) for own, true in zip(result.found, truth, strict=True))
    return hits / sum(len(true) for true in truth)


def reciprocal_rank(result: Result, items: Sequence[int]) -> tuple[float, float]:
    """Share of the queries whose item was found, and the mean of 1 / its rank, 0 where it was not."""
    ranks = [own.index(item) + 1 if item in own else 0 for own, item in zip(result.found, items, strict=True)]
    return sum(rank > 0 for rank in ranks) / len(ranks), sum(1 / rank for rank in ranks if rank) / len(ranks)
