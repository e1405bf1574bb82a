"""The pace of a long command: told when it is known, and as it has been of late."""

import pytest

from app.cli.progress import WINDOW_SECONDS, Pace, metered


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(clock)


def go(pace: Pace, clock: Clock, seconds: float, *, rate: float, begin: int = 0, step: float = 0.05) -> int:
    """Does `rate` a second for so long; how many are done then."""
    began = clock.now
    while clock.now < began + seconds - step / 2:
        clock.now += step
        pace.saw(begin + int((clock.now - began) * rate + 1e-9))
    return begin + round(seconds * rate)


def test_a_steady_pace_is_told(pace: Pace, clock: Clock) -> None:
    pace.saw(0)
    done = go(pace, clock, 10, rate=20)
    assert pace.rate() == pytest.approx(20, rel=0.05)
    assert pace.left(done + 100) == pytest.approx(5, rel=0.05)


def test_at_the_beginning_nothing_is_guessed(pace: Pace, clock: Clock) -> None:
    assert (pace.rate(), pace.left(100)) == (None, None)
    pace.saw(0)
    go(pace, clock, 1, rate=20)
    assert (pace.rate(), pace.left(100)) == (None, None)
    go(pace, clock, 2, rate=20, begin=20)
    assert pace.rate() is not None
    assert pace.left(100) is None


def test_of_few_long_notes_no_time_is_guessed_from_the_first(pace: Pace, clock: Clock) -> None:
    pace.saw(0)
    clock.now += 20
    pace.saw(1)
    assert pace.left(8) is None


def test_the_pace_of_late_counts_and_not_that_of_the_beginning(pace: Pace, clock: Clock) -> None:
    pace.saw(0)
    done = go(pace, clock, 60, rate=100)
    go(pace, clock, 2 * WINDOW_SECONDS, rate=1, begin=done, step=0.5)
    assert pace.rate() == pytest.approx(1, rel=0.1)


def test_while_nothing_comes_the_pace_falls(pace: Pace, clock: Clock) -> None:
    pace.saw(0)
    done = go(pace, clock, 10, rate=10)
    steady, clock.now = pace.rate(), clock.now + 20
    assert steady is not None
    rate, left = pace.rate(), pace.left(done + 100)
    assert rate is not None
    assert left is not None
    assert rate < steady / 2
    assert left > 20


def test_where_all_is_done_nothing_is_left(pace: Pace, clock: Clock) -> None:
    pace.saw(0)
    done = go(pace, clock, 10, rate=20)
    assert pace.left(done + 1) is not None
    assert pace.left(done) is None


def test_what_begins_anew_is_measured_anew(pace: Pace, clock: Clock) -> None:
    pace.saw(0)
    go(pace, clock, 10, rate=50)
    pace.saw(0)
    assert pace.rate() is None
    go(pace, clock, 10, rate=5)
    assert pace.rate() == pytest.approx(5, rel=0.1)


def test_what_was_done_before_it_began_is_no_pace(pace: Pace, clock: Clock) -> None:
    pace.saw(1000)
    go(pace, clock, 10, rate=5, begin=1000)
    assert pace.rate() == pytest.approx(5, rel=0.1)


def test_where_no_person_watches_what_takes_long_is_told_once_when_it_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    lines: list[str] = []
    with metered("Taking notes in", lines.append) as meter:
        meter(2, 4, "b.md")
        meter.begins("making vectors")
        meter(4, 4, "d.md")
        meter.begins("making vectors")
        assert lines == ["Taking notes in: making vectors"]
