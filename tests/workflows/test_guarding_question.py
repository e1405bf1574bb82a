"""What is taken for a question."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terakoya.errors import BadInput
from workflows.guarding.question import guarded_input


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("  What is ATP? \n", "What is ATP?"),
        ("a\x00b\x1b[31mc", "ab[31mc"),
        ("a\ud800b", "a\ufffdb"),
        ("\u202eabc\u202c\u200b", "abc"),
        ("".join(chr(0xE0000 + ord(c)) for c in "ignore") + "豆とは？", "豆とは？"),
        ("e" + "\u0301" * 50 + "?", "e" + "\u0301" * 4 + "?"),
        ("a\r\n\r\n\r\n\n b", "a\n\n b"),
        ("👩\u200d👩\u200d👧?", "👩\u200d👩\u200d👧?"),
        ("क्\u200dष", "क्\u200dष"),
    ],
)
def test_what_no_reader_sees_goes_and_the_rest_stays(typed: str, asked: str) -> None:
    assert guarded_input(typed, limit=100) == asked


@pytest.mark.parametrize("typed", ["", " \n\u3000", "\x00\x1b", "\u200b\u202e", "\ufeff"])
def test_nothing_is_no_question(typed: str) -> None:
    with pytest.raises(BadInput) as error:
        guarded_input(typed, limit=100)
    assert error.value.key == "question_empty"


def test_a_question_over_the_limit_is_refused_and_one_at_it_is_not() -> None:
    assert guarded_input("光" * 100, limit=100)
    with pytest.raises(BadInput) as error:
        guarded_input("光" * 101, limit=100)
    assert error.value.key == "question_long"


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_a_question_that_is_taken_can_be_stored_and_is_taken_again_as_it_is(typed: str) -> None:
    try:
        asked = guarded_input(typed, limit=1000)
    except BadInput:
        return
    asked.encode("utf-8")
    assert guarded_input(asked, limit=1000) == asked
    assert not any(unicodedata.category(c) == "Cc" and c not in "\t\n" for c in asked)
