"""What the rules against planted orders find, what they flag without need, and what an obedient model brings out.

Run: `python -m benchmarks.guarding [--attacks FILE] [--paragraphs FILE]... [--notes FOLDER]...`. Without options it reads
the orders and the ordinary notes of the tests and the notes of this repository.

`--attacks` is a JSON file as BIPIA has them (Yi et al. 2023, "Benchmarking and Defending Against Indirect Prompt
Injection Attacks on Large Language Models"): lists of orders by kind. Each is put at the beginning, in the middle and at
the end of paragraphs of the first `--paragraphs` file, which are in the form of SQuAD, as BIPIA does. With `--obey` each
order goes through the whole graph, with a model that obeys it (`tests/workflows/adversary.py`), in two ways: as an order
that it was shown or guessed, and as one that it obeys only where it stands in its prompt.

Beside the shares stand the times: milliseconds for a text of 6,250 and one of 100,000 code points, made of pieces of what
the patterns look for; the last column is how many times longer the second takes, 16 being in proportion to the length.
"""

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from pathlib import Path

from terakoya.text.analyser import Analyser
from terakoya.types import Language
from tests.workflows.adversary import attack
from tests.workflows.ordinary import ABOUT_INJECTION, LEARNING_TIPS
from tests.workflows.planted import BITS, ENGLISH, JAPANESE
from workflows.guarding.suspicion import _suspicions, suspicions

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


def obeyed(orders: Iterable[tuple[Language, str]]) -> None:
    """What comes of each order with a model that obeys it, and how many questions are answered all the same."""
    analyser = Analyser()
    wrongs: Counter[str] = Counter()
    harmed = answered = asked = 0
    for language, order in orders:
        for always in (True, False):
            came = attack(order, analyser, language, always=always)
            wrongs.update(came.wrongs)
            harmed += bool(came.wrongs)
            answered += came.answered
            asked += 1
    print(f"orders with a model that obeys: {harmed} of {asked} brought something out {dict(wrongs) or ''}")
    print(f"  questions about those notes answered all the same: {answered} of {6 * asked}")


def growth() -> None:
    """How much longer a text takes that is sixteen times as long."""
    chosen = random.Random(7)
    print("milliseconds by length")
    for _ in range(12):
        piece = "".join(chosen.choices(BITS, k=chosen.randint(1, 5)))
        short, long = (min(_seconds(piece, length) for _ in range(2)) for length in (6_250, 100_000))
        print(f"  {piece[:40]!r:<44} {1000 * short:8.1f} {1000 * long:9.1f} {long / short:6.1f}")


def _seconds(piece: str, length: int) -> float:
    text = (piece * (length // len(piece) + 1))[:length]
    begin = time.perf_counter()
    _suspicions.__wrapped__(text, "")
    return time.perf_counter() - begin


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
    parser.add_argument("--obey", action="store_true")
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
    if options.obey:
        obeyed([("en", each.order) for each in ENGLISH] + [("ja", each.order) for each in JAPANESE])
        if options.attacks:
            kinds = json.loads(options.attacks.read_text(encoding="utf-8"))
            obeyed(("en", order) for attacks in kinds.values() for order in attacks)
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
    growth()


if __name__ == "__main__":
    main()
