import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.statistics import bootstrap_standard_error, clustered_standard_error, paired_interval

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
    interval = paired_interval(lambda indices: 1.0, ["a", "b"])
    assert interval is not None
    assert (interval.low, interval.high, interval.excludes_zero()) == (1.0, 1.0, True)


def test_one_pair_decides_nothing() -> None:
    assert paired_interval(lambda indices: 1.0, ["a"]) is None


@given(VALUES)
def test_the_interval_is_the_same_every_time_and_within_the_values(values: list[float]) -> None:
    numbers, clusters = np.array(values), [str(n % 3) for n in range(len(values))]
    first, second = (
        paired_interval(lambda i: float(numbers[i].mean()), clusters, count=50) for _ in range(2)
    )
    assert first == second
    assert first is not None
    assert numbers.min() - 1e-9 <= first.low <= first.high <= numbers.max() + 1e-9
