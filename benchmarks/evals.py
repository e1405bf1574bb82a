"""Seconds of `terakoya eval run` on a suite of retrieval cases, with the embedder and without.

Run: `python -m benchmarks.evals`. Each figure is of the whole command, from the start of its process to its end: the
notes are prepared by a run over one case, then all cases are asked, then the same command is run again. Beside the
seconds stand those that processors worked for it, which depend less on what else runs.
"""

import argparse
import json
import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import machine
from benchmarks.made_notes import NoteMaker

ROOT: Final = Path(__file__).parents[1]
EMBEDDER: Final = "all-MiniLM-L6-v2"


def write_suite(folder: Path, *, notes: int, cases: int) -> tuple[Path, Path]:
    """Makes the notes and two suites over them: of all cases, and of one.

    Each case asks for a section by four of its words and one that stands elsewhere.
    """
    maker = NoteMaker()
    (folder / "notes").mkdir()
    bodies: list[tuple[str, str]] = []
    for number in range(notes):
        note = maker.note(number)
        source = f"{number:05}.md"
        (folder / "notes" / source).write_text(note, encoding="utf-8")
        bodies += [(source, line) for line in note.splitlines() if line and not line.startswith("#")]
    step = max(1, len(bodies) // cases)
    lines = []
    for number, (source, body) in enumerate(bodies[::step][:cases]):
        lines.append(
            {
                "id": f"c{number}",
                "question": maker.asked(body, number),
                "passages": [{"source": source, "text": body[:80]}],
            }
        )
    head = {"name": "made", "notes": "notes", "target": "retrieval"}
    return _written(folder / "all.jsonl", [head, *lines]), _written(folder / "one.jsonl", [head, lines[0]])


def _written(path: Path, lines: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def measured(home: Path, embedder: str, suite: Path) -> tuple[float, float, str]:
    """Seconds of one run, processor seconds, and what it found, so that it is seen that something was measured."""
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "app.cli.program",
        "--home",
        home,
        "--json",
        "eval",
        "run",
        suite,
    ]
    environment = machine.environment(PYTHONPATH=str(ROOT), TERAKOYA_EMBEDDER=embedder)
    before = _worked()
    run = machine.run(command, environment)
    worked = _worked() - before
    total = json.loads(run.output.splitlines()[-1])
    values = {each["metric"]: each["value"] for each in total["totals"]}
    return run.seconds, worked, f"{values['mrr@10']:.3f} ({total['known']} of {total['cases']} known)"


def _worked() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measures, and prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--notes", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    print(f"{machine.described()}\n")
    print("| embedder | run | s | processor s | mrr@10 |\n| --- | --- | ---: | ---: | --- |")
    for embedder in ("none", EMBEDDER):
        for _ in range(options.repeats):
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder)
                whole, one = write_suite(place, notes=options.notes, cases=options.cases)
                home = place / "home"
                for name, suite in (("notes prepared", one), ("first", whole), ("again", whole)):
                    seconds, worked, found = measured(home, embedder, suite)
                    print(f"| {embedder} | {name} | {seconds:.2f} | {worked:.2f} | {found} |", flush=True)


if __name__ == "__main__":
    main()
