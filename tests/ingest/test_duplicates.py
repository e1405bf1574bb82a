"""Near-duplicates: copies and versions are found whatever their marks and width, and nothing else is."""

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.duplicates import _jaccard, _letters, _shingles, _sketch, duplicates
from ingest.store import Store
from terakoya.api import AlikeNotes
from terakoya.errors import BadInput

WORDS = [
    f"{first}{second}{third}"
    for first in "bdfgklmnprst"
    for second in "aeiou"
    for third in ("na", "ki", "ro", "st")
]


def prose(seed: int, words: int = 200) -> list[str]:
    return random.Random(seed).choices(WORDS, k=words)


@pytest.fixture
def groups(store: Store, write, sync) -> Callable[..., list[AlikeNotes]]:
    def found(files: dict[str, str], similarity: float = 0.8) -> list[AlikeNotes]:
        sync(write(files))
        return duplicates(store, similarity)

    return found


def names(found: list[AlikeNotes]) -> list[set[str]]:
    return [{note.source for note in group.notes} for group in found]


def test_copies_and_versions_are_found_and_other_notes_are_not(groups) -> None:
    base = prose(1)
    changed = [*base[:100], "another", *base[101:]]
    found = groups(
        {
            "a.md": " ".join(base),
            "b.md": " ".join(base),
            "c.md": " ".join([*changed, "with", "an", "end"]),
            "d.md": " ".join(prose(2)),
            "e.md": " ".join(prose(3)),
        }
    )
    assert names(found) == [{"a.md", "b.md", "c.md"}]
    first, *others = found[0].notes
    assert (first.source, first.similarity) == ("c.md", 1.0)
    assert [0.8 < note.similarity < 1 for note in others] == [True, True]


def test_marks_case_width_and_line_breaks_make_no_difference(groups) -> None:
    found = groups(
        {
            "plain.txt": "Mendel grew peas in Brno. エンドウの実験は１８６５年。\n",
            "marked.md": "# Mendel\n\n- **grew** peas\n  in BRNO\n\nｴﾝﾄﾞｳの実験は 1865 年\n",
        }
    )
    assert names(found) == [{"plain.txt", "marked.md"}]
    assert [note.similarity for note in found[0].notes] == [1.0, 1.0]


def test_the_most_alike_come_first_and_the_bar_can_be_moved(groups) -> None:
    one, two = prose(1), prose(2)
    files = {
        "near-a.md": " ".join(one),
        "near-b.md": " ".join([*one[:195], *prose(5, 5)]),
        "far-a.md": " ".join(two),
        "far-b.md": " ".join([*two[:150], *prose(6, 50)]),
    }
    assert names(groups(files)) == [{"near-a.md", "near-b.md"}]
    assert names(groups(files, 0.5)) == [{"near-a.md", "near-b.md"}, {"far-a.md", "far-b.md"}]


def test_a_crowd_of_versions_is_one_group(groups) -> None:
    base = " ".join(prose(1))
    found = groups({f"{n}.md": f"{base} day {n}" for n in range(80)})
    assert names(found) == [{f"{n}.md" for n in range(80)}]


def test_notes_with_next_to_nothing_in_them_are_no_duplicates(groups) -> None:
    assert groups({"a.md": "# TODO\n", "b.md": "# TODO\n", "c.md": "---\n", "d.md": "***\n"}) == []


@pytest.mark.parametrize("similarity", [0.0, 0.49, 1.01, float("nan")])
def test_a_similarity_that_is_none_is_refused(store: Store, similarity: float) -> None:
    with pytest.raises(BadInput, match="similarity"):
        duplicates(store, similarity)


def test_a_store_without_notes_has_no_duplicates(store: Store) -> None:
    assert duplicates(store) == []


@given(st.text(min_size=1), st.text(min_size=1))
def test_the_similarity_of_whole_sets_is_that_of_jaccard(one: str, other: str) -> None:
    def shingles(letters: str) -> set[str]:
        return {letters[at : at + 8] for at in range(len(letters) - 7)}

    first, second = (_letters(text) + "abcdefgh" for text in (one, other))
    a, b = shingles(first), shingles(second)
    assert _jaccard(_shingles(first), _shingles(second)) == pytest.approx(len(a & b) / len(a | b))


@pytest.mark.parametrize("length", [40, 400, 4000])
def test_sketches_tell_the_similarity_about_right(length: int) -> None:
    errors = []
    for seed in range(60):
        rng = random.Random(seed)
        one = rng.choices("abcdefghijklmnop", k=length)
        other = [*one]
        for at in rng.sample(range(length), max(1, length // 60)):
            other[at] = "z"
        first, second = _shingles("".join(one)), _shingles("".join(other))
        guess = np.mean(_sketch(first) == _sketch(second))
        errors.append(guess - _jaccard(first, second))
    assert abs(np.mean(errors)) < 0.03
    assert np.max(np.abs(errors)) < 0.2
