"""How much the tests of this folder do: a short form in every run of the tests, all of it in `make soak`.

`TERAKOYA_SOAK=1` asks for all. `TERAKOYA_SOAK_SEED` repeats the choices of an earlier run.
"""

import os
import time
from pathlib import Path
from typing import Any

FULL = os.environ.get("TERAKOYA_SOAK") == "1"
SEED = os.environ.get("TERAKOYA_SOAK_SEED") or (str(time.time_ns()) if FULL else "0")
REPORTS = Path(__file__).parents[2] / "reports" / "soak"


def size(*, full: int, short: int) -> int:
    """The one of the two that this run asks for."""
    return full if FULL else short


def log(what: str, **figures: Any) -> None:
    """Keeps the figures of a test: shown where it fails, and in full kept for docs/soak.md."""
    line = f"{what}: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())
    print(line)
    if FULL:
        REPORTS.mkdir(parents=True, exist_ok=True)
        with (REPORTS / "log.txt").open("a", encoding="utf-8") as file:
            file.write(line + "\n")
