"""How well search ranks, and what each part of its score is worth: `python -m benchmarks.ranking FILE...`.

Files are question sets in SQuAD's format: every paragraph becomes a note, every question is searched for among the
paragraphs of all files. Articles are split in two by a hash of their title. Constants were chosen on one half, `tuning`;
what the other half, `report`, says of them is what to believe.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from ingest import fusion
from ingest.embedder import embedder_named
from ingest.fusion import Background
from ingest.matching import Shares
from ingest.search import HybridRetriever
from ingest.store import Store
from ingest.sync import Ingest
from ingest.vectors import Similarities, Vectors
from ingest.weighing import OF_JAPANESE, SHARES, USUAL, Weighing
from terakoya.text.analyser import Analyser

PARTS: Final = SHARES
DEPTH: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, and the note that answers it."""

    text: str
    source: str
    tuning: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What the candidates of one question were scored by.

    Attributes:
        sources: Notes of the candidates.
        shares: Shape (candidates, parts); see `PARTS`.
        japanese: What those of them can speak for that are of Japanese.
        similarities: To the question, None for what has no vector.
        background: What they mean; None without the vector arm.
    """

    sources: Sequence[str]
    shares: NDArray[np.float64]
    japanese: float
    similarities: Sequence[float | None]
    background: Background | None


Weigh = Callable[[Scored], NDArray[np.float64]]


class Recorder(HybridRetriever):
    """A retriever that tells what it scored candidates by."""

    def __init__(self, store: Store, analyser: Analyser, vectors: Vectors | None) -> None:
        super().__init__(store, analyser, vectors)
        paths = store.rows("SELECT c.id, n.path FROM chunks c JOIN notes n ON n.id = c.note")
        self._sources = dict(paths)
        self.last: Scored | None = None

    def _score(
        self, asked: Sequence[Any], candidates: Iterable[int], similar: Similarities
    ) -> dict[int, Any]:
        seen: list[Shares] = []

        def watched(shares: Shares, japanese: float, weighing: Weighing) -> float:
            seen.append(shares)
            return fusion.by_words(shares, japanese, weighing)

        with mock.patch("ingest.search.by_words", watched):
            scored = super()._score(asked[:1], candidates, similar)  # without other forms of the question
        self.last = Scored(
            sources=[self._sources[chunk] for chunk in scored],
            shares=np.array([[getattr(s, part) for part in PARTS] for s in seen]).reshape(-1, len(PARTS)),
            japanese=asked[0].occurrences.query.japanese,
            similarities=[each.similarity for each in scored.values()],
            background=similar.background if similar.nearest else None,
        )
        return scored


def weighed(weights: Mapping[str, float], meaning: float = USUAL.meaning) -> Weigh:
    """The score of `ingest.fusion` with other weights."""
    columns = np.array([weights[part] for part in PARTS])
    of_characters = np.array([part in OF_JAPANESE for part in PARTS])

    def scores(scored: Scored) -> NDArray[np.float64]:
        each = columns * np.where(of_characters, scored.japanese, 1.0)
        words: NDArray[np.float64] = scored.shares @ each / (each.sum() or 1.0)
        if scored.background is None:
            return words
        low, high = fusion.UNREAD
        background = scored.background
        return words + meaning * np.array(
            [
                low + (high - low) * word if near is None else (near - background.mean) / background.spread
                for word, near in zip(words, scored.similarities, strict=True)
            ]
        )

    return scores


def read(paths: Sequence[Path], folder: Path) -> list[Question]:
    """Writes the paragraphs of question sets as notes, and returns the questions."""
    questions: dict[tuple[str, str], Question] = {}
    for number, path in enumerate(paths):
        articles = json.loads(path.read_text(encoding="utf-8"))["data"]
        titles = sorted(
            {article["title"] for article in articles}, key=lambda t: blake2b(t.encode()).digest()
        )
        tuning = set(titles[::2])
        for at, (title, paragraph) in enumerate((a["title"], p) for a in articles for p in a["paragraphs"]):
            name = f"{number}-{at:05}.txt"
            (folder / name).write_text(paragraph["context"], encoding="utf-8")
            for asked in paragraph["qas"]:
                question = Question(text=asked["question"], source=name, tuning=title in tuning)
                questions[name, question.text] = question
    return list(questions.values())


def rank(scored: Scored, scores: NDArray[np.float64], source: str) -> int:
    """Place of a note, 0 where it is no candidate."""
    if source not in scored.sources:
        return 0
    order = sorted(zip(-scores, scored.sources, strict=True))
    return 1 + [name for _, name in order].index(source)


def row(ranks: Sequence[int]) -> str:
    """Recall at 1 and 10 and the mean reciprocal rank, as cells."""
    count = len(ranks) or 1
    found = [place for place in ranks if 0 < place <= DEPTH]
    values = sum(place == 1 for place in ranks), len(found), sum(1 / place for place in found)
    return " | ".join(f"{value / count:.4f}" for value in values)


def variants() -> dict[str, Weigh]:
    """The score as it is, without each part, and with its constants changed."""
    usual = {part: getattr(USUAL, part) for part in PARTS}
    made = {"as it is": weighed(usual)}
    made |= {f"without {part}": weighed({**usual, part: 0.0}) for part in PARTS}
    made |= {f"{part} x 2": weighed({**usual, part: 2 * usual[part]}) for part in PARTS}
    made["all alike"] = weighed(dict.fromkeys(PARTS, 1.0))
    made |= {f"meaning {m}": weighed(usual, m) for m in (0.0, 0.04, 0.12, 0.16)}
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints one row for each variant of the score and each half of the questions."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--embedder", default="none")
    parser.add_argument("--every", type=int, default=1, help="ask only each N-th question")
    parser.add_argument(
        "--variants", action="store_true", help="also with parts left out and constants changed"
    )
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "notes"
        folder.mkdir()
        questions = read(chosen.files, folder)[:: chosen.every]
        analyser = Analyser()
        with Store(Path(temporary) / "terakoya.duckdb", read_only=False) as store:
            embedder = None if chosen.embedder == "none" else embedder_named(chosen.embedder)
            vectors = Vectors(store, embedder) if embedder else None
            report = Ingest(store, analyser, vectors, max_bytes=2**24).run([folder])
            print(
                f"{len(report.added)} notes, {report.chunks} passages, {len(questions)} questions",
                file=sys.stderr,
            )
            retriever = Recorder(store, analyser, vectors)
            found = []
            for question in questions:
                retriever.search(question.text, k=DEPTH)
                if retriever.last:
                    found.append((question, retriever.last))
    print("| questions | score | R@1 | R@10 | MRR@10 |\n| --- | --- | --- | --- | --- |")
    for name, weigh in (variants() if chosen.variants else {"as it is": variants()["as it is"]}).items():
        ranks = [(question, rank(scored, weigh(scored), question.source)) for question, scored in found]
        for half, wanted in (("all", (True, False)), ("tuning", (True,)), ("report", (False,))):
            print(f"| {half} | {name} | {row([r for q, r in ranks if q.tuning in wanted])} |", flush=True)
        for number, path in enumerate(chosen.files if len(chosen.files) > 1 else ()):
            of_file = [r for q, r in ranks if q.source.startswith(f"{number}-")]
            print(f"| {path.stem} | {name} | {row(of_file)} |", flush=True)


if __name__ == "__main__":
    main()
