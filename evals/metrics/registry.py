"""The registry: what a metric is, and how one is added."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Final, Literal

import numpy as np

from evals.metrics.observation import Observation
from evals.report import CaseResult
from terakoya.errors import BadInput, TerakoyaError
from terakoya.protocols import Offer

Direction = Literal["higher", "lower"]
Level = Literal["case", "suite"]
CaseMeasure = Callable[[Observation], float | None]
SuiteMeasure = Callable[[Sequence[CaseResult]], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """An entry of the registry.

    Attributes:
        name: As gates and reports write it.
        direction: Which way is better.
        description: One sentence.
        level: Whether it measures a case or a whole suite.
        of_case: The function, for a case metric.
        of_suite: The function, for a suite metric.
        judged: Whether its numbers are a model's opinion; then a gate on it has to say that it may fail the suite.
        needs: What a target has to do for it to have a value; None where either will do.
        version: Of what it stands on besides the code, such as a model; for caches of results.
    """

    name: str
    direction: Direction
    description: str
    level: Level
    of_case: CaseMeasure | None = None
    of_suite: SuiteMeasure | None = None
    judged: bool = False
    needs: Offer | None = None
    version: str = ""

    def measure(self, results: Sequence[CaseResult]) -> float | None:
        """Its value over `results`; None where it applies to none of them."""
        if self.of_suite is not None:
            return self.of_suite(results)
        values = [r.metrics[self.name] for r in results if self.name in r.metrics]
        return float(np.mean(values)) if values else None


METRICS: Final[dict[str, Metric]] = {}
"""The registry, in the order of reports."""


def case_metric(name: str, direction: Direction, description: str) -> Callable[[CaseMeasure], CaseMeasure]:
    """Registers a function of one observation: a number, or None where it does not apply to the case.

    Raises:
        BadInput: There is a metric of that name already.
    """

    def register(function: CaseMeasure) -> CaseMeasure:
        add_metric(
            Metric(name=name, direction=direction, description=description, level="case", of_case=function)
        )
        return function

    return register


def suite_metric(name: str, direction: Direction, description: str) -> Callable[[SuiteMeasure], SuiteMeasure]:
    """Registers a function of all results.

    Raises:
        BadInput: There is a metric of that name already.
    """

    def register(function: SuiteMeasure) -> SuiteMeasure:
        add_metric(
            Metric(name=name, direction=direction, description=description, level="suite", of_suite=function)
        )
        return function

    return register


def add_metric(metric: Metric) -> None:
    """Puts a metric into the registry.

    Raises:
        BadInput: There is one of that name already.
    """
    if metric.name in METRICS:
        raise BadInput("eval_metric_twice", metric=metric.name)
    METRICS[metric.name] = metric


def measure_case(observation: Observation) -> dict[str, float]:
    """All case metrics that apply.

    Raises:
        BadInput: A metric raised, or gave what is no finite number.
        TerakoyaError: Something that a metric needs is away, such as a model that judges.
    """
    values = {name: _value(m, observation) for name, m in METRICS.items() if m.of_case is not None}
    return {name: value for name, value in values.items() if value is not None}


def arrange(needs: Mapping[ModuleType, Offer | None]) -> None:
    """Puts the registry into the order of reports, by module, and in a module as they stand there.

    Args:
        needs: What the metrics of each module need of a target.
    """
    order = {module.__name__: (place, needs[module]) for place, module in enumerate(needs)}
    entries = sorted(METRICS.items(), key=lambda entry: order[_home(entry[1])][0])
    METRICS.clear()
    METRICS.update((name, replace(metric, needs=order[_home(metric)][1])) for name, metric in entries)


def _home(metric: Metric) -> str:
    function = metric.of_case or metric.of_suite
    return function.__module__ if function else ""


def _value(metric: Metric, observation: Observation) -> float | None:
    if metric.of_case is None:
        return None
    reason: object
    try:
        value = metric.of_case(observation)
        if value is None:
            return None
        if math.isfinite(number := float(value)):
            return number
        reason = value
    except TerakoyaError:
        raise
    except Exception as error:  # the function may be the user's own
        reason = f"{type(error).__name__}: {error}"
    raise BadInput("eval_metric_broken", metric=metric.name, case=observation.case.id, reason=reason)
