"""Normalising and language: forms that compare equal where a reader sees the same."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terakoya.text.language import language_of
from terakoya.text.normalise import fold, printable, squeeze, without_tags

ANY = st.text(alphabet=st.characters(), max_size=60)


@given(ANY)
def test_printable_text_can_be_encoded_and_holds_no_control_characters(text: str) -> None:
    shown = printable(text)
    shown.encode("utf-8")
    assert not [c for c in shown if unicodedata.category(c) == "Cc" and c not in "\t\n"]
    assert printable(shown) == shown


def test_unpaired_surrogates_are_replaced_and_paired_ones_joined() -> None:
    assert printable("a\ud83db") == "a�b"
    assert printable("\ud83d\ude00") == "😀"
    assert printable("tab\tline\nbell\a") == "tab\tline\nbell"


def test_width_case_and_dashes_do_not_count() -> None:
    assert fold("ＡＢＣ１２３ｶﾅ") == fold("abc123カナ")
    assert fold("2019–2021") == fold("2019‐2021") == "2019-2021"


@given(ANY)
def test_squeezed_text_holds_no_white_space(text: str) -> None:
    assert not any(c.isspace() for c in squeeze(text))


def test_tags_and_comments_of_one_line_go() -> None:
    assert without_tags("H<sub>2</sub>O <!-- water --> 3 < 4") == "H2O  3 < 4"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("光合成とは何ですか", "ja"),
        ("What is photosynthesis?", "en"),
        ("Pythonのlist comprehensionの書き方", "ja"),
        ("The word 侘 appears once in this English sentence about gardens.", "en"),
        ("ｶﾀｶﾅ", "ja"),
        ("", "en"),
        ("12345 !?", "en"),
    ],
)
def test_the_language_is_the_one_that_a_reader_needs(text: str, language: str) -> None:
    assert language_of(text) == language
