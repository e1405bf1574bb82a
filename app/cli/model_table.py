"""The chat models as a table that fits the terminal."""

from collections.abc import Iterator, Sequence
from typing import Final

from app.cli.cells import cut, filled, one_line, width
from terakoya.api.models import ModelSummary
from terakoya.catalogue import text

_GAP: Final = 2
_RIGHT: Final = (1, 2)
_OPTIONAL: Final = (5, 4)
"""Columns that go where the terminal is narrow: languages, then licence."""


def table(models: Sequence[ModelSummary], columns: int | None) -> Iterator[str]:
    """The lines of the table, the titles first.

    Args:
        models: At least one.
        columns: Cells of the terminal; None where no person watches: then all stands there in full.
    """
    titles = tuple(
        text(f"cli.column_{name}")
        for name in ("model", "size", "memory", "state", "licence", "languages_model")
    )
    rows = [titles, *map(_cells, models)]
    shown = list(range(len(titles)))
    sizes = [max(width(row[column]) for row in rows) for column in shown]
    for column in _OPTIONAL:
        if columns is not None and sum(sizes[c] + _GAP for c in shown) - _GAP > columns:
            shown.remove(column)
    for row in rows:
        cells = (filled(row[c], sizes[c], right=c in _RIGHT) for c in shown)
        line = (" " * _GAP).join(cells).rstrip()
        yield line if columns is None else cut(line, columns)


def _cells(model: ModelSummary) -> tuple[str, ...]:
    return (
        one_line(model.name),
        f"{model.bytes / 2**30:.1f} GiB" if model.bytes else "",
        f"{model.memory.total / 2**30:.1f} GiB" if model.memory else "",
        _state(model),
        model.licence,
        model.languages,
    )


def _state(model: ModelSummary) -> str:
    parts = []
    if model.used:
        parts.append(text("cli.model_state_used", place=model.used))
    if model.problem:
        parts.append(text("cli.model_state_problem"))
    elif model.kind == "remote":
        parts.append(one_line(model.address))
    elif model.here:
        parts.append(text("cli.model_state_here"))
    elif model.used:
        parts.append(text("cli.model_state_missing"))
    if model.fits is False:
        parts.append(text("cli.model_state_large"))
    return ", ".join(parts) or "-"
