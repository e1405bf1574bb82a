"""What a person asks to remember: kept once, private, and gone when it is taken back."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.memory import MOST, Facts
from app.settings import load_settings
from app.tracing import read_trace
from app.wiring import open_installation
from terakoya.errors import BadInput, NotFound


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "threads.sqlite"


def test_facts_are_kept_in_order_for_their_owner_alone(path: Path) -> None:
    assert Facts(path).facts() == []
    assert not path.exists()
    for text in ("試験は7月3日", "the key is in the desk"):
        Facts(path).keep(text, key=text)
    assert [(f.id, f.text) for f in Facts(path).facts()] == [
        (1, "試験は7月3日"),
        (2, "the key is in the desk"),
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("number", [0, -1, 2, 10**30])
def test_a_number_that_no_fact_has_is_told(path: Path, number: int) -> None:
    facts = Facts(path)
    facts.keep("試験は7月3日", key="t1")
    with pytest.raises(NotFound, match=str(number)):
        facts.forget(number)


def test_the_same_question_keeps_its_fact_once(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda _: Facts(path).keep("once", key="t1").id, range(24)))
    assert kept == [1] * 24


def test_a_fact_that_is_taken_back_leaves_nothing_in_the_file(path: Path) -> None:
    facts = Facts(path)
    facts.keep("合言葉はひらけごま", key="a")
    facts.keep("other", key="b")
    facts.forget(1)
    assert [f.text for f in facts.facts()] == ["other"]
    assert "ひらけごま".encode() not in path.read_bytes()
    with pytest.raises(NotFound):
        facts.forget(1)


def test_there_is_an_end_to_what_can_be_remembered(path: Path) -> None:
    facts = Facts(path)
    for number in range(MOST):
        facts.keep("x", key=str(number))
    with pytest.raises(BadInput):
        facts.keep("y", key="one more")
    assert facts.keep("x", key="0").id == 1


def test_a_home_remembers_tells_and_forgets(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "peas.md").write_text("# 遺伝\n\nメンデルはエンドウを育てた。\n", encoding="utf-8")
    home = open_installation(load_settings(tmp_path / "home", embedder="none"), write=True)
    try:
        home.ingest([notes])
        said = home.ask("期末試験は7月3日だと覚えておいて")
        assert ("7月3日" in said.answer, said.answered, said.citations) == (True, False, ())
        assert "7月3日" in home.ask("期末試験はいつ？").answer
        assert home.ask("メンデルは何を育てた？").answered
        assert "7月3日" in home.ask("覚えていることは？").answer
        (fact,) = home.facts()
        home.forget_fact(fact.number)
        assert "7月3日" not in home.ask("期末試験はいつ？").answer
    finally:
        home.close()


def test_a_greeting_is_no_search_in_vain_in_a_trace(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "peas.md").write_text("メンデルはエンドウを育てた。\n", encoding="utf-8")
    home = open_installation(load_settings(tmp_path / "home", embedder="none"), write=True)
    try:
        home.ingest([notes])
        trace = home.ask("こんにちは").trace_id
        assert home.tracer.flush(10)
        root = read_trace(home.settings.traces_path, trace)[0]
        assert "courtesy" in root.tags
        assert "abstained" not in root.tags
    finally:
        home.close()
