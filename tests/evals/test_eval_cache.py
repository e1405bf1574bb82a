from dataclasses import replace
from pathlib import Path

import pytest

from evals import Suite, run_suite
from evals.cache import ResultCache
from evals.report import CaseResult
from evals.testing import Reply, ScriptedTarget
from terakoya.errors import TargetLost

RESULT = CaseResult(id="a", question="質問", answerable=True, cluster="c", metrics={"correct": 1.0})


def test_a_result_comes_back_as_it_was(tmp_path: Path) -> None:
    with ResultCache(tmp_path / "results.sqlite") as cache:
        cache.put("key", RESULT)
    with ResultCache(tmp_path / "results.sqlite") as cache:
        assert cache.get(["key", "other"]) == {"key": RESULT}


def test_two_runs_use_one_file_at_once(tmp_path: Path) -> None:
    with ResultCache(tmp_path / "r.sqlite") as first, ResultCache(tmp_path / "r.sqlite") as second:
        first.put("a", RESULT)
        second.put("b", RESULT)
        assert set(first.get(["a", "b"])) == set(second.get(["a", "b"])) == {"a", "b"}


def test_more_keys_than_a_statement_takes_are_looked_up(tmp_path: Path) -> None:
    keys = [str(n) for n in range(1200)]
    with ResultCache(tmp_path / "r.sqlite") as cache:
        for key in keys[::100]:
            cache.put(key, RESULT)
        assert set(cache.get(keys)) == set(keys[::100])


def test_results_that_were_not_used_for_longest_go(tmp_path: Path) -> None:
    with ResultCache(tmp_path / "r.sqlite", most=2) as cache:
        for key in ("a", "b", "c"):
            cache.put(key, RESULT)
        cache.get(["a"])
    with ResultCache(tmp_path / "r.sqlite") as cache:
        assert set(cache.get(["a", "b", "c"])) == {"a", "c"}


def test_a_file_that_is_no_cache_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    path.write_bytes(b"no database, but long enough to be looked at" * 100)
    with ResultCache(path) as cache:
        assert cache.get(["a"]) == {}
        cache.put("a", RESULT)
        assert cache.get(["a"]) == {"a": RESULT}


def test_a_result_of_another_version_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    with ResultCache(tmp_path / "r.sqlite") as cache:
        cache.remember("a", b'{"id": 1}')
        assert cache.get(["a"]) == {}


def test_an_answer_with_half_a_character_is_not_kept_and_stops_nothing(tmp_path: Path) -> None:
    with ResultCache(tmp_path / "r.sqlite") as cache:
        cache.put("a", replace(RESULT, answer="\ud800"))
        assert cache.get(["a"]) == {}


def test_a_second_run_asks_nothing_and_gives_the_same(
    suite: Suite, good_target: ScriptedTarget, tmp_path: Path
) -> None:
    with ResultCache(tmp_path / "r.sqlite") as cache:
        first = run_suite(suite, good_target, cache=cache)
        asked = len(good_target.asked)
        second = run_suite(suite, good_target, cache=cache)
    assert len(good_target.asked) == asked == len(suite.cases)
    assert (first.known, second.known) == (0, len(suite.cases))
    assert (second.cases, second.totals) == (first.cases, first.totals)


@pytest.mark.parametrize("change", [{"version": "2"}, {"fingerprint": "x"}, {"effort": "deep"}])
def test_what_determines_a_result_makes_it_another(
    suite: Suite, good_target: ScriptedTarget, tmp_path: Path, change: dict[str, str]
) -> None:
    with ResultCache(tmp_path / "r.sqlite") as cache:
        run_suite(suite, good_target, cache=cache)
        assert run_suite(suite, good_target, cache=cache, **change).known == 0  # type: ignore[arg-type]


def test_a_failed_case_is_asked_again(suite: Suite, good_replies: dict[str, Reply], tmp_path: Path) -> None:
    question = suite.cases[0].question
    broken = ScriptedTarget(replies={**good_replies, question: Reply(error=RuntimeError("away"))})
    with ResultCache(tmp_path / "r.sqlite") as cache:
        assert run_suite(suite, broken, cache=cache).failed == 1
        healed = ScriptedTarget(replies=good_replies)
        assert run_suite(suite, healed, cache=cache).failed == 0
    assert healed.asked == [question]


def test_a_target_that_is_gone_ends_the_run_and_what_is_done_stays(
    suite: Suite, good_replies: dict[str, Reply], tmp_path: Path
) -> None:
    gone = {**good_replies, suite.cases[2].question: Reply(error=TargetLost("eval_script", question="q"))}
    with ResultCache(tmp_path / "r.sqlite") as cache:
        with pytest.raises(TargetLost):
            run_suite(suite, ScriptedTarget(replies=gone), cache=cache)
        assert run_suite(suite, ScriptedTarget(replies=good_replies), cache=cache).known == 2
