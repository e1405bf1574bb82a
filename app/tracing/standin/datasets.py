"""Datasets and their items."""

import json
import uuid
from typing import TYPE_CHECKING, Any, Final

from app.tracing.standin.reply import LONGEST_ID, Query, Reply, bad_name, conflict, missing, now, page, wrong

if TYPE_CHECKING:
    from app.tracing.standin.kept import Kept

DATASETS: Final = "/api/public/v2/datasets"
ITEMS: Final = "/api/public/dataset-items"
_GIVEN: Final = ("input", "expectedOutput", "metadata")


def create(kept: "Kept", body: dict[str, Any]) -> Reply:
    """A dataset, or new words for the one of that name."""
    name = body.get("name")
    if not isinstance(name, str) or bad_name(name):
        return wrong("A name is a path without tags, and has no / at its ends", "name")
    made = kept.datasets.get(name) or {
        "id": uuid.uuid4().hex,
        "name": name,
        "projectId": "standin",
        "createdAt": now(),
        "description": None,
        "metadata": None,
    }
    given = {key: body[key] for key in ("description", "metadata") if body.get(key) is not None}
    kept.datasets[name] = {**made, **given, "updatedAt": now()}
    return 200, kept.datasets[name]


def get(kept: "Kept", name: str) -> Reply:
    """One dataset."""
    return (200, kept.datasets[name]) if name in kept.datasets else missing("Dataset not found")


def listing(kept: "Kept", query: Query) -> Reply:
    """All datasets."""
    return page(list(kept.datasets.values()), query)


def keep_item(kept: "Kept", body: dict[str, Any]) -> Reply:
    """An item, new or in place of the one of that id. Strings that look like JSON are read as such.

    What a body leaves out, or has as null, stays as it was; the status too.
    """
    dataset, key = kept.datasets.get(str(body.get("datasetName"))), body.get("id") or uuid.uuid4().hex
    if dataset is None:
        return missing("Dataset not found")
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_ID:
        return wrong(f"An id has at most {LONGEST_ID} characters")
    if body.get("status") not in (None, "ACTIVE", "ARCHIVED"):
        return wrong("The status is ACTIVE or ARCHIVED")
    former = kept.items.get(key)
    if former and former["datasetName"] != dataset["name"]:
        return conflict(f"Dataset item id {key} already exists in another dataset")
    made: dict[str, Any] = former or {
        "id": key,
        "status": "ACTIVE",
        "datasetId": dataset["id"],
        "datasetName": dataset["name"],
        "createdAt": now(),
        "sourceTraceId": None,
        "sourceObservationId": None,
        "mediaReferences": [],
        **dict.fromkeys(_GIVEN, None),
    }
    given: dict[str, Any] = {name: _read(body[name]) for name in _GIVEN if body.get(name) is not None}
    plain = {
        name: body[name] for name in ("status", "sourceTraceId", "sourceObservationId") if body.get(name)
    }
    kept.items[key] = {**made, **given, **plain, "updatedAt": now(), "version": now()}
    return 200, kept.items[key]


def get_item(kept: "Kept", key: str) -> Reply:
    """One item."""
    return (200, kept.items[key]) if key in kept.items else missing("Dataset item not found")


def delete_item(kept: "Kept", key: str) -> Reply:
    """Takes an item out."""
    if kept.items.pop(key, None) is None:
        return missing("Dataset item not found")
    return 200, {"message": "Dataset item successfully deleted"}


def items(kept: "Kept", query: Query) -> Reply:
    """The items of a dataset that are not archived, the newest first."""
    name = query.get("datasetName")
    if name is not None and name not in kept.datasets:
        return missing("Dataset not found")
    trace = query.get("sourceTraceId")
    found = [
        item
        for item in kept.items.values()
        if item["status"] == "ACTIVE"
        and name in (None, item["datasetName"])
        and trace in (None, item["sourceTraceId"])
    ]
    return page(found[::-1], query)


def _read(value: Any) -> Any:
    """As the server does: `"4"` becomes 4."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
