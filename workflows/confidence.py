"""How likely the notes answer a question, told from the signals of the best answer found in them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from math import exp
from typing import Any, Final

from workflows.signals import Signals

NAMES: Final = tuple(field.name for field in fields(Signals))


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """A logistic regression over signals, learned by `benchmarks/calibration.py`.

    Attributes:
        intercept: The logit where all signals are 0.
        weights: What each signal adds to the logit.
        answer_from: The probability from which on an answer is given.
    """

    intercept: float
    weights: Mapping[str, float]
    answer_from: float

    def of(self, signals: Signals) -> float:
        """How likely these signals are those of a right answer, 0 to 1."""
        logit = self.intercept + sum(w * getattr(signals, name) for name, w in self.weights.items())
        return 1 / (1 + exp(-max(-50.0, min(50.0, logit))))


def read_confidence(table: Mapping[str, Any]) -> Confidence:
    """From the content of a file such as `workflows/confidence.toml`.

    Raises:
        ValueError: It was learned with other signals than there are.
    """
    if set(table["weights"]) != set(NAMES):
        different = sorted(set(table["weights"]) ^ set(NAMES))
        raise ValueError(f"signals differ: {', '.join(different)}; run `python -m benchmarks.calibration`")
    return Confidence(
        intercept=table["intercept"], weights=dict(table["weights"]), answer_from=table["answer_from"]
    )


@cache
def learned() -> Confidence:
    """The one that the product comes with."""
    return read_confidence(
        tomllib.loads(files("workflows").joinpath("confidence.toml").read_text(encoding="utf-8"))
    )
