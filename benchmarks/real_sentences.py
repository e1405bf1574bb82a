"""Embeddings of sentences that people wrote: those of the docstrings of the Python packages installed here.

Run: `python -m benchmarks.real_sentences FILE.npy QUERIES.npy --count 10000 --queries 200`, with the packaged
all-MiniLM-L6-v2. A query is some words of a sentence, as a person who remembers half of it would type.
"""

import argparse
import ast
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

_PARAGRAPH: Final = re.compile(r"\n\s*\n")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+")
_SHAPE: Final = re.compile(r"[A-Z](?:\S* +){5}")
"""A capital, and six words at least."""
_LENGTHS: Final = range(40, 220)
_KEPT: Final = 0.35
"""Share of a sentence's words that a query keeps."""
_PAGE: Final = 1024


def sentences(count: int) -> list[str]:
    """So many different sentences, from files in an order of chance that is the same on each run."""
    files = sorted(
        file for place in ("stdlib", "purelib") for file in Path(sysconfig.get_paths()[place]).rglob("*.py")
    )
    Random(0).shuffle(files)
    found: dict[str, None] = {}
    for file in files:
        found.update(dict.fromkeys(_sentences_of(file)))
        if len(found) >= 2 * count:  # enough that one package does not make up a third of them
            break
    chosen = sorted(found)
    Random(1).shuffle(chosen)
    if len(chosen) < count:
        raise SystemExit(f"{len(chosen)} sentences in the docstrings here, {count} wanted")
    return chosen[:count]


def _sentences_of(file: Path) -> Iterator[str]:
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            for paragraph in _PARAGRAPH.split(ast.get_docstring(node) or ""):
                for sentence in _SENTENCE.split(" ".join(paragraph.split())):
                    if _SHAPE.match(sentence) and len(sentence) in _LENGTHS and ">>>" not in sentence:
                        yield sentence


def words_of(sentence: str, chance: Random) -> str:
    """Some of its words, in their order."""
    words = sentence.split()
    kept = sorted(chance.sample(range(len(words)), max(3, round(len(words) * _KEPT))))
    return " ".join(words[number] for number in kept)


def main() -> None:
    """Writes both files."""
    import numpy as np

    from ingest.embedder import embedder_named

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vectors", type=Path)
    parser.add_argument("asked", type=Path)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--queries", type=int, required=True)
    options = parser.parse_args()
    embedder = embedder_named("all-MiniLM-L6-v2")
    if not embedder:
        raise SystemExit("the packaged all-MiniLM-L6-v2 is not installed")
    texts, chance = sentences(options.count), Random(2)
    ordered = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    vectors = np.empty((len(texts), embedder.dimensions), dtype=np.float32)
    for at in range(0, len(ordered), _PAGE):
        page = ordered[at : at + _PAGE]
        vectors[page] = embedder.embed_documents([texts[number] for number in page])
    np.save(options.vectors, vectors)
    asked = [words_of(chance.choice(texts), chance) for _ in range(options.queries)]
    np.save(options.asked, embedder.embed_documents(asked))


if __name__ == "__main__":
    main()
