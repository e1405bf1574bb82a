"""Prompts: versions that never change, and labels that move between them."""

import re
from typing import TYPE_CHECKING, Any, Final

from app.tracing.standin.reply import Query, Reply, bad_name, missing, now, page, wrong

if TYPE_CHECKING:
    from app.tracing.standin.kept import Kept

PROMPTS: Final = "/api/public/v2/prompts"
LATEST: Final = "latest"
_LABEL: Final = re.compile(r"[a-z0-9_.-]{1,36}")
_RESERVED: Final = frozenset({"new", "metrics", "prompt-detail"})
"""Names of pages of the server."""
_LONGEST_MESSAGE: Final = 500
_HIDDEN: Final = frozenset({"updatedAt"})


def create(kept: "Kept", body: dict[str, Any]) -> Reply:
    """A new version; its labels leave the versions that had them."""
    name, kind, prompt = body.get("name"), body.get("type", "text"), body.get("prompt")
    labels = body.get("labels") or []
    if not isinstance(name, str) or bad_name(name) or "|" in name or name in _RESERVED:
        return wrong("A name is a path without tags and |, and has no / at its ends", "name")
    if len(str(body.get("commitMessage") or "")) > _LONGEST_MESSAGE:
        return wrong(f"At most {_LONGEST_MESSAGE} characters", "commitMessage")
    if kind not in ("text", "chat") or not isinstance(prompt, str if kind == "text" else list):
        return wrong("The prompt does not go with its type")
    if any(not isinstance(label, str) or not _LABEL.fullmatch(label) or label == LATEST for label in labels):
        return wrong("A label is of small letters, digits, `_`, `.` and `-`, and not `latest`")
    versions = kept.prompts.setdefault(name, [])
    if versions and versions[0]["type"] != kind:
        return wrong("Earlier versions are of another type")
    made = {
        "name": name,
        "version": len(versions) + 1,
        "type": kind,
        "prompt": prompt,
        "config": body.get("config") or {},
        "labels": [],
        "tags": body.get("tags") or (versions[-1]["tags"] if versions else []),
        "commitMessage": body.get("commitMessage"),
        "resolutionGraph": None,
        "updatedAt": now(),
    }
    versions.append(made)
    _label(versions, made["version"], [*labels, LATEST])
    return 201, _shown(made)


def relabel(kept: "Kept", name: str, version: str, body: dict[str, Any]) -> Reply:
    """Gives a version more labels."""
    versions = kept.prompts.get(name, [])
    found = [one for one in versions if str(one["version"]) == version]
    labels = body.get("newLabels")
    if not found:
        return missing(f"Prompt not found: '{name}' with version {version}")
    if not isinstance(labels, list) or any(
        not _LABEL.fullmatch(label) or label == LATEST for label in labels
    ):
        return wrong("`newLabels` is a list of labels")
    _label(versions, found[0]["version"], labels)
    return 200, _shown(found[0])


def get(kept: "Kept", name: str, query: Query) -> Reply:
    """One version: by its number, by its label, else the one labelled `production`."""
    if query.get("version") and query.get("label"):
        return wrong("Either `version` or `label`")
    label = query.get("label") or "production"
    for one in kept.prompts.get(name, []):
        if str(one["version"]) == query["version"] if query.get("version") else label in one["labels"]:
            return 200, _shown(one)
    which = f"version {query['version']}" if query.get("version") else f"label '{label}'"
    return missing(f"Prompt not found: '{name}' with {which}")


def listing(kept: "Kept", query: Query) -> Reply:
    """All prompts, by name."""
    rows = []
    for name, versions in sorted(kept.prompts.items()):
        labels = sorted({label for one in versions for label in one["labels"]})
        if query.get("name", name) != name or (query.get("label") and query["label"] not in labels):
            continue
        rows.append(
            {
                "name": name,
                "type": versions[0]["type"],
                "versions": [one["version"] for one in versions],
                "labels": labels,
                "tags": versions[-1]["tags"],
                "lastUpdatedAt": versions[-1]["updatedAt"],
                "lastConfig": versions[-1]["config"],
            }
        )
    return page(rows, query)


def _label(versions: list[dict[str, Any]], version: int, labels: list[str]) -> None:
    for one in versions:
        rest = [label for label in one["labels"] if label not in labels]
        one["labels"] = [*rest, *dict.fromkeys(labels)] if one["version"] == version else rest


def _shown(one: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in one.items() if key not in _HIDDEN}
