"""Items of a dataset, and the cases of a suite that they stand for."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from app.langfuse.project import Project, named
from app.tracing.masking import Masker
from evals.importers.langfuse import case_id, case_of
from evals.note import Notes
from evals.schema import CaseForm
from evals.suite_file import plain
from terakoya.errors import BadInput

DATASETS: Final = "/api/public/v2/datasets"
ITEMS: Final = "/api/public/dataset-items"
ARCHIVED: Final = "ARCHIVED"
_EXPECTED: Final = ("expected", "answers", "key_facts", "must_not", "passages", "relevant", "answerable")
_ABOUT: Final = ("language", "tags", "must_pass")


def item_id(dataset: str, case: str) -> str:
    """The id of a case's item: the same each time, and another in each dataset, as the server asks."""
    return hashlib.sha256(json.dumps(["terakoya", dataset, case]).encode()).hexdigest()[:32]


def digest(case: Mapping[str, Any]) -> str:
    """Digest of all that a case says beside its id."""
    form = CaseForm.model_validate({**case, "id": "-"})
    return hashlib.sha256(json.dumps(plain(form), sort_keys=True).encode()).hexdigest()[:16]


def item_of(
    dataset: str, name: str, case: Mapping[str, Any], *, id: str = "", masker: Masker | None = None
) -> dict[str, Any]:
    """A case as an item, in the body that makes or replaces it.

    Input and expected output are objects: the server reads a bare string as JSON, and would make the question
    `4` a number. The digests in the metadata tell later which side has changed: that of the case as the suite
    has it, and that of what was sent of it.

    Args:
        dataset: Name of the dataset.
        name: Id of the case.
        case: With the keys of a case in a suite file.
        id: Of an item that is there already; the case's own by default.
        masker: What is taken out of texts, as out of traces; by default what has the form of a secret.
    """
    outward = (masker or Masker()).outward
    turns = case.get("conversation")
    asked: dict[str, Any] = {"question": case.get("question", "")}
    if turns:
        asked = {"messages": [{"role": "user", "content": turn} for turn in turns]}
    about = {key: case[key] for key in _ABOUT if key in case}
    if "tags" in about:
        about["tags"] = outward(about["tags"])
    body: dict[str, Any] = {
        "datasetName": dataset,
        "id": id or item_id(dataset, name),
        "input": outward(asked),
        "expectedOutput": outward({key: case[key] for key in _EXPECTED if key in case}),
        "metadata": {"case": name, **about, "digest": digest(case)},
        "status": "ACTIVE",
    }
    body["metadata"]["sent"] = sent(body)
    return body


def sent(item: Mapping[str, Any]) -> str:
    """Digest of what an item says, in a body or as the server gives it."""
    metadata = item.get("metadata")
    about = {key: metadata[key] for key in _ABOUT if key in metadata} if isinstance(metadata, dict) else {}
    content = json.dumps([item.get("input"), item.get("expectedOutput"), about], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def untouched(item: Mapping[str, Any]) -> bool:
    """Whether an item says what was sent when it was last written from a suite."""
    metadata = item.get("metadata")
    return isinstance(metadata, dict) and metadata.get("sent") == sent(item)


def read_items(project: Project, dataset: str) -> list[Mapping[str, Any]] | None:
    """The items of a dataset, the oldest first; None where there is no such dataset.

    The server lists none that are archived; see `archived_item`.

    Raises:
        Unavailable: See `Project.get`.
    """
    if project.get(f"{DATASETS}/{named(dataset)}", missing=True) is None:
        return None
    return sorted(project.pages(ITEMS, datasetName=dataset), key=lambda item: str(item.get("createdAt", "")))


def archived_item(project: Project, dataset: str, case: str) -> Mapping[str, Any] | None:
    """The item of a case that no list has, where it is there and archived. Raises as `read_items` does."""
    item = project.get(f"{ITEMS}/{named(item_id(dataset, case))}", missing=True)
    return item if item is not None and item.get("status") == ARCHIVED else None


def as_case(dataset: str, item: Mapping[str, Any], notes: Notes) -> tuple[str, dict[str, Any] | str]:
    """Id and case of an item; a word in place of the case says why there is none: see `case_of`, or `unusable`."""
    try:
        made = case_of(Path(dataset), 1, item, notes)
    except BadInput:
        return case_id(item), "unusable"
    if isinstance(made, dict):
        made = plain(CaseForm.model_validate({**made, "id": "-"}))
    return case_id(item), made


def pushed_as(item: Mapping[str, Any]) -> str:
    """Digest of the case as it was when the item was last written from a suite; empty where it never was."""
    metadata = item.get("metadata")
    return str(metadata.get("digest") or "") if isinstance(metadata, dict) else ""
