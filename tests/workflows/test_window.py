"""What goes into a prompt that has to fit a context."""

from hypothesis import given
from hypothesis import strategies as st

from workflows.window import Window, fit, history_limit, settled

TURNS = st.lists(st.tuples(st.text("a", max_size=60), st.text("b", max_size=90)), max_size=8)
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
    found = window(history=[("a", "b")], passages=["p" * 40, "r" * 40])
    assert found.whole
    assert (found.first, found.passages) == (0, (0, 1))


def test_the_latest_turns_stay() -> None:
    found = window(context=2000, history=[("a" * 20, "b" * 60)] * 16, passages=["p" * 100])
    assert 0 < found.first < 16
    assert found.passages == (0,)
    assert found.parts["history"] == (16 - found.first) * 96


def test_a_shorter_passage_takes_the_place_of_one_that_is_too_long() -> None:
    found = window(passages=["p" * 60, "r" * 900, "s" * 60])
    assert (found.passages, found.dropped_passages) == ((0, 2), (1,))


def test_history_cannot_push_the_best_passage_out() -> None:
    found = window(history=[("a" * 20, "b" * 10)] * 2, passages=["p" * 290])
    assert (found.passages, found.cut, found.first) == ((0,), 0, 2)


def test_facts_go_last_but_one_and_the_best_passage_is_cut_then() -> None:
    facts = ["f" * 30] * 3
    plenty = window(pinned=facts, history=[("a", "b")], passages=["p" * 100])
    assert (plenty.pinned, plenty.first, plenty.passages) == ((0, 1), 0, (0,))
    tight = window(context=200, pinned=facts[:1], history=[("a" * 9, "b")], passages=["p" * 900])
    assert (tight.pinned, tight.first, tight.cut) == ((), 1, 104)
    roomier = window(context=240, pinned=facts[:1], history=[("a" * 9, "b")], passages=["p" * 900])
    assert (roomier.pinned, roomier.first, roomier.cut) == ((0,), 1, 114)


def test_what_cannot_fit_at_all_is_said_by_the_room_for_the_answer() -> None:
    found = window(system="s" * 390, passages=["p"], history=[("a", "b")], pinned=["f"])
    assert found.answer < 50
    assert (found.passages, found.pinned, found.first) == ((), (), 1)


@given(st.lists(st.integers(1, 200), max_size=40), st.integers(0, 400))
def test_the_first_turn_that_stays_only_moves_forward_and_not_at_every_turn(
    sizes: list[int], limit: int
) -> None:
    places = [settled(sizes[:count], limit) for count in range(len(sizes) + 1)]
    assert places == sorted(places)
    assert all(sum(sizes[first:count]) <= limit for count, first in enumerate(places))


def test_history_that_is_cut_leaves_room_for_several_turns_more() -> None:
    places = [settled([10] * count, 100) for count in range(60)]
    assert len(set(places)) <= 60 / 5


def test_facts_question_and_passages_do_not_move_the_first_turn_that_stays() -> None:
    turns = [("a" * 20, "b" * 60)] * 16
    plain = window(context=2000, history=turns, passages=["p"])
    other = window(
        context=2000, history=turns, passages=["p" * 300] * 4, pinned=["f" * 50], question="q" * 90
    )
    assert plain.first == other.first > 0


@given(
    context=st.integers(100, 2000),
    pinned=st.lists(st.text("f", max_size=30), max_size=3),
    history=TURNS,
    summary=st.sampled_from([(), ("a" * 9, "b" * 60)]),
    passages=TEXTS,
)
def test_a_window_never_holds_more_than_the_context(
    context: int,
    pinned: list[str],
    history: list[tuple[str, str]],
    summary: tuple[str, ...],
    passages: list[str],
) -> None:
    found = window(context=context, pinned=pinned, history=history, passages=passages, summary=summary)
    assert found.used + found.answer <= context
    assert sorted((*found.passages, *found.dropped_passages)) == list(range(len(passages)))
    assert sorted((*found.pinned, *found.dropped_facts)) == list(range(len(pinned)))
    assert 0 <= found.first <= len(history)
    assert found.parts.get("history", 0) <= max(history_limit(context, 50) + 85, 0)
    if found.passages or found.first < len(history):
        assert found.answer == 50
