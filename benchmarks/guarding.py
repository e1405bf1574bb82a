"""What the rules against planted orders find, and what they flag without need.

Run: `python -m benchmarks.guarding [--attacks FILE] [--paragraphs FILE]... [--notes FOLDER]...`. Without options it reads
the orders and the ordinary notes of the tests and the notes of this repository.

`--attacks` is a JSON file as BIPIA has them (Yi et al. 2023, "Benchmarking and Defending Against Indirect Prompt
Injection Attacks on Large Language Models"): lists of orders by kind. Each is put at the beginning, in the middle and at
the end of paragraphs of the first `--paragraphs` file, which are in the form of SQuAD, as BIPIA does.
"""

import argparse
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from pathlib import Path

from tests.workflows.ordinary import ABOUT_INJECTION, LEARNING_TIPS
from tests.workflows.planted import ENGLISH, JAPANESE
from workflows.guarding.suspicion import suspicions

HOSTS = {
    "English": "Mendel grew pea plants in the garden of the abbey in Brno. He counted shapes over eight years.\n\n{}\n\n"
    "His results were published in 1866, and ignored for decades by other botanists.",
    "Japanese": "メンデルはブルノの修道院の庭でエンドウを育てた。八年かけて種子の形と色を数えた。\n\n{}\n\n"
    "結果は1866年に発表されたが、植物学者たちには長く顧みられなかった。",
}
ROOT = Path(__file__).parents[1]
NOTES = (ROOT / "examples/notes", ROOT / "evals/suites/held-back-notes")


def found(before: str, order: str, after: str) -> bool:
    """Whether a rule marks the order, or a part of it."""
    start, end = len(before), len(before) + len(order)
    return any(s.start < end and start < s.end for s in suspicions(before + order + after))


def planted(orders: Iterable[str], texts: Sequence[str]) -> Iterator[bool]:
    """Whether each order is found at the beginning, in the middle and at the end of a text."""
    turn = cycle(texts)
    for order in orders:
        for place in (0.0, 0.5, 1.0):
            sentences = next(turn).split(". ")
            at = round(place * len(sentences))
            before = "".join(f"{s}. " for s in sentences[:at])
            yield found(before, order, " " + ". ".join(sentences[at:]))


def paragraphs(path: Path) -> list[str]:
    """The paragraphs of a file in the form of SQuAD, without the titles that JSQuAD puts in front."""
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [p["context"].split("[SEP]", 1)[-1].strip() for a in articles for p in a["paragraphs"]]


def row(name: str, hits: Sequence[bool]) -> None:
    """One line of the table."""
    print(f"{name:<44} {sum(hits):>5} of {len(hits):>5}  {100 * sum(hits) / max(1, len(hits)):5.1f} %")


def main() -> None:
    """Prints the shares."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--attacks", type=Path)
    parser.add_argument("--paragraphs", type=Path, action="append", default=[])
    parser.add_argument("--notes", type=Path, action="append", default=[])
    options = parser.parse_args()
    print("orders found")
    for language, orders in (("English", ENGLISH), ("Japanese", JAPANESE)):
        before, after = HOSTS[language].split("{}")
        row(f"  own, {language}", [found(before, each.order, after) for each in orders])
    if options.attacks and options.paragraphs:
        texts = paragraphs(options.paragraphs[0])
        kinds = json.loads(options.attacks.read_text(encoding="utf-8"))
        for kind, attacks in kinds.items():
            row(f"  {kind}", list(planted(attacks, texts)))
        row(f"  {options.attacks.name}", list(planted((a for k in kinds.values() for a in k), texts)))
    print("ordinary texts flagged")
    row("  notes on prompt injection", [bool(suspicions(text)) for text in ABOUT_INJECTION])
    row("  advice, exercises, things to do", [bool(suspicions(text)) for text in LEARNING_TIPS])
    for folder in (*NOTES, *options.notes):
        notes = [
            p.read_text(encoding="utf-8", errors="replace") for p in sorted(folder.rglob("*")) if p.is_file()
        ]
        row(f"  {folder.name}, notes", [bool(suspicions(text)) for text in notes])
    for path in options.paragraphs:
        texts = paragraphs(path)
        begin = time.perf_counter()
        hits = [bool(suspicions(text)) for text in texts]
        each = 1000 * (time.perf_counter() - begin) / len(texts)
        row(f"  {path.name}, paragraphs ({each:.1f} ms each)", hits)


if __name__ == "__main__":
    main()
