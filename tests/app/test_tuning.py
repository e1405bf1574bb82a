"""`eval tune`: what wins on one half is reported on the other, and can be loaded as settings."""

import tomllib
from pathlib import Path

import pytest

from app.settings import Settings, load_settings
from app.tuning import Tuning, tune, tuned_path
from evals.tuning import Trial
from terakoya.errors import BadInput

NOTES = {
    "bread.md": "# Bread\n\nBread needs yeast to rise.\n",
    "iron.md": "# Iron\n\nIron rusts in wet air.\n",
    "salt.md": "# Salt\n\nSalt dissolves in water.\n",
    "snow.md": "# Snow\n\nSnow melts above zero degrees.\n",
}
SUITE = """\
name: kitchen
notes: notes
cases:
  - {id: bread, question: What does rustic bread need?, expected: [yeast], passages: [{source: bread.md, text: yeast}]}
  - {id: iron, question: Where does wrought iron rust?, expected: [wet air], passages: [{source: iron.md, text: wet air}]}
  - {id: salt, question: What dissolves in lukewarm water?, expected: [salt], passages: [{source: salt.md, text: Salt dis}]}
  - {id: snow, question: When does powdery snow melt?, expected: [zero], passages: [{source: snow.md, text: Snow melts}]}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    for name, words in NOTES.items():
        (tmp_path / "notes" / name).write_text(words)
    (tmp_path / "suite.yaml").write_text(SUITE)
    return tmp_path / "suite.yaml"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    # so strict that no question is answered
    return load_settings(tmp_path / "home", embedder="none", answers={"support": 1.0})


def go(settings: Settings, suite: Path, **options: object) -> Tuning:
    return tune(settings, [suite], say=lambda line: None, **options)  # type: ignore[arg-type]


def test_what_gains_is_found_and_told_with_its_worth_elsewhere(settings: Settings, suite: Path) -> None:
    found = go(settings, suite, assignments=["answers.support=0.1,1", "passages=6,5"], trials=6)
    assert found.winner.values == {"answers.support": "0.1"}
    assert found.tried[0] == Trial(values={}, score=found.tried[0].score)
    assert found.winner.score > found.tried[0].score
    assert found.searched == found.reported == 2
    assert found.changes[0].metric == "correct"
    assert found.changes[0].drop is not None
    assert found.changes[0].drop < 0


def test_the_file_holds_the_winner_and_its_evidence_and_settings_load_it(
    settings: Settings, suite: Path
) -> None:
    go(settings, suite, assignments=["answers.support=0.3", "search.candidates=10"], trials=4)
    path = tuned_path(settings)
    held = tomllib.loads(path.read_text(encoding="utf-8"))
    assert held["answers"] == {"support": 0.3}
    evidence = held["evidence"]
    assert evidence["searched"]["cases"] == evidence["reported"]["cases"] == 2
    assert evidence["suites"][0]["name"] == "kitchen"
    assert evidence["tried"][0]["values"] == {}
    assert len(evidence["tried"]) >= 3
    (settings.home / "tuned.toml").write_bytes(path.read_bytes())
    assert load_settings(settings.home).answers.support == 0.3
    (settings.home / "terakoya.toml").write_text("[answers]\nsupport = 0.4\n")
    assert load_settings(settings.home).answers.support == 0.4


def test_where_nothing_gains_the_file_changes_nothing(settings: Settings, suite: Path) -> None:
    found = go(settings, suite, assignments=["search.candidates=39,41"], trials=3)
    assert found.winner.values == {}
    assert set(tomllib.loads(tuned_path(settings).read_text())) == {"evidence"}


def test_what_was_stopped_goes_on_without_asking_again(settings: Settings, suite: Path) -> None:
    heard: list[Trial] = []
    with pytest.raises(KeyboardInterrupt):
        go(
            settings,
            suite,
            assignments=["answers.support=0.3,0.5"],
            cancelled=lambda: len(heard) == 2,
            listen=heard.append,
        )
    assert len(heard) == 2
    again: list[Trial] = []
    go(settings, suite, assignments=["answers.support=0.3,0.5"], listen=again.append)
    assert again[:2] == heard


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"metric": "beauty"}, "eval_tune_metric"),
        ({"assignments": ["search.candidate=1"]}, "eval_set_key"),
        ({"assignments": ["answers.support=2"]}, "setting"),
        ({"assignments": ["answers.support"]}, "eval_set"),
    ],
)
def test_what_cannot_be_tuned_is_told_before_the_work(
    settings: Settings, suite: Path, options: dict[str, object], key: str
) -> None:
    with pytest.raises(BadInput) as raised:
        go(settings, suite, **options)
    assert raised.value.key == key
    assert not settings.home.exists()


def test_cases_on_one_note_give_no_halves(settings: Settings, suite: Path) -> None:
    suite.write_text("\n".join(SUITE.splitlines()[:4]) + "\n")
    with pytest.raises(BadInput) as raised:
        go(settings, suite)
    assert raised.value.key == "eval_tune_split"


def test_a_tuned_file_that_cannot_be_read_is_told_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "tuned.toml").write_text("[answers\n")
    with pytest.raises(BadInput) as raised:
        load_settings(tmp_path)
    assert raised.value.key == "settings_file"
    assert str(raised.value.values["path"]).endswith("tuned.toml")
