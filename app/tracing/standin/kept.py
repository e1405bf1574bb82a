"""What the stand-in keeps."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.tracing.standin.observations import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request as it came, body decompressed, and the status it was answered with."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    method: str = "POST"


@dataclass(slots=True)
class Kept:
    """What the server keeps, by id, and how often each id was accepted.

    Attributes:
        observations: Spans, by trace and span id.
        scores: Scores by id.
        prompts: All versions of each prompt, the first one first.
        datasets: Datasets by name.
        items: Items of datasets by id, the first one first.
        accepted: How often the id of an observation or score came.
        exchanges: Every request that was answered.
    """

    observations: dict[str, Observation] = field(default_factory=dict)
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)
    prompts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    accepted: Counter[str] = field(default_factory=Counter)
    exchanges: list[Exchange] = field(default_factory=list)
