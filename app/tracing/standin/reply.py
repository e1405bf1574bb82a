"""What a request is answered with, and how lists are cut into pages."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

Reply = tuple[int, Mapping[str, Any] | bytes]
"""Status and body: JSON, or protobuf as bytes."""
Query = Mapping[str, str]

MOST_ITEMS: Final = 100
"""Items of one page at most."""
MOST_BYTES: Final = 1_000_000
"""Of a body in JSON: what the SDK takes for the limit of the server's web framework."""
LONGEST_ID: Final = 255
_TAG: Final = re.compile(r"<[^<>]*>")
ENVIRONMENT: Final = re.compile(r"(?!langfuse)[a-z0-9_-]{1,40}")


def wrong(message: str, *path: str) -> Reply:
    """The request cannot be used: what is wrong, and at which key of the body."""
    issue = {"code": "custom", "path": list(path), "message": message}
    return 400, {"message": "Invalid request data", "error": [issue]}


def bad_name(name: object) -> bool:
    """Whether a prompt or a dataset cannot have that name: it is a path of folders, without tags of HTML."""
    return (
        not isinstance(name, str)
        or not name.strip()
        or name.startswith("/")
        or name.endswith("/")
        or "//" in name
        or _TAG.search(name) is not None
    )


def not_json(headers: Mapping[str, str], body: bytes) -> Reply | None:
    """What a body that is no JSON of a size that the server takes is answered with; None for one that is."""
    if len(body) > MOST_BYTES:
        return 413, {"message": "Body exceeds 1mb limit"}
    if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return wrong("Expected application/json")
    return None


def conflict(message: str) -> Reply:
    """Something else has that id."""
    return 409, {"message": message, "error": "LangfuseConflictError"}


def missing(message: str) -> Reply:
    """There is nothing of that name."""
    return 404, {"message": message, "error": "LangfuseNotFoundError"}


def now() -> str:
    """This moment, as the API writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(nanoseconds: int) -> str:
    """A time of a span, as the API writes it."""
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat().replace("+00:00", "Z")


def page(rows: Sequence[Mapping[str, Any]], query: Query) -> Reply:
    """A page by number, as prompts and datasets are listed."""
    try:
        number, limit = int(query.get("page", 1)), int(query.get("limit", 50))
    except ValueError:
        return wrong("`page` and `limit` are numbers")
    if number < 1 or not 1 <= limit <= MOST_ITEMS:
        return wrong(f"`page` begins at 1, and `limit` ends at {MOST_ITEMS}")
    meta = {"page": number, "limit": limit, "totalItems": len(rows), "totalPages": -(-len(rows) // limit)}
    return 200, {"data": list(rows[(number - 1) * limit : number * limit]), "meta": meta}


def stretch(rows: Sequence[Mapping[str, Any]], query: Query) -> Reply:
    """A page by cursor, as scores, observations and experiments are listed."""
    try:
        start, limit = int(query.get("cursor", 0)), int(query.get("limit", 50))
    except ValueError:
        return wrong("`limit` is a number, and `cursor` what the page before gave")
    if start < 0 or not 1 <= limit <= MOST_ITEMS:
        return wrong(f"`limit` is between 1 and {MOST_ITEMS}")
    end = start + limit
    meta: dict[str, Any] = {"limit": limit}
    if end < len(rows):
        meta["cursor"] = str(end)
    return 200, {"data": list(rows[start:end]), "meta": meta}
