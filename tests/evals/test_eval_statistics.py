from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evals.statistics import (
    LEVEL,
    Flags,
    bootstrap,
    bootstrap_standard_error,
    can_be_certain,
    clustered_standard_error,
    detectable_change,
    holm,
    mean_interval,
    mean_permutation_p,
    permutation_p,
    units,
)

VALUES = st.lists(st.floats(-100, 100), min_size=2, max_size=30)


@given(VALUES)
def test_with_clusters_of_one_it_is_the_usual_standard_error(values: list[float]) -> None:
    error = clustered_standard_error(values, [str(n) for n in range(len(values))])
    assert error == pytest.approx(np.std(values, ddof=1) / np.sqrt(len(values)), abs=1e-9)


def test_clustered_standard_error_by_hand() -> None:
    # mean 0.5; the clusters deviate by 1, 0 and -1 in sum: sqrt(3/2 * 2) / 6
    values, clusters = [1, 1, 1, 0, 0, 0], ["a", "a", "b", "b", "c", "c"]
    assert clustered_standard_error(values, clusters) == pytest.approx(np.sqrt(3 / 2 * 2) / 6)


def test_cases_that_agree_within_notes_make_the_mean_less_sure() -> None:
    values = [1.0] * 10 + [0.0] * 10
    apart = clustered_standard_error(values, [str(n) for n in range(20)])
    together = clustered_standard_error(values, ["a"] * 5 + ["b"] * 5 + ["c"] * 5 + ["d"] * 5)
    assert together is not None
    assert apart is not None
    assert together > 2 * apart


@pytest.mark.parametrize("clusters", [[], ["a"], ["a", "a"]])
def test_one_cluster_says_nothing_about_the_error(clusters: list[str]) -> None:
    assert clustered_standard_error([1.0] * len(clusters), clusters) is None
    assert bootstrap_standard_error(lambda indices: float(indices.sum()), clusters) is None


def test_the_bootstrap_agrees_with_the_formula_on_a_mean() -> None:
    random = np.random.default_rng(1)
    values = random.normal(size=200)
    clusters = [str(n // 4) for n in range(200)]
    formula = clustered_standard_error(list(values), clusters)
    assert bootstrap_standard_error(lambda i: float(values[i].mean()), clusters) == pytest.approx(
        formula, rel=0.1
    )


def test_a_difference_that_never_varies_is_certain() -> None:
    interval = bootstrap(lambda indices: 1.0, ["a", "b"])[1]
    assert interval is not None
    assert (interval.low, interval.high, interval.excludes_zero()) == (1.0, 1.0, True)


def test_one_pair_decides_nothing() -> None:
    assert bootstrap(lambda indices: 1.0, ["a"]) == (None, None)


@given(VALUES)
def test_the_interval_is_the_same_every_time_and_within_the_values(values: list[float]) -> None:
    numbers, clusters = np.array(values), [str(n % 3) for n in range(len(values))]
    first, second = (
        bootstrap(lambda i: float(numbers[i].mean()), units(clusters), count=50)[1] for _ in range(2)
    )
    assert first == second
    assert first is not None
    assert numbers.min() - 1e-9 <= first.low <= first.high <= numbers.max() + 1e-9


@given(VALUES)
def test_the_mean_counted_by_cluster_has_the_interval_of_the_mean(values: list[float]) -> None:
    numbers, clusters = np.array(values), [str(n % 7) for n in range(len(values))]
    slow = bootstrap(lambda i: float(numbers[i].mean()), units(clusters))[1]
    quick = mean_interval(values, clusters)
    assert slow is not None
    assert quick is not None
    assert (quick.low, quick.high) == pytest.approx((slow.low, slow.high))


def swapping(differences: list[float]) -> Callable[[Flags], float]:
    return lambda flags: float(np.where(flags, -1, 1) @ np.array(differences)) / len(differences)


def test_the_permutation_test_by_hand() -> None:
    # 2 of the 16 ways to swap four cases that all dropped make a difference as large.
    assert mean_permutation_p([1.0] * 4, list("abcd")) == 2 / 16
    assert permutation_p(swapping([1.0] * 4), list("abcd")) == 2 / 16


def test_cases_of_one_note_are_swapped_together() -> None:
    assert mean_permutation_p([1.0] * 8, list("aabbccdd")) == 2 / 16


def test_runs_that_are_the_same_differ_by_chance() -> None:
    assert mean_permutation_p([0.0] * 30, [str(n) for n in range(30)]) == 1.0
    assert mean_permutation_p([], []) is None


@given(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0]), min_size=1, max_size=9))
def test_both_permutation_tests_agree(differences: list[float]) -> None:
    clusters = [str(n) for n in range(len(differences))]
    assert mean_permutation_p(differences, clusters) == permutation_p(swapping(differences), clusters)


