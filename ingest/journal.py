"""The learning log in the notes: what stands under which days."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from ingest.store import Store
from terakoya.types import Entry, Passage

_WHOLE_MONTH: Final = 28
"""Days of a period from which on it takes in what is dated by its month only."""
_MOST: Final = 2000
"""Passages that are looked at."""
_LONGEST: Final = 500
"""Characters of an entry; more blocks of the same day stay in the note."""
_DATED: Final = """
    SELECT c.id FROM chunks c JOIN notes n ON n.id = c.note
    WHERE len(list_filter(
        json_extract_string(c.blocks, '$[*][6]'),
        lambda day: CASE
            WHEN day = '' THEN false
            WHEN NOT starts_with(day, '--') THEN day BETWEEN left($since, length(day)) AND left($until, length(day))
            WHEN left($since, 4) = left($until, 4) THEN day[2:] BETWEEN $since[5:] AND $until[5:]
            ELSE day[2:] >= $since[5:] OR day[2:] <= $until[5:]
        END
    )) > 0
    ORDER BY n.path, c.ordinal LIMIT $most
"""


class NoteJournal:
    """Implements `terakoya.protocols.Journal` over the days of the blocks. See `ingest.learning_log`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def entries(self, since: date, until: date) -> list[Entry]:
        """What stands under the days from `since` to `until`, by day and then as it stands in the notes."""
        bounds = {"since": since.isoformat(), "until": until.isoformat(), "most": _MOST}
        rows = [int(row[0]) for row in self._store.rows(_DATED, bounds)]
        passages = self._store.passages_by_row(rows)
        found = [entry for row in rows if row in passages for entry in _entries(passages[row], since, until)]
        return sorted(found, key=lambda entry: entry.day)


def _entries(passage: Passage, since: date, until: date) -> Iterator[Entry]:
    """One entry for each run of blocks of the same day; headings say the day and are no entry."""
    day, start, end = "", 0, 0
    for block in passage.blocks:
        if block.kind in ("heading", "metadata"):
            continue
        if block.date == day:
            if block.extent - start <= _LONGEST:
                end = max(end, block.extent)
            continue
        if day:
            yield Entry(day=day, passage=passage, start=start, end=end)
        day = block.date if block.date and _within(block.date, since, until) else ""
        start, end = block.start, block.extent if block.extent - block.start <= _LONGEST else block.end
    if day:
        yield Entry(day=day, passage=passage, start=start, end=end)


def _within(day: str, since: date, until: date) -> bool:
    if day.startswith("--"):
        return any(
            since.isoformat() <= f"{year}{day[1:]}" <= until.isoformat()
            for year in range(since.year, min(until.year, since.year + 1) + 1)
        )
    if len(day) == len("2025-07"):
        if (until - since).days + 1 < _WHOLE_MONTH:
            return False
        return since.isoformat()[:7] <= day <= until.isoformat()[:7]
    return since.isoformat() <= day <= until.isoformat()
