"""Suites and datasets, brought in step without duplicates.

Three states are compared: the case in the suite, the item in the dataset, and the digest that the item was
given when it was last written from a suite. So it is known which side has changed since.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from app.langfuse.items import (
    ARCHIVED,
    DATASETS,
    ITEMS,
    archived_item,
    as_case,
    digest,
    item_of,
    pushed_as,
    read_items,
    sent,
    untouched,
)
from app.langfuse.project import Project
from app.tracing.masking import Masker
from evals.importers import Draft, Options
from evals.importers.langfuse import draft_of
from evals.suite import load_suite
from evals.suite_file import add_case, change_case, read_cases
from terakoya.errors import BadInput, NotFound

Side = Literal["suite", "dataset"]
Step = Literal["push", "pull", "archive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What brings a suite and a dataset in step.

    Attributes:
        dataset: Name of the dataset.
        push: Cases to write into the dataset, by id.
        pull: Cases to write into the suite, by id.
        archive: Items to archive, by the id of the case that is gone.
        same: How many cases are alike on both sides.
        conflicts: Cases that both sides have changed.
        removed: Cases that were taken out of the suite, and whose items are still there.
        left_out: How many items stand for no case, by the reason.
        items: Ids of the items by those of their cases.
    """

    dataset: str
    push: dict[str, dict[str, Any]] = field(default_factory=dict)
    pull: dict[str, dict[str, Any]] = field(default_factory=dict)
    archive: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    same: int = 0
    conflicts: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)
    items: dict[str, str] = field(default_factory=dict)


def plan(
    project: Project,
    path: Path,
    *,
    dataset: str = "",
    prefer: Side | None = None,
    masker: Masker | None = None,
) -> Plan:
    """Compares the suite file at `path` with a dataset.

    Args:
        project: Where the dataset is.
        path: The suite file.
        dataset: Name of the dataset; that of the suite by default.
        prefer: Which side wins where both have changed, or where a case is gone or archived on one; neither
            by default.
        masker: See `item_of`.

    Raises:
        BadInput: The suite cannot be used.
        Unavailable: The server cannot be reached.
    """
    suite = load_suite(path)
    name = dataset or suite.name
    cases = read_cases(path)
    made = Plan(dataset=name)
    conflicts: list[str] = []
    removed: list[str] = []
    same = 0
    seen: set[str] = set()
    items = read_items(project, name)
    for item in items or ():
        case_id, there = as_case(name, item, suite.notes)
        if case_id in seen:  # a second item of one case: the older one counts
            made.left_out["twice"] = made.left_out.get("twice", 0) + 1
            continue
        seen.add(case_id)
        made.items[case_id] = str(item["id"])
        here = cases.get(case_id)
        if here is not None and untouched(item):
            if sent(item) == sent(item_of(name, case_id, here, masker=masker)):
                same += 1
            else:
                made.push[case_id] = here
            continue
        if isinstance(there, str):
            made.left_out[there] = made.left_out.get(there, 0) + 1
            continue
        if here is None:
            if not pushed_as(item) or prefer == "dataset":
                made.pull[case_id] = there
            elif prefer == "suite":
                made.archive[case_id] = item
            else:
                removed.append(case_id)
        elif digest(here) == digest(there):
            same += 1
        elif digest(there) == pushed_as(item) or prefer == "suite":
            made.push[case_id] = here
        elif prefer == "dataset" or (digest(here) == pushed_as(item) and not _masked(here, masker)):
            made.pull[case_id] = there
        else:
            conflicts.append(case_id)
    for case_id, case in cases.items():
        if case_id in seen:
            continue
        archived = archived_item(project, name, case_id) if items is not None else None
        if archived is not None and prefer != "suite":
            made.items[case_id] = str(archived["id"])
            made.left_out["set_aside"] = made.left_out.get("set_aside", 0) + 1
        else:
            made.push[case_id] = case
    return Plan(
        dataset=name,
        push=made.push,
        pull=made.pull,
        archive=made.archive,
        same=same,
        conflicts=tuple(conflicts),
        removed=tuple(removed),
        left_out=made.left_out,
        items=made.items,
    )


def _masked(case: Mapping[str, Any], masker: Masker | None) -> bool:
    """Whether a dataset has less of the case than the suite: what comes back would have marks in place of words."""
    return bool((masker or Masker()).outward(dict(case)) != dict(case))


def carry_out(
    project: Project, path: Path, plan: Plan, *, description: str = "", masker: Masker | None = None
) -> None:
    """Does what `plan` says; what was done before an error stays, and need not be done again.

    Raises:
        BadInput: The suite cannot be written, or the server does not like an item.
        Unavailable: The server cannot be reached.
    """
    if plan.push:
        write_items(project, plan, description=description, masker=masker)
    known = read_cases(path) if plan.pull else {}
    for case_id, case in plan.pull.items():
        write = change_case if case_id in known else add_case
        write(path, {"id": case_id, **case})
        # The item remembers from now on that the suite has it in this form.
        project.post(ITEMS, item_of(plan.dataset, case_id, case, id=plan.items[case_id], masker=masker))
    for case_id, item in plan.archive.items():
        given = {key: item.get(key) for key in ("input", "expectedOutput", "metadata")}
        project.post(
            ITEMS,
            {"datasetName": plan.dataset, "id": plan.items[case_id], **given, "status": ARCHIVED},
        )


def write_items(project: Project, plan: Plan, *, description: str = "", masker: Masker | None = None) -> None:
    """Writes the cases of `plan.push` into the dataset, which is made where it is not there."""
    project.post(DATASETS, {"name": plan.dataset, **({"description": description} if description else {})})
    for case_id, case in plan.push.items():
        body = item_of(plan.dataset, case_id, case, id=plan.items.get(case_id, ""), masker=masker)
        plan.items[case_id] = str(project.post(ITEMS, body)["id"])


def draft(project: Project, dataset: str, options: Options) -> Draft:
    """A suite of the items of a dataset.

    Raises:
        NotFound: There is no such dataset, or nothing in it.
        BadInput: An item names a passage that is not in the notes, or no notes are named.
    """
    items = read_items(project, dataset)
    if not items:
        raise NotFound("langfuse_dataset", name=dataset, address=project.account.base_url)
    if options.notes is None:
        raise BadInput("langfuse_notes", name=dataset)
    return draft_of(Path(dataset), ((1, item) for item in items), options)
