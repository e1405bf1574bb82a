"""English words without their endings."""

import pytest

from terakoya.text.stemming import stem


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("buy", "bought"),
        ("write", "written"),
        ("child", "children"),
        ("bacterium", "bacteria"),
        ("large", "largest"),
        ("release", "released"),
    ],
)
def test_the_forms_of_a_word_have_one_stem(word: str, form: str) -> None:
    assert stem(form) == stem(word)


@pytest.mark.parametrize(
    ("word", "other"), [("color", "coloured"), ("practicing", "practised"), ("license", "licences")]
)
def test_two_spellings_of_a_word_have_one_stem_in_all_forms(word: str, other: str) -> None:
    assert stem(other) == stem(word)


@pytest.mark.parametrize(("word", "other"), [("left", "leave"), ("media", "medium"), ("bases", "basis")])
def test_a_form_that_is_a_word_of_its_own_stays_apart(word: str, other: str) -> None:
    assert stem(word) != stem(other)
