"""What a model wrote, taken apart; and the marks in it while it is still coming."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.claims import written
from workflows.resolving import says_nothing
from workflows.streaming import MarkStream


def pieces(said: str, count: int = 2, *literal: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(p.text, p.markers) for p in written(said, count, lambda text: text in literal)]


@pytest.mark.parametrize(
    "said",
    [
        "Peas grow[1][2].",
        "Peas grow [1][2].",
        "Peas grow [1, 2].",
        "Peas grow. [1] [2]",
        "Peas grow［１］［２］.",
        "Peas grow【1】【2】.",
        "Peas grow [1、2].",
        "Peas grow [passage 1] [Passage 2].",
        "Peas grow [^1][^2].",
        "[1][2] Peas grow.",
        "Peas grow [1][2][9].",
    ],
)
def test_marks_are_known_in_the_forms_that_models_write(said: str) -> None:
    assert pieces(said) == [("Peas grow.", (1, 2))]


@pytest.mark.parametrize(
    ("said", "markers"),
    [
        ("豆は育つ［１］。種は数える【２】。", [(1,), (2,)]),
        ("豆は育つ。[1]種は数える。[2]", [(1,), (2,)]),
        ("[1] 豆は育つ。[2] 種は数える。", [(1,), (2,)]),
        ("豆は育つ（出典なし）。種は数える[文献2]。", [(), (2,)]),
    ],
)
def test_each_sentence_has_its_own_marks_in_japanese_too(said: str, markers: list[tuple[int, ...]]) -> None:
    assert [found for _, found in pieces(said)] == markers


def test_what_stands_in_the_notes_like_a_mark_is_text() -> None:
    assert pieces("row[1] is the second [2].", 2, "row[1]") == [("row[1] is the second.", (2,))]
    assert pieces("It lies in [0, 9] [1].", 2, "[0, 9]") == [("It lies in [0, 9].", (1,))]
    assert pieces("`a[1]` is it [2].") == [("`a[1]` is it.", (2,))]


def test_a_block_of_code_is_one_piece_and_stands_on_the_mark_beside_it() -> None:
    said = "Like this [1]:\n\n```python\nx = 1. \n\ny = a[2]\n```\n\nAnd so on [2]."
    kinds = [(p.kind, p.markers) for p in written(said, 2, lambda text: text == "y = a[2]")]
    assert kinds == [("sentence", (1,)), ("code", (1,)), ("sentence", (2,))]
    assert [p.markers for p in written("```\nx\n```\n[2]", 2)] == [(2,)]
    assert [p.markers for p in written("```\nx [2]\n```", 2)] == [(2,)]
    assert [p.markers for p in written("```\nx\n```", 2)] == [()]


def test_each_row_of_a_table_is_a_piece() -> None:
    said = "| a | b |\n|---|---|\n| 1 | x [1] |\n| 2 | y |\n"
    found = written(said, 2)
    assert [(p.kind, p.head, p.markers) for p in found] == [
        ("row", True, (1,)),
        ("rule", False, ()),
        ("row", False, (1,)),
        ("row", False, (1,)),
    ]


@given(st.text("ab .。[]［］【】12,\n|`-*", max_size=120))
def test_nothing_of_an_answer_is_invented(said: str) -> None:
    for piece in written(said, 2):
        assert set(piece.text) <= {*said, " "}
        assert all(number in (1, 2) for number in piece.markers)


def streamed(said: str, sizes: int) -> str:
    shown: list[str] = []
    numbers = {"Peas grow": 1, "They are round": 2}

    def resolve(text: str) -> tuple[int, int]:
        found = written(text, 9)
        return len(found), next((n for words, n in numbers.items() if found[-1].text.startswith(words)), 0)

    stream = MarkStream(shown.append, resolve)
    for at in range(0, len(said), sizes):
        stream.feed(said[at : at + sizes])
    stream.close()
    return "".join(shown)


@pytest.mark.parametrize("sizes", [1, 2, 3, 5, 99])
@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Peas grow [7]. They are round [3][4].", "Peas grow [1]. They are round [2]."),
        ("Peas grow［７］. They are round [3, 4].", "Peas grow[1]. They are round [2]."),
        ("Cheese [1]. Peas grow. [5]", "Cheese. Peas grow. [1]"),
        ("Peas grow [draft", "Peas grow [draft"),
        ("Peas grow [see note] so.", "Peas grow [see note] so."),
    ],
)
def test_marks_come_with_the_numbers_of_their_citations_however_the_text_is_cut(
    said: str, shown: str, sizes: int
) -> None:
    assert streamed(said, sizes) == shown


@pytest.mark.parametrize("said", ["NO ANSWER", "no answer", " **NO ANSWER**"])
def test_a_refusal_is_held_back_until_it_is_whole(said: str) -> None:
    shown: list[str] = []
    stream = MarkStream(shown.append, lambda text: (1, 0))
    for character in said:
        stream.feed(character)
    assert shown == []


def test_what_only_begins_like_a_refusal_is_passed_on() -> None:
    assert streamed("No one knew. Peas grow [1].", 1) == "No one knew. Peas grow [1]."


@pytest.mark.parametrize(
    ("said", "nothing"),
    [
        ("NO ANSWER", True),
        ("NO ANSWER The notes are silent", True),
        ("no answer.", True),
        ("「NO ANSWER」", True),
        ("回答：NO ANSWER", True),
        ("No answer key is printed on page 9 [1].", False),
        ("Mendel gave no answer.", False),
        ("", False),
    ],
)
def test_a_refusal_is_told_from_an_answer_that_begins_like_one(said: str, nothing: bool) -> None:
    assert says_nothing(said) is nothing
