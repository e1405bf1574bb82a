"""Verifying: a citation stands in the notes, or it goes, and its mark with it."""

from dataclasses import replace

import pytest

from terakoya.types import Citation, Draft
from workflows.testing import citation, passage
from workflows.verifying import verify

PEAS = passage(
    "Mendel grew peas.\nHe counted them.\nMendel grew peas.", id="p1", source="a.md", start_line=5, start=40
)
CODE = passage("x = row[5]\ny = row[1]", id="p2", source="b.md")
KNOWN = {p.id: p for p in (PEAS, CODE)}


def draft(text: str, *citations: Citation, answered: bool = True) -> Draft:
    return Draft(text=text, answered=answered, citations=citations, model="m")


def test_what_stands_in_the_notes_is_kept() -> None:
    sound = draft(
        "He grew peas [1] and counted [2].",
        citation(PEAS, "Mendel grew peas."),
        citation(PEAS, "He counted", marker=2),
    )
    assert verify(sound, KNOWN) == sound


@pytest.mark.parametrize(
    "change",
    [
        {"quote": "Mendel grew beans."},
        {"quote": "Mendel  grew peas."},
        {"quote": " "},
        {"quote": ""},
        {"passage_id": "p9"},
        {"source": "other.md"},
        {"start_line": 1, "end_line": 1},
        {"end_line": 6},
    ],
)
def test_an_invented_citation_goes_with_its_mark(change: dict[str, object]) -> None:
    invented = replace(citation(PEAS, "Mendel grew peas.", marker=2), **change)
    checked = verify(draft("Counted [1]. Beans [2].", citation(PEAS, "He counted"), invented), KNOWN)
    assert (checked.text, len(checked.citations), checked.answered) == ("Counted [1]. Beans.", 1, True)


def test_the_same_words_further_down_count_on_their_own_lines() -> None:
    again = replace(citation(PEAS, "Mendel grew peas."), start_line=7, end_line=7)
    assert verify(draft("Peas [1].", again), KNOWN).answered


def test_a_mark_without_a_citation_goes() -> None:
    assert verify(draft("One [1]. Two [7].", citation(PEAS, "He counted")), KNOWN).text == "One [1]. Two."


def test_brackets_that_the_notes_themselves_have_stay() -> None:
    quoted = draft("```\nx = row[5]\ny = row[1]\n```\n[1]", citation(CODE, "x = row[5]\ny = row[1]"))
    assert verify(quoted, KNOWN).text == quoted.text


def test_without_any_sound_citation_nothing_is_answered_and_nothing_said() -> None:
    checked = verify(draft("All invented [1].", replace(citation(PEAS, "He counted"), quote="no")), KNOWN)
    assert (checked.answered, checked.text, checked.citations) == (False, "", ())
    assert not verify(draft("No marks at all."), KNOWN).answered


def test_a_draft_that_declines_keeps_its_words_and_its_sound_citations() -> None:
    nearest = citation(PEAS, "He counted")
    checked = verify(draft("Not in the notes.", nearest, replace(nearest, quote="x"), answered=False), KNOWN)
    assert (checked.text, checked.citations, checked.answered) == ("Not in the notes.", (nearest,), False)
