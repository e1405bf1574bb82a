from datetime import date

import pytest

from ingest.journal import NoteJournal
from terakoya.errors import BadInput, NotFound
from terakoya.types import Draft
from workflows.tools.builtin import calculator, calendar, read_note, search_notes
from workflows.tools.periods import find_period
from workflows.verifying import verify

LOG = """# 学習ログ

## 2025-07-07

- 表計算の講座をはじめた
  - 相対参照と絶対参照

## 2025-07-14

ピボットテーブル

```
=SUM(A1:A3)
```

## 2025-09-01

- 別の日
"""


@pytest.fixture
def log(taken_in):
    retriever = taken_in({"log.md": LOG, "other.md": "# SQL\n\nA join.\n"})
    return retriever, calendar(NoteJournal(retriever._store), lambda: date(2026, 11, 22))


def test_the_calendar_quotes_what_stands_under_the_days(log):
    retriever, tool = log
    result = tool.call({"when": "2025年7月"}, language="ja")
    assert [c.quote for c in result.citations] == [
        "- 表計算の講座をはじめた\n  - 相対参照と絶対参照",
        "ピボットテーブル\n\n```\n=SUM(A1:A3)\n```",
    ]
    assert [c.start_line for c in result.citations] == [5, 10]
    assert "2025-07-14" in result.text
    draft = Draft(text=result.text, answered=True, citations=result.citations, model="calendar")
    passages = {p.id: p for p in retriever.passages([c.passage_id for c in result.citations])}
    assert verify(draft, passages) == draft


def test_a_month_without_its_year_is_that_of_the_latest_log(log):
    result = log[1].call({"when": "7月の第2週"}, language="ja")
    assert [c.start_line for c in result.citations] == [5]


def test_days_without_an_entry_are_said_to_have_none(log):
    result = log[1].call({"when": "last week"}, language="en")
    assert result.failed
    assert "2026-11-09 to 2026-11-15" in result.text
    assert not result.citations


def test_words_that_name_no_day_are_refused(log):
    with pytest.raises(BadInput):
        log[1].call({"when": "whenever"}, language="en")


def test_days_without_a_year_in_the_log_belong_to_every_year(taken_in):
    store = taken_in({"log.md": "# Log\n\n## 12/1\n\n- bits\n\n## 12/2\n\n- Docker\n"})._store
    journal = NoteJournal(store)
    found = journal.entries(date(2024, 12, 1), date(2024, 12, 1))
    assert [entry.passage.text[entry.start : entry.end] for entry in found] == ["- bits"]
    assert journal.entries(date(2024, 12, 3), date(2025, 11, 30)) == []
    assert len(journal.entries(date(2024, 11, 30), date(2025, 1, 3))) == 2


def test_a_long_log_shows_some_entries_and_counts_the_rest(taken_in):
    days = "".join(f"## 2025-07-{day:02}\n\n- entry {day}\n\n" for day in range(1, 31))
    store = taken_in({"log.md": f"# Log\n\n{days}"})._store
    result = calendar(NoteJournal(store), lambda: date(2025, 8, 1)).call({"when": "July"}, language="en")
    assert len(result.citations) <= 12
    found = find_period("2025-07-01 to 2025-07-31", date(2025, 8, 1))
    assert f"{len(NoteJournal(store).entries(found.since, found.until)) - 12} more" in (
        calendar(NoteJournal(store), lambda: date(2025, 8, 1)).call({"when": "in July"}, language="en").text
    )


def test_the_calculator_shows_expression_and_value():
    assert calculator().call({"expression": "12 × 3"}, language="ja").text == "12 × 3 = 36"
    assert calculator().call({"expression": "2 * 3"}, language="en").text == "2 \\* 3 = 6"
    assert calculator().call({"expression": "1/3"}, language="en").text == "1/3 ≈ 0.333333333333"


def test_the_search_quotes_whole_passages(log):
    result = search_notes(log[0]).call({"query": "join"}, language="en")
    assert "A join." in result.citations[0].quote


def test_a_note_is_read_from_a_line_on():
    tool = read_note(lambda source: "\n".join(f"line {n}" for n in range(1, 101)))
    result = tool.call({"source": "n.md", "line": 30}, language="en")
    assert result.text.splitlines()[0] == "line 30"
    assert result.text.splitlines()[-1] == "line 89"
    assert result.left_out > 0


def test_a_note_that_is_not_there_is_said_so():
    def read(source):
        raise NotFound("note_unknown", source=source)

    with pytest.raises(NotFound):
        read_note(read).call({"source": "x.md"}, language="en")
