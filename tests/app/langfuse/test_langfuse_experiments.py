from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from langfuse import Langfuse

from app.evaluating import run_suites
from app.langfuse.experiments import experiment_id
from app.langfuse.publishing import publish
from app.settings import Settings
from app.tracing.account import Account
from app.tracing.masking import Masker
from app.tracing.standin import SCORES, TRACES, StandIn
from evals.testing import Reply, ScriptedTarget
from terakoya.errors import Unavailable

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
Run = Callable[..., tuple[int, list[str]]]


REPLIES = {
    "How hot is green tea?": Reply(answer="80 C"),
    "4": Reply(error=Unavailable("store_empty")),
}


def target(*_: Any) -> ScriptedTarget:
    return ScriptedTarget(replies=REPLIES, otherwise=Reply(answered=False))


@pytest.fixture
def run(tmp_path: Path, suite: Path, account: Account, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the suite and pushes the run; gives the exit code and what was said."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)

    def run(commit: str = "abc1234", masker: Masker = Masker()) -> tuple[int, list[str]]:  # noqa: B008 - has no state
        said: list[str] = []

        def published(runs: Any, say: Any) -> None:
            publish(account, runs, commit=commit, masker=masker, say=said.append)

        code = run_suites(
            Settings(home=tmp_path / "home", embedder="none"),
            [suite],
            open_target=target,
            published=published,
        )
        return code, said

    return run


def test_a_run_becomes_an_experiment_with_all_its_items(run: Run, sdk: Langfuse, server: StandIn) -> None:
    code, said = run()
    assert code == 1  # a case failed
    (experiment,) = sdk.api.experiments.list(from_start_time=LONG_AGO, fields="scores").data
    assert experiment.name.endswith("abc1234")
    assert (experiment.item_count, experiment.dataset_id) == (3, sdk.get_dataset("small").id)
    scores = {score.name: score.value for score in experiment.scores or ()}
    assert (scores["items"], scores["failed_items"], scores["gates_passed"]) == (3, 1, 0)
    assert experiment.id in said[0]
    assert "3 items, without an answer for an error: 1" in said[0]
    assert not server.orphans()


def test_items_have_their_scores_and_the_failed_one_says_why(run: Run, sdk: Langfuse) -> None:
    run()
    ids = {item.id: item.metadata["case"] for item in sdk.get_dataset("small").items}
    rows = sdk.api.experiments.list_items(from_start_time=LONG_AGO, fields="io,scores").data
    items = {ids[row.experiment_item_id]: row for row in rows}
    assert set(items) == {"heat", "four", "tokyo"}
    assert {str(case): row.level.value for case, row in items.items()} == {
        "heat": "DEFAULT",
        "four": "ERROR",
        "tokyo": "DEFAULT",
    }
    scores = {score.name: score.value for score in items["heat"].scores or ()}
    assert scores["correct"] in (0.0, 1.0)
    assert scores["failed"] == 0
    assert [s.value for s in items["four"].scores or () if s.name == "failed"] == [1]
    assert "80 C" in str(items["heat"].output)


@pytest.mark.parametrize(
    ("masker", "shown"), [(Masker(["8. C"]), "[masked]"), (Masker(withhold=True), "characters")]
)
def test_answers_leave_as_the_settings_let_text_leave(
    run: Run, sdk: Langfuse, masker: Masker, shown: str
) -> None:
    run(masker=masker)
    rows = sdk.api.experiments.list_items(from_start_time=LONG_AGO, fields="io").data
    outputs = " ".join(str(row.output) for row in rows)
    assert "80 C" not in outputs
    assert shown in outputs


def test_the_same_run_pushed_twice_is_one(
    run: Run, server: StandIn, account: Account, suite: Path, tmp_path: Path
) -> None:
    kept: list[Any] = []
    run_suites(
        Settings(home=tmp_path / "home", embedder="none"),
        [suite],
        open_target=target,
        published=lambda runs, say: kept.extend(runs),
    )
    for _ in range(2):
        publish(account, kept, commit="c", masker=Masker(), say=lambda sentence: None)
    assert len(server.trace_ids()) == 3
    assert len(server.kept.items) == 3
    assert set(server.kept.accepted.values()) == {2}


def test_the_id_is_the_one_that_the_sdk_makes(sdk: Langfuse) -> None:
    ours = experiment_id("プロジェクト", "d", '夜の実行 "1"')
    assert ours == sdk._create_experiment_id(
        project_id="プロジェクト", dataset_id="d", run_name='夜の実行 "1"'
    )


def test_two_runs_stand_side_by_side_over_one_dataset(run: Run, sdk: Langfuse) -> None:
    run("one")
    run("two")
    experiments = sdk.api.experiments.list(from_start_time=LONG_AGO, dataset_id=sdk.get_dataset("small").id)
    assert {each.name.split()[-1] for each in experiments.data} == {"one", "two"}


def test_columns_of_one_command_are_experiments_of_their_own_with_what_was_set(
    sdk: Langfuse, suite: Path, account: Account, tmp_path: Path
) -> None:
    run_suites(
        Settings(home=tmp_path / "home", embedder="none"),
        [suite],
        assignments=["passages=3,4", "effort=fast"],
        published=lambda runs, say: publish(account, runs, commit="c", masker=Masker(), say=say) and None,
    )
    dataset = sdk.get_dataset("small").id
    experiments = sdk.api.experiments.list(
        from_start_time=LONG_AGO, dataset_id=dataset, fields="metadata"
    ).data
    assert len({each.id for each in experiments}) == 2
    assert {each.name.partition(" c ")[2] for each in experiments} == {
        "passages=3 effort=fast",
        "passages=4 effort=fast",
    }
    assert {each.item_count for each in experiments} == {3}


@pytest.mark.parametrize("path", ["", TRACES, SCORES])
def test_a_server_that_is_away_leaves_the_exit_code_and_says_so(run: Run, server: StandIn, path: str) -> None:
    server.faults[path] = 400
    code, said = run()
    assert code == 1
    assert "in the history, not in Langfuse" in said[-1]
