"""Whose turn it is: nobody's many requests hold back another's one."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.models.engine import LocalEngine
from app.models.generation import ChatMessage
from app.models.line import Line
from app.models.options import ModelOptions
from app.models.sampling import Sampling
from app.models.task import Task
from tests.app.models.waiting import eventually

Open = Callable[..., LocalEngine]
ENDLESS = Sampling(temperature=0, max_tokens=3000)
SHORT = Sampling(temperature=0, max_tokens=2)
NAMES = st.sampled_from(["", "a", "b", "c"])
EVENTS = st.lists(st.one_of(NAMES, st.none()), max_size=60)
"""Who joins the line; None where somebody is served."""


def task(asker: str, number: int = 0) -> Task:
    nothing: Any = None
    return Task(
        number=number,
        prompt=[],
        sampling=Sampling(),
        chooser=nothing,
        room=1,
        tell=lambda event, **values: None,
        asker=asker,
    )


def served(events: list[str | None]) -> list[Task]:
    """Those served, in their order, until the line is empty."""
    line, found = Line(), []
    for number, event in enumerate([*events, *[None] * len(events)]):
        if event is not None:
            line.join(task(event, number))
        elif (first := line.first(set())) is not None:
            line.serve(first)
            found.append(first)
    assert not len(line)
    return found


@given(EVENTS)
def test_everybody_is_served_once_and_each_askers_requests_in_their_order(events: list[str | None]) -> None:
    found = served(events)
    assert sorted(each.number for each in found) == [n for n, name in enumerate(events) if name is not None]
    for name in ("", "a", "b", "c"):
        numbers = [each.number for each in found if each.asker == name]
        assert numbers == sorted(numbers)


@given(EVENTS)
def test_while_one_waits_nobody_else_is_served_more_than_two_times(events: list[str | None]) -> None:
    line = Line()
    passed: dict[int, dict[str, int]] = {}
    for number, event in enumerate([*events, *[None] * len(events)]):
        if event is not None:
            if event not in {each.asker for each in line}:  # the first in its asker's own line
                passed[number] = {}
            line.join(task(event, number))
        elif (first := line.first(set())) is not None:
            line.serve(first)
            passed.pop(first.number, None)
            for counts in passed.values():
                counts[first.asker] = counts.get(first.asker, 0) + 1
            assert all(count <= 2 for counts in passed.values() for count in counts.values())


def test_ten_requests_of_one_are_behind_the_one_of_another() -> None:
    events: list[str | None] = ["a"] * 10 + ["b"] + [None] * 2 + ["c"]
    order = "".join(each.asker for each in served(events))
    assert order.index("b") == 1
    assert order.index("c") <= 3


def test_whoever_left_is_forgotten() -> None:
    line = Line()
    gone = task("a")
    line.join(gone)
    line.join(task("b"))
    line.leave(gone)
    first = line.first(set())
    assert first
    assert first.asker == "b"
    assert line.first({"b"}) is None


def test_a_long_life_with_many_askers_keeps_only_those_who_are_ahead() -> None:
    line = Line()
    for number in range(5000):
        one = task(f"{number}")
        line.join(one)
        line.serve(one)
    assert len(line._next) <= 1001


def question(text: str) -> list[ChatMessage]:
    return [{"role": "user", "content": text}]


def test_with_a_real_worker_the_one_who_asks_once_does_not_wait_for_ten(
    endless_model: Path, open_engine: Open
) -> None:
    engine = open_engine(endless_model, context_tokens=4096, options=ModelOptions(slots=1))
    running = engine.generate(question("x"), ENDLESS, asker="many")
    next(running)
    places: dict[str, list[int]] = {}

    def ask(name: str, asker: str) -> None:
        told = places.setdefault(name, [])
        list(engine.generate(question(name), SHORT, asker=asker, waiting=told.append))

    many = []
    for number in range(10):
        many.append(threading.Thread(target=ask, args=(f"many {number}", "many")))
        many[-1].start()
        eventually(lambda number=number: places.get(f"many {number}"))
    one = threading.Thread(target=ask, args=("one", "somebody else"))
    one.start()
    eventually(lambda: places.get("one"))
    eventually(lambda: places["many 0"] == [1, 2])  # told anew: somebody else comes before
    running.close()
    for thread in (*many, one):
        thread.join(120)
    assert places["one"] == [1]
    for number in range(10):  # each one behind where it was, and then nearer with each who is served
        assert places[f"many {number}"] == [number + 1, *range(number + 2, 0, -1)]


def test_who_asks_much_leaves_a_slot_to_others_and_nobody_in_particular_has_all(
    endless_model: Path, open_engine: Open
) -> None:
    engine = open_engine(endless_model, context_tokens=4096, options=ModelOptions(slots=3))
    streams = [engine.generate(question(f"{n}"), ENDLESS, asker="many") for n in range(2)]
    waits = threading.Event()

    def third() -> None:
        list(engine.generate(question("3"), SHORT, asker="many", waiting=lambda place: waits.set()))

    thread = threading.Thread(target=third)
    thread.start()
    assert waits.wait(60)
    other = engine.generate(question("y"), SHORT, asker="other", timeout=30)  # while both go on
    assert list(other) is not None
    for stream in streams:
        stream.close()
    thread.join(60)
    assert not thread.is_alive()
    crowd = [engine.generate(question(f"{n}"), ENDLESS) for n in range(3)]
    for stream in crowd:
        next(stream)  # all at once
        stream.close()
