"""From which score on a passage is related to another note or passage: `python -m benchmarks.related [FOLDER...]`.

Every note is cut in two at the heading nearest its middle, and both halves are notes of their own. What is found for a
half in itself or in its other half counts as related, what is found in other notes as not. That is too strict where two
notes are about the same subject, so the share that is right is a lower bound.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.settings import load_settings
from app.wiring import open_installation

FOLDERS: Final = (Path("examples/notes"), Path("evals/suites/held-back-notes"))
FOUND: Final = 3
"""Passages looked for, as on the page."""
BOUNDS: Final = (0.0, 0.06, 0.08, 0.1, 0.12, 0.14, 0.16, 0.18, 0.2, 0.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A passage that was found: for a whole note or for a passage, its score, and whether it is related."""

    whole: bool
    score: float
    related: bool


def halves(folders: Sequence[Path], into: Path) -> Iterator[str]:
    """Writes both halves of every note that has enough headings; the beginnings of their names, which they share."""
    number = 0
    for path in sorted(path for folder in folders for path in folder.rglob("*.md")):
        lines = path.read_text(encoding="utf-8").split("\n")
        headings = [at for at, line in enumerate(lines) if line.startswith("## ") and at > 3]
        if len(headings) < 2:
            continue
        middle = min(headings, key=lambda at: abs(at - len(lines) / 2))
        name = f"{number:03}-"
        for half, part in (("a", lines[:middle]), ("b", lines[middle:])):
            (into / f"{name}{half}.md").write_text("\n".join(part), encoding="utf-8")
        yield name
        number += 1


def found(folders: Sequence[Path], embedder: str) -> list[Found]:
    """What is found for every half, and for each of its passages."""
    with tempfile.TemporaryDirectory() as place:
        notes = Path(place) / "notes"
        notes.mkdir()
        names = list(halves(folders, notes))
        settings = load_settings(Path(place) / "home", embedder=embedder)
        installation = open_installation(settings, write=True)
        try:
            installation.ingest([notes])
            results = []
            for name in names:
                for half in "ab":
                    source = f"{name}{half}.md"
                    rows = installation.wiring.store.rows(
                        "SELECT start_line FROM chunks WHERE note = (SELECT id FROM notes WHERE path = $p)",
                        {"p": source},
                    )
                    for line in (None, *(int(row[0]) for row in rows)):
                        results += [
                            Found(
                                whole=line is None,
                                score=hit.score,
                                related=hit.passage.source.startswith(name),
                            )
                            for hit in installation.related(source, line, k=FOUND).hits
                        ]
            return results
        finally:
            installation.close()


def main() -> int:
    """Prints a table for each kind of question."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, default=FOLDERS)
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    arguments = parser.parse_args()
    results = found(arguments.folders, arguments.embedder)
    for whole in (True, False):
        asked = [result for result in results if result.whole is whole]
        related = sum(result.related for result in asked)
        sys.stdout.write(
            f"\n{'a whole note' if whole else 'a passage'}: {len(asked)} found, {related} related\n\n"
        )
        sys.stdout.write(
            "| from score | shown | of these related | of the related shown |\n|---|---|---|---|\n"
        )
        for bound in BOUNDS:
            shown = [result for result in asked if result.score >= bound]
            right = sum(result.related for result in shown)
            sys.stdout.write(
                f"| {bound:.2f} | {len(shown)} | {right / max(1, len(shown)):.2f} | {right / max(1, related):.2f} |\n"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
