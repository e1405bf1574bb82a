"""The learning log is found wherever it stands among the notes."""

from datetime import date
from pathlib import Path

import pytest

import ingest.journal
from ingest.journal import NoteJournal
from ingest.store import Store


@pytest.mark.parametrize("other", ["no day", "another day", "another day of every year"])
def test_days_are_found_behind_any_number_of_other_passages(
    store: Store, write, sync, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    monkeypatch.setattr(ingest.journal, "_MOST", 20)
    heading = {"no day": "Part", "another day": "2026-10-01", "another day of every year": "10/1"}[other]
    folder: Path = write(
        {
            "a.md": "".join(f"## {heading}\n\n- entry {number} of many words\n\n" for number in range(60)),
            "log.md": "# Log\n\n## 2026-11-21\n\n- LoRA\n",
            "yearless.md": "# Log\n\n## 12/1\n\n- bits\n",
        }
    )
    sync(folder)
    journal = NoteJournal(store)
    for since, until, found in (
        (date(2026, 11, 21), date(2026, 11, 21), ["2026-11-21"]),
        (date(2026, 11, 21), date(2026, 12, 1), ["--12-01", "2026-11-21"]),
        (date(2026, 11, 30), date(2027, 1, 3), ["--12-01"]),
        (date(2026, 11, 22), date(2026, 11, 30), []),
    ):
        assert [entry.day for entry in journal.entries(since, until)] == found
