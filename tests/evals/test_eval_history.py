import threading
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from evals import Judgement, Suite, judge, run_suite
from evals.comparison import compare
from evals.history import History
from evals.pairing import paired
from evals.testing import Reply, ScriptedTarget
from terakoya.errors import NotFound, Unavailable

Replies = dict[str, Reply]


def judged(suite: Suite, replies: Replies) -> Judgement:
    return judge(run_suite(suite, ScriptedTarget(replies=replies), fingerprint="f"), suite.gates)


@pytest.fixture
def worse(suite: Suite, good_replies: Replies) -> Replies:
    return {**good_replies, suite.cases[0].question: Reply(answer="x\ud800", answered=True)}


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history.duckdb", write=True)


def test_a_run_comes_back_with_all_its_cases(suite: Suite, worse: Replies, history: History) -> None:
    judgement = judged(suite, worse)
    run = history.add(judgement, settings={"passages": 6}, version="v", commit="abc+")
    report = history.report(run)
    first = replace(judgement.report.cases[0], answer="x?")  # half a character cannot be written
    assert report.cases == (first, *judgement.report.cases[1:])
    assert report.totals == judgement.report.totals
    assert (run.passed, run.commit, run.settings) == (False, "abc+", {"passages": 6})
    assert run.started == judgement.report.started


def test_runs_are_listed_newest_first_and_found_by_id_suite_and_distance(
    suite: Suite, good_replies: Replies, history: History
) -> None:
    made = [history.add(judged(suite, good_replies), settings={}) for _ in range(3)]
    assert [run.id for run in history.runs("small")] == [run.id for run in reversed(made)]
    assert history.runs("other") == ()
    assert history.find(made[0].id[:6]).id == made[0].id
    assert history.find("small").id == made[2].id
    assert history.find("small~2").id == made[0].id


def test_columns_of_one_command_are_found_together_and_each_by_what_was_set(
    suite: Suite, good_replies: Replies, history: History
) -> None:
    judgement = judged(suite, good_replies)

    def add(variant: str, batch: str) -> str:
        column = replace(judgement, report=replace(judgement.report, variant=variant))
        return history.add(column, settings={}, batch=batch).id

    plain, few, many, later = (
        add(*each) for each in (("", "1"), ("passages=3", "2"), ("passages=4", "2"), ("passages=4", "3"))
    )
    assert [run.id for run in history.beside(history.find(few))] == [few, many]
    assert [run.id for run in history.beside(history.find(plain))] == [plain]
    assert [run.id for run in history.runs("small", variant="passages=4")] == [later, many]
    assert [run.id for run in history.runs("small", variant="")] == [plain]
    assert history.report(history.find(many)).name == "small [passages=4]"


def test_a_file_of_a_version_that_knew_no_columns_is_read_and_added_to(
    suite: Suite, good_replies: Replies, history: History
) -> None:
    old = history.add(judged(suite, good_replies), settings={})
    history.close()
    with duckdb.connect(history.path) as connection:
        connection.execute("ALTER TABLE runs DROP COLUMN variant")
        connection.execute("ALTER TABLE runs DROP COLUMN batch")
    with History(history.path) as reading:
        assert reading.find("small") == old
        assert reading.beside(old) == (old,)
    with History(history.path, write=True) as writing:
        new = writing.add(judged(suite, good_replies), settings={}, batch="b")
        assert [run.id for run in writing.runs("small", variant="")] == [new.id, old.id]


@pytest.mark.parametrize("name", ["small~9", "nothing", "ffffffff", ""])
def test_a_run_that_is_not_there_is_told(
    suite: Suite, good_replies: Replies, history: History, name: str
) -> None:
    history.add(judged(suite, good_replies), settings={})
    with pytest.raises(NotFound, match="eval history"):
        history.find(name)


def test_the_same_outcome_is_kept_once(suite: Suite, good_replies: Replies, history: History) -> None:
    for _ in range(3):
        history.add(judged(suite, good_replies), settings={})
    history.close()
    with duckdb.connect(history.path) as connection:
        assert connection.execute("SELECT count(*) FROM contents").fetchall() == [(len(suite.cases),)]


def test_a_history_that_another_process_writes_is_waited_for(tmp_path: Path, history: History) -> None:
    # in one process DuckDB refuses another configuration of an open file, as it refuses another process
    opened: list[History] = []
    waiting = threading.Thread(target=lambda: opened.append(History(history.path)))
    waiting.start()
    history.close()
    waiting.join(timeout=20)
    assert len(opened) == 1
    opened[0].close()


def test_no_history_yet_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="eval run"):
        History(tmp_path / "none.duckdb")


def test_a_file_that_is_no_history_is_told(tmp_path: Path) -> None:
    path = tmp_path / "history.duckdb"
    path.write_text("no database")
    with pytest.raises(Unavailable, match=r"history\.duckdb"):
        History(path, write=True)


def test_what_changed_stands_first_and_by_its_kind(
    suite: Suite, good_replies: Replies, worse: Replies
) -> None:
    good, bad = judged(suite, good_replies).report, judged(suite, worse).report
    assert [pair.turn for pair in paired(bad, good)] == ["broken", *["same"] * 5]
    assert [pair.turn for pair in paired(good, bad)] == ["mended", *["same"] * 5]
    question = suite.cases[3].question
    other = {**good_replies, question: replace(good_replies[question], answer="DNS, of course [1]")}
    assert paired(judged(suite, other).report, good)[0].turn == "other"


def test_a_case_that_asks_something_else_is_new(suite: Suite, good_replies: Replies) -> None:
    report = judged(suite, good_replies).report
    former = replace(report, cases=(replace(report.cases[0], question="?"), *report.cases[1:]))
    assert [pair.turn for pair in paired(report, former)] == ["new", *["same"] * 5]
    assert {pair.turn for pair in paired(report, None)} == {"same"}


def test_a_comparison_says_by_how_much_and_over_how_many(
    suite: Suite, good_replies: Replies, worse: Replies
) -> None:
    comparison = compare(judged(suite, good_replies).report, judged(suite, worse).report)
    correct = next(change for change in comparison.metrics if change.metric == "correct")
    assert (correct.before, correct.pairs) == (1.0, 6)
    assert correct.drop == pytest.approx(1 / 6)
