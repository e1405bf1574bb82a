"""Milliseconds of a search: Terakoya beside numpy, FAISS, usearch, LanceDB and Chroma; bm25s and tantivy.

Run: `python -m benchmarks.search`. Every contestant is a process of its own that builds once; then they take turns,
a lap of queries each, for several rounds, so that whatever else the machine does hits all alike. Ratios are taken
within a round. Vectors are made like real embeddings (`benchmarks/vectors_like_real.py`), and real ones, embedded on
the spot, stand beside them. The peers' libraries go into `.venv-bench`, made at the first run.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks import machine
from benchmarks.chart import chart
from benchmarks.contestants.searching import RESULTS
from benchmarks.ingest import ENVIRONMENT, peers_python
from benchmarks.rivals import Course, Entry, Result, contest, recall, reciprocal_rank
from benchmarks.tables import large_table, vectors_table, words_table
from benchmarks.vectors_like_real import Likeness, questions_about

PARTS: Final = ("real", "vectors", "words", "large")
OURS: Final = (
    Entry(name="numpy", module="search_vectors", finder="numpy", ours=True),
    Entry(name="Terakoya", module="search_terakoya", finder="terakoya", ours=True),
    Entry(
        name="Terakoya, 1 % of the notes", module="search_terakoya", finder="terakoya", way="few", ours=True
    ),
)
PEERS: Final = (
    Entry(name="FAISS flat", module="search_vectors", finder="faiss-flat"),
    Entry(name="FAISS HNSW", module="search_vectors", finder="faiss-hnsw"),
    Entry(name="usearch HNSW", module="search_vectors", finder="usearch"),
    Entry(name="LanceDB flat", module="search_vectors", finder="lance-flat"),
    Entry(name="LanceDB IVF_HNSW_SQ", module="search_vectors", finder="lance-index"),
    Entry(name="Chroma", module="search_vectors", finder="chroma"),
)
WORDS: Final = (
    Entry(name="Terakoya", module="search_terakoya", finder="terakoya", way="words", ours=True),
    Entry(name="bm25s", module="search_words", finder="bm25s"),
    Entry(name="tantivy", module="search_words", finder="tantivy"),
    Entry(
        name="Terakoya, words and vectors",
        module="search_terakoya",
        finder="terakoya",
        way="hybrid",
        ours=True,
    ),
)
LARGE: Final = (
    Entry(name="words and vectors", module="search_terakoya", finder="terakoya", way="hybrid", ours=True),
    Entry(name="one note more", module="search_terakoya", finder="terakoya", way="add", ours=True),
)
FEW_DIFFERENT: Final = 800
"""Passages that are read for a store of which only the vectors are searched; the others are copies."""
_PAGE: Final = 20_000


class Bench:
    """One run, in a folder that is removed at its end."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.folder = folder
        self.asked = options.rounds * options.queries
        self.report: dict[str, Any] = {"machine": machine.described(), "parts": []}
        self.peers = Path(sys.executable) if options.alone else peers_python()

    def run(self) -> None:
        """Prints a table for each part."""
        print(self.report["machine"], flush=True)
        self.embed()
        for part in self.options.only:
            match part:
                case "real":
                    self.vectors("real", self.options.real)
                case "vectors":
                    for size in self.options.sizes:
                        self.vectors("made", size)
                case "words":
                    self.words(self.options.passages)
                case "large":
                    self.large(max(self.options.sizes))
            self.keep()

    def keep(self) -> None:
        """Writes what was measured so far."""
        if self.options.plot:
            self.options.plot.write_text(chart(self.report["parts"]), encoding="utf-8")
        if self.options.json:
            self.options.json.write_text(json.dumps(self.report, indent=1), encoding="utf-8")

    def embed(self) -> None:
        """Embeds real sentences and questions, in a process that ends before anything is measured."""
        real, asked = self.folder / "real.npy", self.folder / "real-queries.npy"
        command: list[str | Path] = [sys.executable, "-m", "benchmarks.real_sentences", real, asked]
        sizes = ["--count", str(self.options.real), "--queries", str(self.asked)]
        print(f"embedding {self.options.real:,} sentences ...", file=sys.stderr, flush=True)
        machine.run([*command, *sizes], machine.environment(**ENVIRONMENT))
        sample = np.load(real)
        self.likeness = Likeness.of(sample)
        # how near a question comes to the sentence that it was taken from
        self.nearness = float((np.load(asked) @ sample.T).max(axis=1).mean())

    def data(self, kind: str, size: int, *, different: int, words: bool) -> Path:
        """What the contestants read."""
        folder = self.folder / f"data-{kind}-{size}-{different}"
        folder.mkdir()
        vectors = folder / "vectors.npy"
        if kind == "real":
            vectors.symlink_to(self.folder / "real.npy")
            queries = np.load(self.folder / "real-queries.npy")
        else:
            alike = self.likeness.write(vectors, size, self.asked)
            sample = np.load(vectors, mmap_mode="r")[: 2 * _PAGE]
            asked = questions_about(np.array(sample), self.asked, self.nearness)
            # every other one is like a note that is compared with the others: it has many near neighbours.
            # Around a question there are few, which is harder for graphs than what real text asks of them.
            queries = np.where(np.arange(self.asked)[:, np.newaxis] % 2, alike, asked)
        np.save(folder / "queries.npy", queries)
        plan = {"count": size, "different": min(size, different), "words": words}
        (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        return folder

    def course(self, data: Path) -> Course:
        """Rounds as the options say."""
        place = Path(tempfile.mkdtemp(dir=self.folder))
        return Course(
            data=data,
            place=place,
            peers=self.peers,
            rounds=self.options.rounds,
            queries=self.options.queries,
            budget=self.options.budget,
            environment=ENVIRONMENT,
        )

    def entries(self, own: Sequence[Entry], peers: Sequence[Entry], size: int) -> list[Entry]:
        """Those that the options ask for."""
        return [*own, *(() if self.options.alone else (p for p in peers if not p.most or size <= p.most))]

    def vectors(self, kind: str, size: int) -> None:
        """The vector arm."""
        data = self.data(kind, size, different=FEW_DIFFERENT, words=False)
        entries = self.entries(OURS, PEERS, size)
        results = contest(entries, self.course(data))
        queries = np.load(data / "queries.npy")
        truths = {"all": nearest(data / "vectors.npy", queries, None)}
        if not results["Terakoya"].failure:
            truths["few"] = nearest(data / "vectors.npy", queries, np.load(data / "few.npy"))
        measured = {
            entry.name: summary(results[entry.name])
            | {
                "recall": None
                if results[entry.name].failure
                else recall(results[entry.name], truths[entry.way])
            }
            for entry in entries
        }
        part = {
            "part": "vectors",
            "kind": kind,
            "size": size,
            "similarities": similarities(data / "vectors.npy", queries, truths["all"]),
            "load": os.getloadavg()[0],
            "results": measured,
        }
        with_ratios(part, results, "numpy")
        self.report["parts"].append(part)
        print(vectors_table(part), flush=True)
        self.clear(data)

    def words(self, size: int) -> None:
        """The lexical arm, and both arms together."""
        data = self.data("made", size, different=size, words=True)
        ours, *rest, both = WORDS
        entries = [*self.entries([ours], rest, size), both]
        results = contest(entries, self.course(data))
        items = [each["item"] for each in json.loads((data / "asked.json").read_text(encoding="utf-8"))]
        measured = {}
        for entry in entries:
            result = results[entry.name]
            measured[entry.name] = summary(result)
            if not result.failure and entry.way != "hybrid":
                found, rank = reciprocal_rank(result, items)
                measured[entry.name] |= {"found": found, "rank": rank}
        part = {"part": "words", "size": size, "load": os.getloadavg()[0], "results": measured}
        with_ratios(part, results, "Terakoya")
        self.report["parts"].append(part)
        print(words_table(part), flush=True)
        self.clear(data)

    def large(self, size: int) -> None:
        """What a question and another note cost where there is much."""
        data = self.data("made", size, different=self.options.different, words=True)
        results = contest(LARGE, self.course(data))
        measured = {entry.name: summary(results[entry.name]) for entry in LARGE}
        part = {"part": "large", "size": size, "load": os.getloadavg()[0], "results": measured}
        self.report["parts"].append(part)
        print(large_table(part), flush=True)
        self.clear(data)

    def clear(self, data: Path) -> None:
        """Frees the disk for the next part."""
        for folder in (data, *self.folder.glob("tmp*")):
            for file in sorted(folder.rglob("*"), reverse=True):
                file.rmdir() if file.is_dir() and not file.is_symlink() else file.unlink()
            folder.rmdir()


def nearest(file: Path, queries: NDArray[np.float32], among: NDArray[Any] | None) -> list[list[int]]:
    """The true neighbours of each query, `among` these rows where it is given."""
    vectors = np.load(file, mmap_mode="r")
    rows = np.arange(len(vectors)) if among is None else np.sort(among)
    best: list[list[tuple[float, int]]] = [[] for _ in queries]
    for at in range(0, len(rows), _PAGE):
        page = rows[at : at + _PAGE]
        scores = np.asarray(vectors[page]) @ queries.T
        top = min(RESULTS, len(page))
        for number, column in enumerate(scores.T):
            chosen = np.argpartition(column, -top)[-top:]
            merged = [*best[number], *((float(column[row]), int(page[row])) for row in chosen)]
            best[number] = sorted(merged, reverse=True)[:RESULTS]
    return [[row for _, row in each] for each in best]


def similarities(file: Path, queries: NDArray[np.float32], truth: Sequence[Sequence[int]]) -> list[float]:
    """Mean similarity of the nearest neighbour, and of the last one wanted."""
    vectors = np.load(file, mmap_mode="r")
    ends = (
        np.stack([vectors[rows[0]], vectors[rows[-1]]]) @ query
        for rows, query in zip(truth, queries, strict=True)
    )
    return [float(each) for each in np.mean(list(ends), axis=0)]


def summary(result: Result) -> dict[str, Any]:
    """Of a result, what a table or a reader of the JSON needs."""
    if result.failure:
        return {"failure": result.failure}
    return {
        "median": result.median,
        "high": result.high,
        "highest": max(time for lap in result.laps for time in lap),
        "resident": result.resident,
        "peak": result.peak,
        **result.built,
    }


def with_ratios(part: dict[str, Any], results: dict[str, Result], base: str) -> None:
    """Adds to each result how many times as long as `base` it takes."""
    for name, result in results.items():
        if not result.failure and not results[base].failure:
            part["results"][name]["ratio"] = result.ratio(results[base])


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of a run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="vectors")
    parser.add_argument("--passages", type=int, default=100_000, help="of the part with words")
    parser.add_argument(
        "--different", type=int, default=20_000, help="passages of the largest store that are no copies"
    )
    parser.add_argument("--real", type=int, default=10_000, help="sentences that are embedded")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--queries", type=int, default=30, help="of each round")
    parser.add_argument("--budget", type=float, default=600, help="seconds that a peer may build")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to run")
    parser.add_argument(
        "--alone", action="store_true", help="without the peers, which are not installed then"
    )
    parser.add_argument("--plot", type=Path, help="SVG to write")
    parser.add_argument("--json", type=Path, help="file for everything that was measured")
    return parser.parse_args(arguments)


def main() -> None:
    """Prints the tables."""
    with tempfile.TemporaryDirectory(prefix="terakoya-bench-") as folder:
        Bench(parsed(), Path(folder)).run()


if __name__ == "__main__":
    main()
