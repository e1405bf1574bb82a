import os

import pytest

from app.spreading import START_SECONDS, WhereQuicker, pays


def squared(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def test_short_work_stays_in_this_process() -> None:
    done = list(WhereQuicker(8).map(squared, range(20)))
    assert done == [(n * n, os.getpid()) for n in range(20)]


def test_nothing_to_do_gives_nothing() -> None:
    assert list(WhereQuicker(2).map(squared, [])) == []


@pytest.mark.parametrize(
    ("left", "first", "workers", "quicker"),
    [
        (600.0, 1.0, 8, True),
        (600.0, 1.0, 1, False),  # nobody to share with
        (START_SECONDS, 0.0, 64, False),  # done before the workers have started
        (60.0, 60.0, 8, False),  # a model that takes as long to load
        (600.0, 1.0, 2, False),  # one process keeps more than one core busy
    ],
)
def test_workers_are_started_where_they_are_done_sooner(
    left: float, first: float, workers: int, quicker: bool
) -> None:
    assert pays(left, first, workers) is quicker
