"""What stands for the first turns of a long conversation is shown to its reader."""

import pytest
from samples import note

from terakoya.api import EarlierTurns, Thread, Unfinished


@pytest.fixture
def thread(service):
    service.notes = [note("tcp.md", "TCP")]
    given = {"id": "u1", "thread_id": "t1", "effort": "deep", "asked": "2026-11-22T00:00:00+00:00"}
    service.threads["t1"] = Thread(
        thread_id="t1", turns=[], unfinished=[Unfinished(question="Why peas?", **given)]
    )
    return service.threads["t1"]


def test_a_summary_that_stands_for_earlier_turns_is_shown_as_data(page, shown, thread):
    thread.summary = EarlierTurns(
        text="- peas, ![by Mendel](https://example.org/p.png)", turns=7, by="extractive"
    )
    app = page(thread="t1")
    labels = [each.label for each in app.main.expander]
    assert "A model is told a summary of the first 7 questions" in labels
    assert "by Mendel" in shown(app)
    assert "![" not in shown(app)


def test_a_short_conversation_has_none(page, thread):
    assert not any("summary" in each.label for each in page(thread="t1").main.expander)
