"""Scores: on a trace, on one of its observations, on a session, or on an experiment."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from app.tracing.standin.reply import ENVIRONMENT, LONGEST_ID, Query, Reply, now, stretch, wrong

if TYPE_CHECKING:
    from app.tracing.standin.kept import Kept

SCORES: Final = "/api/public/scores"
_SUBJECTS: Final = ("traceId", "sessionId", "datasetRunId")
_FILTERS: Final = {"traceId": "traceId", "observationId": "observationId", "experimentId": "datasetRunId"}
_LONGEST_TEXT: Final = 500


def parsed(body: bytes) -> list[Any] | None:
    """The array of a request; None where it is none."""
    try:
        scores = json.loads(body)
    except ValueError:
        return None
    return scores if isinstance(scores, list) else None


def complaint(score: Any) -> str:
    """What is wrong with a score; empty where nothing is."""
    if not isinstance(score, dict) or not isinstance(score.get("name"), str) or not score["name"]:
        return "A score needs a name"
    key = score.get("id")
    if key is not None and not (isinstance(key, str) and 0 < len(key) <= LONGEST_ID):
        return f"An id is a string of at most {LONGEST_ID} characters"
    if any(not isinstance(score.get(name), str | None) for name in (*_SUBJECTS, "observationId", "comment")):
        return "Ids and comments are strings"
    if sum(bool(score.get(subject)) for subject in _SUBJECTS) != 1:
        return f"A score is on one of {', '.join(_SUBJECTS)}"
    if score.get("observationId") and not score.get("traceId"):
        return "An observation is named with its trace"
    value, kind = score.get("value"), score.get("dataType", "")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return "A score needs a value"
    if isinstance(value, str) != (kind in ("CATEGORICAL", "TEXT")) and kind:
        return "The value does not go with the data type"
    if (kind == "BOOLEAN" and value not in (0, 1)) or (isinstance(value, str) and len(value) > _LONGEST_TEXT):
        return "The value is out of range"
    if not ENVIRONMENT.fullmatch(score.get("environment") or "default"):
        return "An environment is of small letters, digits, - and _, and does not begin with langfuse"
    if stamp := score.get("timestamp"):
        try:
            if datetime.fromisoformat(stamp).tzinfo is None:
                return "A timestamp names its zone"
        except (TypeError, ValueError):
            return "A timestamp is in the form of ISO 8601"
    return ""


def keep(kept: "Kept", scores: list[dict[str, Any]]) -> None:
    """Keeps scores, the last of each id."""
    for score in scores:
        made = {"id": uuid.uuid4().hex, **score}
        kept.scores[made["id"]] = made
        kept.accepted[made["id"]] += 1


def listing(kept: "Kept", query: Query) -> Reply:
    """`GET /api/public/v3/scores`."""
    try:
        found = [
            listed(score)
            for score in kept.scores.values()
            if all(score.get(key) == query[name] for name, key in _FILTERS.items() if query.get(name))
            and query.get("name", score["name"]) == score["name"]
        ]
    except KeyError as error:
        return wrong(str(error))
    return stretch(found, query)


def listed(score: Mapping[str, Any]) -> dict[str, Any]:
    """A score as it is given out."""
    value = score["value"]
    subject: dict[str, Any] = {"kind": "trace", "id": score.get("traceId")}
    if score.get("observationId"):
        subject = {"kind": "observation", "id": score["observationId"], "traceId": score.get("traceId")}
    elif score.get("datasetRunId"):
        subject = {"kind": "experiment", "id": score["datasetRunId"]}
    elif score.get("sessionId"):
        subject = {"kind": "session", "id": score["sessionId"]}
    stamp = score.get("timestamp") or now()
    return {
        "id": score["id"],
        "projectId": "standin",
        "name": score["name"],
        "source": "API",
        "dataType": score.get("dataType") or ("CATEGORICAL" if isinstance(value, str) else "NUMERIC"),
        "value": value,
        "timestamp": stamp,
        "environment": score.get("environment") or "default",
        "createdAt": stamp,
        "updatedAt": stamp,
        "comment": score.get("comment"),
        "metadata": score.get("metadata") or {},
        "subject": subject,
    }
