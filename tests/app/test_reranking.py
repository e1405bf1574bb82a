"""The reranker of the settings: off unless asked for, told of at the start where it cannot be, seen in hits."""

from pathlib import Path

import pytest

from app.doctor import diagnose
from app.service.server import serve
from app.settings import load_settings
from app.wiring import open_installation
from terakoya.api import Check
from terakoya.errors import BadInput, TerakoyaError, Unavailable
from tests.cross_encoders import MARK, make_cross_encoder


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("TERAKOYA_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TERAKOYA_LANGUAGE", "en")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cross_encoder(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for at in range(5):
        (folder / f"{at}.md").write_text("# Note\n\nThe river has a bank.\n", encoding="utf-8")
    (folder / "far.md").write_text(f"# Note\n\nAmong many other words, a river. {MARK}\n", encoding="utf-8")
    return folder


def check(home: Path, **settings: object) -> Check:
    checks = diagnose(load_settings(home, **settings), environ={})
    return next(check for check in checks if check.name == "reranker")


def test_there_is_none_unless_one_is_asked_for(home: Path) -> None:
    settings = load_settings(home)
    assert (settings.reranker, settings.reranker_ms) == ("none", 300)
    assert check(home).status == "off"


@pytest.mark.parametrize("budget", [0, -1, "soon"])
def test_a_budget_that_is_none_is_told(home: Path, budget: object) -> None:
    with pytest.raises(BadInput) as caught:
        load_settings(home, reranker_ms=budget)
    assert "reranker_ms" in caught.value.message("en")


def test_one_that_loads_is_told_of_with_its_budget(home: Path, model: Path) -> None:
    found = check(home, reranker=str(model), reranker_ms=450)
    assert found.status == "ok"
    assert "en, ja" in found.detail
    assert "450 ms" in found.detail


@pytest.mark.parametrize("name", ["japanese-reranker", "an empty folder"])
def test_one_that_cannot_be_is_a_problem_and_stops_service_and_search(
    home: Path, notes: Path, tmp_path: Path, name: str
) -> None:
    if name == "an empty folder":
        name = str(tmp_path / "empty")
        Path(name).mkdir()
    settings = load_settings(home, embedder="none", reranker=name, port=0)
    found = check(home, embedder="none", reranker=name)
    assert found.status == "problem"
    assert name in found.detail
    with pytest.raises(TerakoyaError) as caught:
        serve(settings, lambda settings: open_installation(settings, write=True))
    assert isinstance(caught.value, BadInput | Unavailable)
    assert name in caught.value.message("en")
    opened = open_installation(settings, write=True)
    try:
        opened.ingest([notes])
        with pytest.raises(type(caught.value)):
            opened.search("river bank")
    finally:
        opened.close()


def test_hits_say_what_the_reranker_found_and_another_opening_needs_no_second_model(
    home: Path, notes: Path, model: Path
) -> None:
    settings = load_settings(home, embedder="none", reranker=str(model), reranker_ms=600_000)
    first = open_installation(settings, write=True)
    first.ingest([notes])
    ranking = first.search("river bank", k=2)
    first.close()
    assert ranking.hits[0].passage.source == "far.md"
    assert ranking.hits[0].arms["reranker"] > 0.5 > ranking.hits[1].arms["reranker"]
    second = open_installation(settings, like=first)
    assert second.wiring.reranker is first.wiring.reranker
    assert [hit.passage for hit in second.search("river bank", k=2).hits] == [h.passage for h in ranking.hits]
    second.close()
