"""Experiments: what spans say of the experiment that they belong to."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from app.tracing.standin.reply import Query, Reply, moment, stretch, wrong
from app.tracing.standin.scores import listed

if TYPE_CHECKING:
    from app.tracing.standin.kept import Kept
    from app.tracing.standin.observations import Observation

EXPERIMENTS: Final = "/api/public/experiments"
ITEMS: Final = "/api/public/experiment-items"
_PREFIX: Final = "langfuse.experiment."


def listing(kept: "Kept", query: Query) -> Reply:
    """All experiments with at least one span."""
    if not query.get("fromStartTime"):
        return wrong("`fromStartTime` is needed")
    spans: dict[str, list[Observation]] = {}
    for one in kept.observations.values():
        if key := one.attributes.get(f"{_PREFIX}id"):
            spans.setdefault(key, []).append(one)
    wanted = {"id": "id", "name": "name", "datasetId": "dataset.id"}
    rows = []
    for key, mine in spans.items():
        own = mine[0].attributes
        if all(own.get(_PREFIX + name) == query[given] for given, name in wanted.items() if query.get(given)):
            rows.append(
                {
                    "id": key,
                    "name": own[f"{_PREFIX}name"],
                    "description": next(
                        (d for one in mine if (d := one.attributes.get(f"{_PREFIX}description"))), None
                    ),
                    "startTime": moment(min(one.start for one in mine)),
                    "endTime": moment(max(one.end for one in mine)),
                    "itemCount": len({one.attributes[f"{_PREFIX}item.id"] for one in mine}),
                    "datasetId": own.get(f"{_PREFIX}dataset.id"),
                    "metadata": _json(own.get(f"{_PREFIX}metadata")),
                    "scores": [listed(s) for s in kept.scores.values() if s.get("datasetRunId") == key],
                }
            )
    return stretch(rows, query)


def items(kept: "Kept", query: Query) -> Reply:
    """The items of experiments, with the scores on their traces."""
    if not query.get("fromStartTime"):
        return wrong("`fromStartTime` is needed")
    wanted = {"experimentId": "id", "experimentName": "name", "experimentItemId": "item.id"}
    rows = []
    for one in kept.observations.values():
        own = one.attributes
        if own.get(f"{_PREFIX}item.root_observation_id") == one.span_id and all(
            own.get(_PREFIX + name) == query[given] for given, name in wanted.items() if query.get(given)
        ):
            rows.append(_item(kept, one, own))
    return stretch(rows, query)


def _item(kept: "Kept", one: "Observation", own: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": one.span_id,
        "traceId": one.trace_id,
        "startTime": moment(one.start),
        "endTime": moment(one.end),
        "level": own.get("langfuse.observation.level", "DEFAULT"),
        "environment": own.get("langfuse.environment", "default"),
        "experimentId": own[f"{_PREFIX}id"],
        "experimentName": own[f"{_PREFIX}name"],
        "experimentItemId": own[f"{_PREFIX}item.id"],
        "experimentDatasetId": own.get(f"{_PREFIX}dataset.id"),
        "input": own.get("langfuse.observation.input"),
        "output": own.get("langfuse.observation.output"),
        "expectedOutput": own.get(f"{_PREFIX}item.expected_output"),
        "experimentItemMetadata": _json(own.get(f"{_PREFIX}item.metadata")),
        "scores": [listed(s) for s in kept.scores.values() if s.get("traceId") == one.trace_id],
    }


def _json(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return None
