"""What goes into a prompt that has to fit a context."""

from hypothesis import given
from hypothesis import strategies as st

from terakoya.types import Turn
from workflows.window import Window, fit

TURNS = st.lists(
    st.builds(Turn, question=st.text("a", max_size=60), answer=st.text("b", max_size=90)), max_size=8
)
TEXTS = st.lists(st.text("p", max_size=120), max_size=8)


def window(**parts: object) -> Window:
    given: dict[str, object] = {
        "context": 400,
        "answer": 50,
        "count": len,
        "system": "s" * 20,
        "question": "q" * 10,
    }
    return fit(**{**given, **parts})  # type: ignore[arg-type]


def test_what_fits_stays_whole() -> None:
    found = window(history=[Turn(question="a", answer="b")], passages=["p" * 40, "r" * 40])
    assert found.whole
    assert (len(found.history), found.passages) == (1, (0, 1))


def test_the_latest_turns_stay_and_the_earlier_ones_are_named() -> None:
    turns = [Turn(question=f"{n}" * 20, answer="b" * 60) for n in range(6)]
    found = window(history=turns, passages=["p" * 100])
    assert found.history == tuple(turns[len(turns) - len(found.history) :])
    assert found.dropped_turns == tuple(range(6 - len(found.history)))
    assert found.passages == (0,)
    assert 0 < len(found.history) < 6


def test_a_shorter_passage_takes_the_place_of_one_that_is_too_long() -> None:
    found = window(passages=["p" * 60, "r" * 900, "s" * 60])
    assert found.passages == (0, 2)
    assert found.dropped_passages == (1,)


def test_history_cannot_push_the_best_passage_out() -> None:
    turns = [Turn(question="a" * 20, answer="b" * 40)] * 20
    assert window(history=turns, passages=["p" * 120]).passages == (0,)


def test_what_cannot_fit_at_all_is_said_by_the_room_for_the_answer() -> None:
    found = window(system="s" * 390, passages=["p"], history=[Turn(question="a", answer="b")])
    assert found.answer < 50
    assert not found.passages
    assert not found.history


@given(
    context=st.integers(100, 2000),
    pinned=st.lists(st.text("f", max_size=30), max_size=3),
    history=TURNS,
    passages=TEXTS,
)
def test_a_window_never_holds_more_than_the_context(
    context: int, pinned: list[str], history: list[Turn], passages: list[str]
) -> None:
    found = window(context=context, pinned=pinned, history=history, passages=passages)
    assert found.used + found.answer <= context
    assert sorted((*found.passages, *found.dropped_passages)) == list(range(len(passages)))
    assert len(found.history) + len(found.dropped_turns) == len(history)
    if found.history or found.passages:
        assert found.answer == 50
