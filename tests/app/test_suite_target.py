from pathlib import Path

import pytest
from small_suite import QUESTION, write_small_suite

from app.settings import Settings
from app.suite_target import KEPT, LocalTarget, open_local_target
from evals import load_suite
from terakoya.errors import BadInput


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERAKOYA_LANGUAGE", "en")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_small_suite(tmp_path)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", embedder="none")


def opened(settings: Settings, path: Path) -> tuple[LocalTarget, list[str]]:
    said: list[str] = []
    return open_local_target(settings, load_suite(path), said.append), said


def stores(settings: Settings) -> dict[str, int]:
    return {
        p.parent.name: p.stat().st_ino for p in (settings.home / "evals" / "stores").glob("*/terakoya.duckdb")
    }


def test_an_installation_of_the_suite_s_notes_finds_their_lines(settings: Settings, path: Path) -> None:
    target, _ = opened(settings, path)
    try:
        passage = target.search("index", k=5).hits[0].passage
        assert (passage.source, passage.start_line) == ("db.md", 1)
    finally:
        target.close()


def test_every_question_has_a_thread_of_its_own(settings: Settings, path: Path) -> None:
    target, _ = opened(settings, path)
    try:
        assert target.ask(QUESTION).thread_id != target.ask(QUESTION).thread_id
    finally:
        target.close()


def test_the_notes_are_prepared_once_and_anew_when_they_change(settings: Settings, path: Path) -> None:
    first, said = opened(settings, path)
    first.close()
    before = stores(settings)
    second, said_again = opened(settings, path)
    second.close()
    assert (len(said), len(said_again), len(before)) == (1, 0, 1)
    assert stores(settings) == before
    (path.parent / "notes" / "new.md").write_text("A new note\n")
    third, _ = opened(settings, path)
    third.close()
    assert len(stores(settings)) == 2


def test_settings_that_do_not_matter_to_a_store_share_it_and_others_do_not(
    settings: Settings, path: Path
) -> None:
    opened(settings, path)[0].close()
    target, said = opened(settings.model_copy(update={"passages": 2}), path)
    target.close()
    assert said == []
    opened(settings.model_copy(update={"max_note_mb": 1.0}), path)[0].close()
    assert len(stores(settings)) == 2


def test_threads_of_a_run_are_gone_when_it_is_closed_and_its_traces_stay(
    settings: Settings, path: Path
) -> None:
    target, _ = opened(settings, path)
    trace = target.ask(QUESTION).trace_id
    target.close()
    assert list((settings.home / "evals" / "runs").iterdir()) == []
    (traces,) = (settings.home / "evals" / "traces").glob("*.jsonl")
    assert trace in traces.read_text(encoding="utf-8")


def test_what_a_killed_run_left_is_swept(settings: Settings, path: Path) -> None:
    opened(settings, path)[0].close()
    left = settings.home / "evals" / "runs" / "999999999-x"
    left.mkdir()
    opened(settings, path)[0].close()
    assert not left.exists()


def test_a_follow_up_is_asked_in_the_thread_of_what_came_before(settings: Settings, path: Path) -> None:
    target, _ = opened(settings, path)
    try:
        after = target.ask("And what for?", earlier=(QUESTION,))
        alone = target.ask("And what for?")
    finally:
        target.close()
    assert (after.answered, alone.answered) == (True, False)


def test_two_runs_share_one_store(settings: Settings, path: Path) -> None:
    first, _ = opened(settings, path)
    second, said = opened(settings, path)
    try:
        assert said == []
        assert first.search("index").hits == second.search("index").hits
    finally:
        first.close()
        second.close()


def test_no_more_stores_stay_than_the_cache_keeps(settings: Settings, path: Path) -> None:
    for n in range(KEPT + 2):
        (path.parent / "notes" / "new.md").write_text(f"Note {n}\n")
        opened(settings, path)[0].close()
    assert len(stores(settings)) == KEPT


def test_notes_that_hold_nothing_are_bad_input(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "blank.md").write_text("")
    suite = tmp_path / "empty.yaml"
    suite.write_text("name: e\nnotes: empty\ncases: [{id: a, question: q, answerable: false}]\n")
    with pytest.raises(BadInput):
        opened(settings, suite)
    assert list((settings.home / "evals" / "stores").iterdir()) == []
