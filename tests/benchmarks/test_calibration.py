"""Where to stop answering, learned from answers that are known to be right or wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.calibration import Example, abstention, fit, judged, meeting
from workflows.confidence import NAMES


def example(right: bool | None, support: float = 0.0) -> Example:
    signals = tuple(support if name == "support" else 0.0 for name in NAMES)
    return Example(suite="s", group="g", signals=signals, worth=1.0, right=right, cut=False)


def test_precision_is_of_what_is_declined_and_recall_of_what_should_be() -> None:
    asked = [example(False), example(False), example(False), example(True), example(True)]
    likely = np.array([0.1, 0.2, 0.8, 0.1, 0.9])
    assert abstention(asked, likely, 0.5) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert abstention(asked, likely, 0.05) == (0.0, 0.0)
    assert abstention(asked, likely, 1.0) == (pytest.approx(3 / 5), 1.0)


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=30).filter(
        lambda drawn: {right for right, _ in drawn} == {True, False}
    )
)
def test_no_threshold_serves_both_better_than_where_they_meet(drawn: list[tuple[bool, float]]) -> None:
    asked = [example(right) for right, _ in drawn]
    likely = np.array([value for _, value in drawn])
    chosen = min(abstention(asked, likely, meeting(asked, likely)))
    assert all(min(abstention(asked, likely, t)) <= chosen for t in np.unique(likely.round(3)))


def test_an_answer_of_which_nothing_is_known_moves_no_threshold() -> None:
    asked = [example(False), example(False), example(True), example(True)]
    likely = np.array([0.1, 0.2, 0.7, 0.8])
    unknown = [example(None)] * 3
    more = np.concatenate([likely, np.array([0.3, 0.5, 0.9])])
    assert meeting([*asked, *unknown], more) == meeting(asked, likely)


def test_support_of_right_answers_alone_speaks_for_an_answer() -> None:
    asked = [example(n % 2 == 0, support=0.9 if n % 2 == 0 else 0.2) for n in range(40)]
    confidence = fit(asked)
    assert confidence.weights["support"] > 0
    right, wrong = judged(confidence, [example(True, 0.9), example(False, 0.2)])
    assert right > 0.5 > wrong
