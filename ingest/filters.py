"""From a filter to the chunks that it lets through, as SQL: both arms of the search look at these alone."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.store import Store, even
from terakoya.errors import BadInput, NotFound
from terakoya.types import Filter

_CHUNKS: Final = "SELECT c.id FROM chunks c JOIN notes n ON n.id = c.note WHERE {conditions}"
_KEPT: Final = 4
"""Filters whose chunks are remembered: a person asks again in the folder that they asked in before."""
_TAG: Final = """EXISTS (
    SELECT 1 FROM (SELECT unnest(n.tags) AS tag) WHERE lower(tag) = {tag} OR starts_with(lower(tag), {tag} || '/')
)"""
_DAYS: Final = (
    "list_filter(json_extract_string(c.blocks, '$[*][6]'), lambda day: regexp_matches(day, '^[0-9]'))"
)
"""The days that the blocks of a chunk stand under, those without a year left out; see `encode_blocks`."""


class Chunks:
    """The chunks that a filter lets through, as a subquery with its parameters.

    A chunk is dated by the days under which its blocks stand in a learning log; a month overlaps with what is
    asked for. One without such a day is as old as its file.

    Attributes:
        sql: Gives the numbers of the chunks.
        values: What its parameters stand for; their names begin with `only_`.
    """

    def __init__(self, wanted: Filter, roots: Mapping[int, str]) -> None:
        self.values: dict[str, object] = {}
        conditions = [self._folders(wanted.folders, roots)] if wanted.folders else []
        conditions += [_TAG.format(tag=self._bound(even(tag.lstrip("#")))) for tag in wanted.tags]
        if wanted.languages:
            conditions.append(f"c.language IN (SELECT unnest({self._bound(list(wanted.languages))}))")
        if wanted.since or wanted.until:
            conditions.append(self._days(wanted.since, wanted.until))
        self.sql = _CHUNKS.format(conditions=" AND ".join(conditions) or "true")
        self._numbers: NDArray[np.int64] | None = None

    def numbers(self, store: Store) -> NDArray[np.int64]:
        """The chunks; looked up once for both arms of a search, and for all searches until the store changes."""
        found = self._numbers
        if found is None:
            known, asked = store.filtered(), f"{self.sql} {self.values}"
            found = known.get(asked)
            if found is None:
                found = store.columns(self.sql, self.values)["id"]
                for oldest in list(known)[: len(known) + 1 - _KEPT]:
                    known.pop(oldest, None)
                known[asked] = found
            self._numbers = found
        return found

    def _bound(self, value: object) -> str:
        name = f"only_{len(self.values)}"
        self.values[name] = value
        return f"${name}"

    def _folders(self, folders: tuple[str, ...], roots: Mapping[int, str]) -> str:
        found = [
            self._below(root, path)
            for folder in folders
            for root, name in roots.items()
            if (path := _below(even(folder).removeprefix("./").strip("/"), even(name).strip("/"))) is not None
        ]
        return f"({' OR '.join(found)})" if found else "false"

    def _below(self, root: int, path: str) -> str:
        here = f"n.root = {self._bound(root)}"
        if not path:
            return f"({here})"
        bound, stored = self._bound(path), "n.compared"
        return f"({here} AND ({stored} = {bound} OR starts_with({stored}, {bound} || '/')))"

    def _days(self, since: date | None, until: date | None) -> str:
        inside, changed = [], []
        if since:
            inside.append(f"day >= left({self._bound(since.isoformat())}, length(day))")
            changed.append(f"n.mtime_ns >= {self._bound(_midnight(since))}")
        if until:
            inside.append(f"day <= left({self._bound(until.isoformat())}, length(day))")
            changed.append(f"n.mtime_ns < {self._bound(_midnight(until, days=1))}")
        return (
            f"CASE WHEN len({_DAYS}) > 0 THEN len(list_filter({_DAYS}, lambda day: {' AND '.join(inside)})) > 0"
            f" ELSE {' AND '.join(changed)} END"
        )


def chunks_of(wanted: Filter | None, store: Store) -> Chunks | None:
    """The chunks that a filter lets through; None where it lets through all.

    Raises:
        BadInput: Its first day is behind its last.
    """
    if wanted and wanted.since and wanted.until and wanted.since > wanted.until:
        raise BadInput("filter_days", since=wanted.since, until=wanted.until)
    return Chunks(wanted, store.root_names()) if wanted and wanted != Filter() else None


def require_known(wanted: Filter, store: Store) -> None:
    """Looks at a filter that let nothing through.

    Raises:
        NotFound: No note is in one of its folders, or has one of its tags.
    """

    def empty(part: Filter) -> bool:
        chunks = Chunks(part, store.root_names())
        return not store.rows(f"{chunks.sql} LIMIT 1", chunks.values)

    for folder in wanted.folders:
        if empty(Filter(folders=(folder,))):
            raise NotFound("filter_folder", folder=folder)
    for tag in wanted.tags:
        if empty(Filter(tags=(tag,))):
            raise NotFound("filter_tag", tag=tag)


def _below(folder: str, root: str) -> str | None:
    """The path of a folder below a root whose sources begin with `root`; None where it lies elsewhere."""
    if not root or folder == root:
        return folder if not root else ""
    return folder.removeprefix(f"{root}/") if folder.startswith(f"{root}/") else None


def _midnight(day: date, *, days: int = 0) -> int:
    """The beginning of a day where the reader is, in nanoseconds since 1970."""
    begin = datetime.combine(day + timedelta(days=days), time.min).astimezone()
    return int(begin.timestamp()) * 10**9
