import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.service.runs import Run, Runs
from terakoya.errors import BadInput, Busy, NotFound


def finished(runs, result=None, kind="ask"):
    run = runs.start(Run(kind), lambda run: result or {}, language="en")
    assert run.wait(10)
    return run


def test_the_oldest_finished_runs_are_let_go_beyond_the_bound():
    runs = Runs(max_finished=3)
    made = [finished(runs) for _ in range(5)]
    until_gone(runs, made[1])
    for run in made[:2]:
        with pytest.raises(NotFound):
            runs.get(run.id)
    assert [runs.get(run.id) for run in made[2:]] == made[2:]


def test_finished_runs_are_let_go_beyond_the_bytes_but_never_the_youngest():
    runs = Runs(max_bytes=1000)
    first, second = (finished(runs, {"text": "x" * 5000}) for _ in range(2))
    until_gone(runs, first)
    assert runs.get(second.id) is second


def until_gone(runs, run):
    # The run is let go just after its end is told, by the thread that ran it.
    for thread in threading.enumerate():
        if thread.name.startswith("run-"):
            thread.join(10)
    with pytest.raises(NotFound):
        runs.get(run.id)


def test_no_more_runs_go_on_at_one_time_than_the_bound():
    runs, gate = Runs(max_running=2), threading.Event()

    def work(run):
        gate.wait(10)
        return {}

    going = [runs.start(Run("ask"), work, language="en") for _ in range(2)]
    with pytest.raises(Busy, match="2"):
        runs.start(Run("ask"), work, language="en")
    gate.set()
    assert all(run.wait(10) for run in going)
    finished(runs)


def test_nothing_follows_the_end_of_a_run():
    run = Run("ask")
    run.add("token", {"text": "a"})
    run.add("done", {"result": {}})
    run.add("token", {"text": "b"})
    run.add("error", {})
    assert (run.state().events, run.state().status) == (2, "done")


def test_an_error_is_told_in_the_language_of_who_asked():
    def fail(run):
        raise BadInput("question_empty")

    runs = Runs()
    run = runs.start(Run("ask"), fail, language="ja")
    assert run.wait(10)
    (event,) = asyncio.run(collect(run, 0))
    assert (event.type, event.data["code"], event.data["status"]) == ("error", "question_empty", 422)
    assert "質問が空" in event.data["message"]


async def collect(run, after):
    return [event async for piece in run.follow(after, heartbeat=5) for event in piece]


@given(st.lists(st.text(max_size=3), max_size=30), st.data())
def test_joining_anywhere_while_a_run_goes_on_misses_and_repeats_nothing(texts, data):
    run = Run("ask")

    def write():
        for text in texts:
            run.add("token", {"text": text})
        run.add("done", {"result": {}})

    after = data.draw(st.integers(0, len(texts)))
    thread = threading.Thread(target=write)
    thread.start()
    events = asyncio.run(collect(run, after))
    thread.join()
    assert [event.seq for event in events] == list(range(after + 1, len(texts) + 2))


def test_a_silent_run_gives_heartbeats():
    async def first_piece():
        async for piece in Run("ask").follow(0, heartbeat=0.01):
            return piece

    assert asyncio.run(first_piece()) == []


def test_closing_takes_no_more_runs_and_tells_those_that_cannot_end():
    runs, gate = Runs(), threading.Event()
    stuck = runs.start(Run("ask"), lambda run: {"x": gate.wait(10)}, language="en")
    asked = runs.start(Run("ingest"), lambda run: {"stopped": run.cancelled.wait(10)}, language="en")
    runs.close(0.2)
    assert stuck.state().status == "error"
    assert asked.wait(10)
    with pytest.raises(Busy):
        runs.start(Run("ask"), lambda run: {}, language="en")
    gate.set()
