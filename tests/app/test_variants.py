"""`--set`: every combination of settings, and what is no setting is told."""

from pathlib import Path

import pytest

from app.settings import Settings, load_settings
from app.variants import names, variants
from terakoya.errors import BadInput


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, embedder="none", passages=7)


def test_without_anything_set_there_is_one_variant_as_it_is(settings: Settings) -> None:
    (only,) = variants(settings, [])
    assert only.settings is settings
    assert only.label == ""


def test_every_combination_comes_the_first_values_first(settings: Settings) -> None:
    found = variants(settings, ["search.candidates=20,40", "passages=4", "search.candidates=80"])
    assert [v.label for v in found] == [f"search.candidates={n} passages=4" for n in (20, 40, 80)]
    assert [(v.settings.search.candidates, v.settings.passages) for v in found] == [(20, 4), (40, 4), (80, 4)]
    assert {v.settings.embedder for v in found} == {"none"}
    assert {v.settings.home for v in found} == {settings.home}


def test_what_is_set_goes_before_the_environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERAKOYA_SEARCH__MEANING", "0.5")
    monkeypatch.setenv("TERAKOYA_PASSAGES", "1")
    (found,) = variants(settings, ["search.meaning=0.25"])
    assert (found.settings.search.meaning, found.settings.passages) == (0.25, 7)


@pytest.mark.parametrize(
    ("assignment", "key"),
    [
        ("search.candidates", "eval_set"),
        ("=20", "eval_set"),
        ("search.candidate=20", "eval_set_key"),
        ("home=/tmp", "eval_set_key"),
        ("port=1", "eval_set_key"),
        ("search=1", "eval_set_key"),
        ("search.candidates=", "setting"),
        ("search.candidates=0", "setting"),
        ("search.meaning=nan", "setting"),
        ("passages=many", "setting"),
        ("answers.support=1.5", "setting"),
        (f"search.candidates={','.join(map(str, range(1, 103)))}", "eval_set_many"),
    ],
)
def test_what_cannot_be_set_is_bad_input(settings: Settings, assignment: str, key: str) -> None:
    with pytest.raises(BadInput) as raised:
        variants(settings, [assignment])
    assert raised.value.key == key
    for language in ("en", "ja"):
        assert "{" not in raised.value.message(language)


def test_a_model_that_is_set_stands_in_place_of_all_that_were(tmp_path: Path) -> None:
    several = load_settings(tmp_path, models="a.gguf,b.gguf")
    one, other = variants(several, ["model=c.gguf,none"])
    assert one.settings.chat_models == ("c.gguf",)
    assert other.settings.chat_models == ()


def test_settings_in_tables_are_named_with_their_table() -> None:
    assert {"search.candidates", "answers.support", "passages", "model"} <= set(names())
