"""Suites made of questions in another format."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from evals.importers import beir, langfuse, spreadsheet, squad
from evals.importers.draft import Draft, Options
from evals.importers.writing import write_draft

KINDS: Final[dict[str, Callable[[Path, Options], Draft]]] = {
    "squad": squad.read,
    "csv": spreadsheet.read,
    "beir": beir.read,
    "langfuse": langfuse.read,
}
"""Readers by the name of their format."""

__all__ = ["KINDS", "Draft", "Options", "write_draft"]
