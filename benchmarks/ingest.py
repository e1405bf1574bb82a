"""Characters a second from notes on disk to a store on disk: Terakoya beside LlamaIndex and LangChain with Chroma.

Run: `python -m benchmarks.ingest`. All take the same notes, made by `benchmarks.corpus`, embed with the same model
and the same torch, and cut chunks of the same mean number of tokens. Each run is a process of its own. The clock
starts when its libraries and its model are loaded, and ends when everything is on disk. The contestants take turns
for several rounds, and the ratio is taken within a round, as a machine is not equally fast all the time.
The peers' libraries go into `.venv-bench`, made at the first run.
"""

import argparse
import json
import platform
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from benchmarks import corpus, machine
from benchmarks.contestants.contest import SHARED
from ingest.embedder import packaged_model

ROOT: Final = Path(__file__).parents[1]
PEERS: Final = ROOT / ".venv-bench"
ENVIRONMENT: Final = {
    "ANONYMIZED_TELEMETRY": "False",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TQDM_DISABLE": "1",
}
BATCHES: Final = (0, 8, 16, 32, 64)
"""Batch sizes that a peer is tried with, 0 for its own default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A contestant and its settings."""

    name: str
    module: str
    python: Path
    size: int = 0
    batch: int = 0
    precision: str = ""
    cores: int = 0

    @property
    def path(self) -> str:
        """The repository's folders for ours alone: a peer has a package `workflows` of its own."""
        return str(ROOT) if self.python == Path(sys.executable) else ""

    def step(
        self, step: str, notes: Path, store: Path, **options: object
    ) -> tuple[dict[str, Any], machine.Measured]:
        """Runs one step in a process of its own."""
        measured = machine.run(
            [
                self.python,
                *(ROOT / "benchmarks" / "contestants" / f"{self.module}.py", step),
                *("--notes", notes),
                *("--store", store),
                *("--model", str(packaged_model())),
                *("--size", str(self.size)),
                *("--batch", str(self.batch)),
                *("--precision", self.precision),
                *("--cores", str(self.cores)),
                *(part for name, value in options.items() for part in (f"--{name}", str(value))),
            ],
            machine.environment(**ENVIRONMENT, PYTHONPATH=self.path),
        )
        return json.loads(measured.output.splitlines()[-1]), measured

    def settings(self) -> str:
        """Such as `chunk size 230, batch 32`."""
        parts = [f"chunk size {self.size}" if self.size else ""]
        parts += [f"batch {self.batch or 'default'}" if self.size else ""]
        return ", ".join(filter(None, parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """One run of a contestant."""

    rate: float  # characters a second, model loaded
    thrift: float  # characters a second of processor time, model loaded
    whole: float  # characters a second, of the whole process
    peak: int


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=300, help="English notes of about 5,700 characters")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--mixed-files", type=int, default=60, help="notes half Japanese, half English; 0 for none"
    )
    parser.add_argument("--peer-precision", default="", help="such as bfloat16, for the peers' model")
    parser.add_argument("--cores", type=int, default=0, help="run each on so many cores; 0 for all")
    options = parser.parse_args()
    python, precision, cores = peers_python(), options.peer_precision, options.cores
    ours = Entry(name="Terakoya", module="with_terakoya", python=Path(sys.executable), cores=cores)
    peers = [
        Entry(name=name, module=module, python=python, precision=precision, cores=cores)
        for name, module in (("LlamaIndex", "with_llamaindex"), ("LangChain + Chroma", "with_langchain"))
    ]
    print(machine.described())
    with tempfile.TemporaryDirectory(prefix="terakoya-bench-") as place:
        folder = Path(place)
        notes, few = folder / "notes", folder / "few"
        characters = corpus.write_notes(notes, ("english",), files=options.files, characters=5000)
        corpus.write_notes(few, ("english",), files=min(options.files, 20), characters=5000)
        target = mean_tokens(ours, few, folder)
        peers = [tuned(fitted(peer, few, folder, target), few, folder) for peer in peers]
        print(f"\nEnglish: {options.files} notes, {characters:,} characters, {options.rounds} rounds")
        facts = contest([ours, *peers], notes, folder, characters, options.rounds)
        if options.mixed_files:
            mixed = folder / "mixed"
            count = corpus.write_notes(
                mixed, ("english", "japanese"), files=options.mixed_files, characters=4000
            )
            print(f"\nJapanese and English: {options.mixed_files} notes, {count:,} characters, 1 round")
            contest([ours, *peers], mixed, folder, count, 1)
        show_versions([ours, *peers], facts)


