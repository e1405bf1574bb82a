"""What every contestant does: get ready, take the notes in by the clock, and show afterwards what it stored."""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

SHARED = ("torch", "sentence-transformers", "transformers", "numpy")
"""Libraries that must be the same on all sides."""

SAMPLE = 64
"""Vectors that are compared with the model's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be done.

    Attributes:
        notes: Folder of Markdown notes.
        store: Folder to keep the result in; empty before.
        model: Folder of the embedding model.
        size: Chunk size in the contestant's own unit; 0 for its default.
        batch: Texts embedded at once; 0 for its default.
        precision: Number format of the model; empty for its default.
    """

    notes: Path
    store: Path
    model: Path
    size: int
    batch: int
    precision: str


Stored = list[tuple[str, Sequence[float] | None]]
"""Texts that were embedded, with their vector where it can be told which it is."""


class Contestant(Protocol):
    """Made with everything imported, the model loaded, and one text embedded."""

    def ingest(self) -> None:
        """Reads, splits, embeds, and leaves everything on disk."""


def compete(
    *,
    prepare: Callable[[Job], Contestant],
    split: Callable[[Job], list[str]] | None,
    stored: Callable[[Job], Stored],
    libraries: Sequence[str],
) -> None:
    """Runs as the command says, and prints one JSON object.

    Args:
        prepare: Makes the contestant.
        split: The texts that it would embed with the job's chunk size; None where the size cannot be set.
        stored: What it has embedded, read back from its store.
        libraries: Distributions whose versions are told.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=("ingest", "fit", "inspect"))
    parser.add_argument("--notes", type=Path, required=True)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--precision", default="")
    parser.add_argument(
        "--began", type=float, default=0.0, help="when the process was started, by time.time()"
    )
    parser.add_argument("--target", type=float, default=0.0, help="mean tokens of a chunk to come near to")
    parser.add_argument("--cores", type=int, default=0, help="run on so many cores; 0 for all")
    arguments = vars(parser.parse_args())
    step, began, target, cores = (arguments.pop(name) for name in ("step", "began", "target", "cores"))
    if cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    job = Job(**arguments)
    result: dict[str, Any] = {"versions": {name: version(name) for name in (*SHARED, *libraries)}}
    if step == "ingest":
        contestant = prepare(job)
        start, worked = time.perf_counter(), _processor_seconds()
        contestant.ingest()
        result |= {
            "seconds": time.perf_counter() - start,
            "cpu": _processor_seconds() - worked,
            "whole": time.time() - began,
        }
    elif step == "fit" and split:
        result |= {"size": _fit(job, split, target)}
    else:
        found = stored(job)
        result |= _counted(job, [text for text, _ in found]) | {"cosine": _least_cosine(job, found)}
    print(json.dumps(result), flush=True)


def _fit(job: Job, split: Callable[[Job], list[str]], target: float) -> int:
    """The chunk size that gives `target` tokens in the mean."""
    low, high = 32, 8192
    while high - low > max(4, low // 100):
        middle = (low + high) // 2
        sized = Job(
            notes=job.notes,
            store=job.store,
            model=job.model,
            size=middle,
            batch=job.batch,
            precision=job.precision,
        )
        if _counted(job, split(sized))["mean"] < target:
            low = middle
        else:
            high = middle
    return high


def _processor_seconds() -> float:
    """Of this process and those below it that have ended."""
    return sum(os.times()[:4])


def _counted(job: Job, texts: Sequence[str]) -> dict[str, float]:
    """Counts in the model's tokens."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(job.model / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    counts = [len(found.ids) for found in tokenizer.encode_batch(list(texts))]
    return {"chunks": len(counts), "tokens": sum(counts), "mean": fmean(counts), "longest": max(counts)}


def _least_cosine(job: Job, found: Stored) -> float:
    """Between stored vectors and those that the model gives in 32 bits, over a sample."""
    import numpy as np
    from sentence_transformers import SentenceTransformer

    known = [(text, vector) for text, vector in found if vector is not None]
    sample = known[:: max(1, len(known) // SAMPLE)]
    wanted = SentenceTransformer(str(job.model), device="cpu").encode(
        [text for text, _ in sample], normalize_embeddings=True, show_progress_bar=False
    )
    vectors = np.asarray([vector for _, vector in sample], dtype=np.float32)
    return float((wanted * vectors).sum(axis=1).min())