def test_holm_by_hand() -> None:
    # 0.01 * 3, 0.02 * 2, 0.04 * 1 but no less than the one before
    assert holm([0.04, 0.01, None, 0.02]) == pytest.approx([0.04, 0.03, None, 0.04], nan_ok=True)
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_makes_nothing_more_certain_and_keeps_the_order(p_values: list[float]) -> None:
    corrected = [p for p in holm(p_values) if p is not None]
    assert all(new >= old for new, old in zip(corrected, p_values, strict=True))
    assert [corrected[n] for n in np.argsort(p_values, kind="stable")] == sorted(corrected)


def test_the_detectable_change_is_2_8_standard_errors() -> None:
    assert detectable_change(1.0) == pytest.approx(1.959964 + 0.841621, abs=1e-5)
    assert detectable_change(None) is None


def test_five_notes_can_never_be_certain_and_six_can() -> None:
    five, six = list("abcde"), list("abcdef")
    assert not can_be_certain(five * 3)
    assert can_be_certain(six)
    assert (mean_permutation_p([1.0] * 5, five) or 0) > LEVEL >= (mean_permutation_p([1.0] * 6, six) or 1)


def certain(differences: NDArray[np.float64], clusters: list[str]) -> bool:
    interval = mean_interval(list(differences), clusters)
    p = mean_permutation_p(list(differences), clusters)
    return interval is not None and interval.excludes_zero() and p is not None and p <= LEVEL


@pytest.mark.parametrize("notes", [8, 40])
def test_false_alarms_are_at_most_one_in_twenty(notes: int) -> None:
    random = np.random.default_rng(7)
    clusters = [str(n % notes) for n in range(120)]
    alarms = 0
    for _ in range(300):
        # Cases of a note move together: a shift of the note, and right answers that come and go.
        shift = random.normal(0, 0.2, size=notes)[np.arange(120) % notes]
        flips = random.choice([-1.0, 0.0, 1.0], p=[0.05, 0.9, 0.05], size=120)
        alarms += certain(shift + flips, clusters)
    # 300 tries at 5 %: more than 21 would happen in 5 of 100 seeds.
    assert alarms <= 21


def test_a_change_of_the_detectable_size_is_found_as_often_as_the_formula_says() -> None:
    random = np.random.default_rng(11)
    clusters = [str(n) for n in range(100)]
    size = detectable_change(0.3 / np.sqrt(100)) or 0
    found = sum(certain(random.normal(size, 0.3, size=100), clusters) for _ in range(300))
    assert 0.73 <= found / 300 <= 0.87


def test_a_change_of_half_that_size_is_found_less_often() -> None:
    random = np.random.default_rng(12)
    clusters = [str(n) for n in range(100)]
    half = (detectable_change(0.3 / np.sqrt(100)) or 0) / 2
    found = sum(certain(random.normal(half, 0.3, size=100), clusters) for _ in range(200))
    # The power at half the size: P(z > 1.96 - 1.40) = 0.29.
    assert 0.19 <= found / 200 <= 0.39


def test_false_alarms_of_eight_metrics_together_are_as_rare_as_of_one() -> None:
    random = np.random.default_rng(13)
    clusters = [str(n) for n in range(40)]
    alarms = 0
    for _ in range(120):
        flips = random.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=(8, 40))
        corrected = holm([mean_permutation_p(list(row), clusters) for row in flips])
        alarms += any(p is not None and p <= LEVEL for p in corrected)
    assert alarms <= 11