def peers_python() -> Path:
    """The Python of `.venv-bench`, which is made or renewed where it is not as `peers.txt` says."""
    python, wanted = PEERS / "bin" / "python", Path(__file__).with_name("peers.txt")
    mark = PEERS / "installed.txt"
    made_of = f"Python {platform.python_version()}\n{wanted.read_text(encoding='utf-8')}"
    if mark.exists() and mark.read_text(encoding="utf-8") == made_of:
        return python
    print("Installing the peers into .venv-bench (a minute or two) ...", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", PEERS], check=True)
    ask = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    packages = subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True).stdout.strip()
    # torch and the like come from here: the same code for all, and no second torch on disk
    (Path(packages) / "shared.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n", encoding="utf-8")
    subprocess.run(
        [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "-r", wanted],
        check=True,
        stdout=sys.stderr,
    )
    mark.write_text(made_of, encoding="utf-8")
    return python


def mean_tokens(entry: Entry, notes: Path, folder: Path) -> float:
    """Mean tokens of what `entry` embeds at once."""
    store = folder / "store"
    entry.step("ingest", notes, store, began=time.time())
    found, _ = entry.step("inspect", notes, store)
    shutil.rmtree(store)
    return float(found["mean"])


def fitted(entry: Entry, notes: Path, folder: Path, target: float) -> Entry:
    """With the chunk size that gives as many tokens in the mean as ours has."""
    found, _ = entry.step("fit", notes, folder / "store", target=target)
    return replace(entry, size=int(found["size"]))


def tuned(entry: Entry, notes: Path, folder: Path) -> Entry:
    """With the batch size that it is fastest with."""
    times = {}
    for batch in BATCHES:
        store = folder / "store"
        found, _ = replace(entry, batch=batch).step("ingest", notes, store, began=time.time())
        times[batch] = found["seconds"]
        shutil.rmtree(store)
    return replace(entry, batch=min(times, key=lambda batch: times[batch]))


def contest(
    entries: Sequence[Entry], notes: Path, folder: Path, characters: int, rounds: int
) -> dict[str, dict[str, Any]]:
    """Lets the entries take turns, the first of them ours, prints their table, and gives what is known of each."""
    laps: dict[str, list[Lap]] = {entry.name: [] for entry in entries}
    facts: dict[str, dict[str, Any]] = {}
    for number in range(rounds):
        turn = number % len(entries)
        for entry in (*entries[turn:], *entries[:turn]):
            store = folder / "store"
            found, measured = entry.step("ingest", notes, store, began=time.time())
            laps[entry.name].append(
                Lap(
                    rate=characters / found["seconds"],
                    thrift=characters / found["cpu"],
                    whole=characters / found["whole"],
                    peak=measured.peak,
                )
            )
            if number == 0:
                facts[entry.name], _ = entry.step("inspect", notes, store)
            shutil.rmtree(store)
    check(list(facts.values()))
    show(entries, laps, facts)
    return facts


def show(
    entries: Sequence[Entry], laps: Mapping[str, Sequence[Lap]], facts: Mapping[str, dict[str, Any]]
) -> None:
    """Prints the table."""
    ours = laps[entries[0].name]
    heads = ("", "characters/s", "lowest to highest", "per CPU second", "whole process", "peak MiB")
    print(
        f"\n| {' | '.join((*heads, 'texts', 'mean tokens', 'least cosine', 'ratio', 'ratio per CPU second'))} |"
    )
    print("| --- |" + " ---: |" * 10)
    for entry in entries:
        own, fact = laps[entry.name], facts[entry.name]
        rates = [lap.rate for lap in own]
        ratio = statistics.median(our.rate / lap.rate for our, lap in zip(ours, own, strict=True))
        thrift = statistics.median(our.thrift / lap.thrift for our, lap in zip(ours, own, strict=True))
        cells = (
            entry.name,
            f"{statistics.median(rates):,.0f}",
            f"{min(rates):,.0f} to {max(rates):,.0f}",
            f"{statistics.median(lap.thrift for lap in own):,.0f}",
            f"{statistics.median(lap.whole for lap in own):,.0f}",
            f"{max(lap.peak for lap in own) / 2**20:,.0f}",
            f"{fact['chunks']:,}",
            f"{fact['mean']:.0f}",
            f"{fact['cosine']:.5f}",
            "" if own is ours else f"{ratio:.2f}",
            "" if own is ours else f"{thrift:.2f}",
        )
        print(f"| {' | '.join(cells)} |")


def show_versions(entries: Sequence[Entry], facts: Mapping[str, dict[str, Any]]) -> None:
    """Prints what was run."""
    print()
    for entry in entries:
        versions = ", ".join(f"{name} {number}" for name, number in facts[entry.name]["versions"].items())
        print(f"- {', '.join(filter(None, (entry.name, entry.settings(), entry.precision)))}: {versions}")


def check(facts: Sequence[dict[str, Any]]) -> None:
    """Stops where the contestants did not run the same code below them."""
    ours = facts[0]["versions"]
    for other in facts[1:]:
        for name in SHARED:
            if ours[name] != other["versions"][name]:
                raise SystemExit(f"{name}: {ours[name]} here, {other['versions'][name]} there")


if __name__ == "__main__":
    main()
