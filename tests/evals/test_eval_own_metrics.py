from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evals import METRICS, Case, Observation, load_suite, run_suite
from evals.metrics import load_metrics, measure_case
from evals.testing import Reply, ScriptedTarget
from terakoya.errors import BadInput

POLITE = '''
from evals.metrics import Observation, case_metric, suite_metric

@case_metric("polite", "higher", "Share of answers that begin with a greeting.")
def polite(o: Observation) -> float | None:
    """1 where it does."""
    return float(o.answer.startswith("Dear")) if o.answered else None

@suite_metric("longest", "lower", "Characters of the longest answer.")
def longest(results):
    """Their maximum."""
    return max(len(r.answer) for r in results)
'''


@pytest.fixture(autouse=True)
def _registry() -> Iterator[None]:
    before = dict(METRICS)
    yield
    METRICS.clear()
    METRICS.update(before)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def go(content: str) -> Path:
        path = tmp_path / "mine.py"
        path.write_text(content)
        return path

    return go


def test_a_decorated_function_of_a_file_is_measured_and_reported(
    write: Callable[[str], Path], suite_path: Path
) -> None:
    (own,) = load_metrics([write(POLITE)])
    assert own.names == ("polite", "longest")
    report = run_suite(load_suite(suite_path), ScriptedTarget(otherwise=Reply(answer="Dear reader")))
    assert report.total("polite").value == 1.0
    assert report.total("longest").value == len("Dear reader")


def test_a_gate_may_name_a_metric_of_a_file(
    write: Callable[[str], Path], write_suite: Callable[[str], Path]
) -> None:
    load_metrics([write(POLITE)])
    path = write_suite(
        "name: s\nnotes: notes\ngates: [{metric: polite, min_mean: 1}]\n"
        "cases: [{id: a, question: q, answerable: false}]\n"
    )
    assert load_suite(path).gates[0].metric == "polite"


def test_the_digest_follows_the_content_of_the_file(write: Callable[[str], Path]) -> None:
    (first,) = load_metrics([write(POLITE)])
    for name in first.names:
        del METRICS[name]
    (second,) = load_metrics([write(POLITE + "\n")])
    assert first.digest != second.digest


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("x = 1", "registers no metric"),
        ("def broken(:", "line 1"),
        ("raise ValueError('no')", "ValueError: no"),
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        (POLITE.replace("polite", "correct"), "a metric `correct` already"),
        (POLITE + "1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence_and_leaves_nothing_behind(
    write: Callable[[str], Path], content: str, said: str
) -> None:
    before = list(METRICS)
    with pytest.raises(BadInput, match=said) as caught:
        load_metrics([write(content)])
    assert caught.value.exit_code == 2
    assert list(METRICS) == before


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"missing\.py"):
        load_metrics([tmp_path / "missing.py"])


@pytest.mark.parametrize("returned", ["float('nan')", "'many'", "1 / 0", "[]"])
def test_a_metric_that_gives_no_number_is_one_sentence(write: Callable[[str], Path], returned: str) -> None:
    load_metrics(
        [write(POLITE.replace('float(o.answer.startswith("Dear")) if o.answered else None', returned))]
    )
    with pytest.raises(BadInput, match="`polite` gave no number for the case `c`"):
        measure_case(Observation(case=Case(id="c", question="q"), notes={}, answered=True))
