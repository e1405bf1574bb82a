"""`python -m benchmarks.lookup`: what prompt lookup saves on scripted streams that quote their passages.

What a model would say is known beforehand here, so weights do not matter: what counts is how many evaluations the
stream takes, and, with `--model`, what an evaluation of so many tokens costs on this machine.
"""

import argparse
import math
import os
import random
import re
import time
from collections.abc import Sequence
from pathlib import Path

from app.models.lookup import Lookup
from app.models.process import worker_environment

LENGTHS = (4, 8, 16)
PASSAGES, LENGTH, QUOTES, OWN = 6, 160, 4, 8
_TOKENS = re.compile(r"[A-Za-z]+|\s+|.", re.DOTALL)


def evaluations(prompt: Sequence[int], answer: Sequence[int], longest: int) -> list[int]:
    """How many tokens were drafted in each evaluation that the answer takes."""
    lookup = Lookup(prompt, longest)
    done = 0
    drafted: list[int] = []
    while done < len(answer):
        draft = lookup.draft()
        right = 0
        while right < len(draft) and done + right < len(answer) and draft[right] == answer[done + right]:
            right += 1
        said = answer[done : done + right + 1]
        for token in said:
            lookup.add(token)
        lookup.judge(len(draft), right)
        done += len(said)
        drafted.append(len(draft))
    return drafted


def text_tokens(folder: Path) -> list[int]:
    """The notes of a folder as numbers: words and single characters, so that short stretches recur as in any text."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.md")))
    numbers: dict[str, int] = {}
    return [numbers.setdefault(token, len(numbers)) for token in _TOKENS.findall(text)]


def stream(tokens: Sequence[int], quoted: int, chance: random.Random) -> tuple[list[int], list[int]]:
    """A prompt of passages, and an answer that quotes `quoted` tokens at a time between words of its own."""
    starts = [chance.randrange(len(tokens) - LENGTH) for _ in range(PASSAGES)]
    passages = [list(tokens[start : start + LENGTH]) for start in starts]
    elsewhere = chance.randrange(len(tokens) - 1000)
    own = iter(tokens[elsewhere : elsewhere + 1000])
    answer: list[int] = []
    for passage in chance.sample(passages, QUOTES):
        answer += [next(own) for _ in range(OWN)]
        start = chance.randrange(LENGTH - quoted)
        answer += passage[start : start + quoted]
    return [token for passage in passages for token in passage], answer


def costs(model: Path, most: int) -> list[float]:
    """Seconds of an evaluation of 1, 2, ... tokens behind a prompt of a thousand."""
    # Before llama.cpp is loaded: threads that spin would wait for one that has no processor.
    os.environ.setdefault("GOMP_SPINCOUNT", worker_environment()["GOMP_SPINCOUNT"])
    from app.models.native import NativeModel
    from app.models.options import ModelOptions
    from app.models.supervision import processors

    native = NativeModel(
        str(model), context_tokens=2048, cells=2048, threads=processors(), options=ModelOptions()
    )
    for start in (0, 500):
        native.batch.clear()
        native.batch.add([300 + n for n in range(500)], start=start, sequence=0, wanted=1)
        native.evaluate()
    found = [math.inf] * (most + 1)
    for _ in range(9):  # in turns, and the least of each: what else runs here only adds
        for count in range(1, most + 2):
            native.cut(0, 1000)
            native.batch.clear()
            native.batch.add(list(range(300, 300 + count)), start=1000, sequence=0, wanted=count)
            began = time.monotonic()
            native.evaluate()
            native.logits(count - 1)
            found[count - 1] = min(found[count - 1], time.monotonic() - began)
    return found


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--notes", type=Path, default=Path("examples/notes"), help="where the streams are from"
    )
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--model", type=Path, help="a GGUF file, for what evaluations cost on this machine")
    arguments = parser.parse_args()
    tokens = text_tokens(arguments.notes)
    cost = costs(arguments.model, max(LENGTHS)) if arguments.model else []
    if cost:
        shown = ", ".join(
            f"{count} {cost[count - 1] * 1000:.0f} ms" for count in (1, 2, *(n + 1 for n in LENGTHS))
        )
        print(f"{arguments.model.name}, load {os.getloadavg()[0]:.1f}; tokens of an evaluation: {shown}\n")
    print(
        "| tokens quoted at a time | longest draft | tokens an evaluation | ms a token | tokens a second, to none |"
    )
    print("| --- | --- | --- | --- | --- |")
    for quoted in (0, 10, 30, 60):
        for longest in LENGTHS:
            chance = random.Random(7)
            made = [stream(tokens, quoted, chance) for _ in range(arguments.streams)]
            whole = sum(len(answer) for _, answer in made)
            drafts = [draft for prompt, answer in made for draft in evaluations(prompt, answer, longest)]
            seconds = sum(cost[draft] for draft in drafts) if cost else 0.0
            timed = f"{seconds / whole * 1000:.1f} | {whole * cost[0] / seconds:.2f}" if cost else " | "
            print(f"| {quoted} | {longest} | {whole / len(drafts):.2f} | {timed} |")


if __name__ == "__main__":
    main()
