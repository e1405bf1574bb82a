"""`--set KEY=VALUE,VALUE`: settings, once for every combination of the values."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from pydantic import BaseModel

from app.settings import NO_ANSWER, Settings, load_settings
from terakoya.errors import BadInput

MOST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One combination.

    Attributes:
        values: What is set, by the setting's name.
        settings: All settings.
    """

    values: Mapping[str, str]
    settings: Settings

    @property
    def label(self) -> str:
        """For people: `search.candidates=20 passages=4`; empty where nothing is set."""
        return " ".join(f"{key}={value}" for key, value in self.values.items())


def variants(settings: Settings, assignments: Sequence[str]) -> tuple[Variant, ...]:
    """Every combination of the values in `assignments`, the first value of each first.

    Args:
        settings: What holds where nothing is set.
        assignments: `KEY=VALUE` or `KEY=VALUE,VALUE`; a key that stands twice gets all its values.

    Raises:
        BadInput: An assignment is none, its key is no setting that changes an answer, or its value is not allowed.
    """
    values = parsed(assignments)
    combinations = list(product(*values.values()))
    if len(combinations) > MOST:
        raise BadInput("eval_set_many", count=len(combinations), limit=MOST)
    return tuple(variant(settings, dict(zip(values, each, strict=True))) for each in combinations)


def parsed(assignments: Sequence[str]) -> dict[str, list[str]]:
    """The values of each key, in order and each once.

    Raises:
        BadInput: An assignment is none, or its key is no setting that changes an answer.
    """
    values: dict[str, list[str]] = {}
    for assignment in assignments:
        key, sign, given = assignment.partition("=")
        if not sign or not key.strip():
            raise BadInput("eval_set", given=assignment)
        name = key.strip()
        known = names()
        if name not in known:
            nearest = max(known, key=lambda k: difflib.SequenceMatcher(None, name.lower(), k).ratio())
            raise BadInput("eval_set_key", name=name, nearest=nearest, known=", ".join(known))
        here = values.setdefault(name, [])
        here += [value for value in dict.fromkeys(v.strip() for v in given.split(",")) if value not in here]
    return values


def variant(settings: Settings, values: Mapping[str, str]) -> Variant:
    """`settings` with `values` set.

    Raises:
        BadInput: A value is not allowed.
    """
    whole: dict[str, Any] = settings.model_dump(exclude={"home"})
    for name, value in values.items():
        place, _, field = name.rpartition(".")
        (whole[place] if place else whole)[field] = value
    if "model" in values and "models" not in values:
        whole["models"] = ()  # these would go before it
    return Variant(
        values=dict(values), settings=load_settings(settings.home, **whole) if values else settings
    )


def names() -> list[str]:
    """The settings that may change an answer; those in a table as `table.name`."""
    found: list[str] = []
    for name, field in Settings.model_fields.items():
        table = field.annotation
        if isinstance(table, type) and issubclass(table, BaseModel):
            found += [f"{name}.{inner}" for inner in table.model_fields]
        elif name not in NO_ANSWER:
            found.append(name)
    return found
