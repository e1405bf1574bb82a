from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.models.pieces import Pieces

texts = st.text(alphabet="ab\n茶🍵é", max_size=30)
stops = st.lists(st.text(alphabet="ab\n茶🍵", min_size=1, max_size=4), max_size=3)


def run(data: bytes, cuts: list[int], stop: list[str]) -> tuple[list[str], bool]:
    pieces = Pieces(stop)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    given_out = [pieces.feed(data[a:b]) for a, b in pairwise(edges)]
    return [*given_out, pieces.finish()], pieces.stopped


@given(texts, stops, st.lists(st.integers(min_value=0, max_value=200), max_size=8))
def test_the_split_of_the_bytes_does_not_change_the_text(text: str, stop: list[str], cuts: list[int]) -> None:
    whole, stopped = run(text.encode(), [], stop)
    parts, stopped_too = run(text.encode(), cuts, stop)
    assert "".join(parts) == "".join(whole)
    assert stopped == stopped_too


@given(texts, stops, st.lists(st.integers(min_value=0, max_value=200), max_size=8))
def test_the_text_ends_before_the_stop_text_that_is_complete_first(
    text: str, stop: list[str], cuts: list[int]
) -> None:
    ends = [(text.find(s) + len(s), -len(s)) for s in stop if s in text]
    expected = text[: min(ends)[0] + min(ends)[1]] if ends else text
    parts, stopped = run(text.encode(), cuts, stop)
    assert "".join(parts) == expected
    assert stopped == bool(ends)


@given(texts)
def test_a_character_that_never_became_whole_is_dropped(text: str) -> None:
    parts, _ = run(text.encode() + "茶".encode()[:2], [], [])
    assert "".join(parts) == text


def test_what_may_become_a_stop_text_is_held_back_until_it_is_certain() -> None:
    pieces = Pieces(["\n\n"])
    assert pieces.feed(b"a\n") == "a"
    assert pieces.feed(b"b") == "\nb"
    assert pieces.feed(b"\n\nc") == ""
    assert pieces.stopped
