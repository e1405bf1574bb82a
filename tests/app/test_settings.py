"""Settings: environment, then file, then defaults; what is not allowed is told by name."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings, load_settings
from app.settings_file import set_list
from ingest.weighing import USUAL
from terakoya.errors import BadInput


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in os.environ:
        if name.startswith("TERAKOYA_"):
            monkeypatch.delenv(name)


def test_a_home_without_a_file_has_the_defaults(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    assert (settings.home, settings.effort, settings.host, settings.model) == (
        tmp_path,
        "normal",
        "127.0.0.1",
        "",
    )
    paths = [
        settings.store_path,
        settings.threads_path,
        settings.traces_path,
        settings.uploads_path,
        settings.service_path,
    ]
    assert all(path.parent == tmp_path for path in paths)


def test_the_environment_goes_before_the_file_and_arguments_before_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "terakoya.toml").write_text('port = 1\npassages = 2\neffort = "deep"\n')
    monkeypatch.setenv("TERAKOYA_PORT", "11")
    monkeypatch.setenv("TERAKOYA_PASSAGES", "12")
    settings = load_settings(tmp_path, passages=22)
    assert (settings.effort, settings.port, settings.passages) == ("deep", 11, 22)


def test_the_home_is_that_of_the_environment_unless_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERAKOYA_HOME", str(tmp_path / "one"))
    assert load_settings().home == tmp_path / "one"
    assert load_settings(tmp_path / "other").home == tmp_path / "other"


def test_a_home_below_the_user_s_or_the_current_folder_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert load_settings(Path("~/notes")).home == tmp_path / "notes"
    assert load_settings(Path("here")).home == tmp_path / "here"


def test_an_empty_variable_counts_as_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERAKOYA_PORT", "")
    assert load_settings(tmp_path).port == Settings(home=tmp_path).port


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "70000"),
        ("port", "many"),
        ("passages", "0"),
        ("effort", "huge"),
        ("max_note_mb", "-1"),
        ("model_timeout", "0"),
        ("context_tokens", "1"),
    ],
)
def test_a_value_that_is_not_allowed_is_told_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"TERAKOYA_{name.upper()}", value)
    with pytest.raises(BadInput) as caught:
        load_settings(tmp_path)
    assert caught.value.key == "setting"
    assert name in str(caught.value)
    assert value in str(caught.value)


def test_an_unknown_name_in_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "terakoya.toml").write_text("prot = 1\n")
    with pytest.raises(BadInput) as caught:
        load_settings(tmp_path)
    assert "prot" in str(caught.value)


@pytest.mark.parametrize(
    "line", ['langfuse_secret_key = ["sk-lf-1"]', 'langfuse_secretkey = "sk-lf-1"', 'api_key = "sk-lf-1"']
)
def test_a_secret_that_cannot_be_used_is_not_shown(tmp_path: Path, line: str) -> None:
    (tmp_path / "terakoya.toml").write_text(f"{line}\n")
    with pytest.raises(BadInput) as caught:
        load_settings(tmp_path)
    assert line.partition(" ")[0] in str(caught.value)
    assert "sk-lf" not in str(caught.value)


@pytest.mark.parametrize("content", [b"port = = 1\n", b"\xff\xfe\x00", b"port"])
def test_a_file_that_is_no_toml_is_told_with_its_path(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "terakoya.toml").write_bytes(content)
    with pytest.raises(BadInput) as caught:
        load_settings(tmp_path)
    assert caught.value.key == "settings_file"
    assert str(tmp_path / "terakoya.toml") in str(caught.value)


def test_a_level_of_the_log_is_one_of_those_there_are(tmp_path: Path) -> None:
    assert load_settings(tmp_path, log_level="debug").log_level == "DEBUG"
    (tmp_path / "terakoya.toml").write_text('log_level = "LOUD"\n')
    with pytest.raises(BadInput, match="WARNING"):
        load_settings(tmp_path)


def test_settings_do_not_change(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        load_settings(tmp_path).port = 1


def test_a_table_of_the_file_and_the_environment_set_what_search_weighs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "terakoya.toml").write_text("[search]\ncandidates = 20\nmeaning = 0.5\n")
    monkeypatch.setenv("TERAKOYA_SEARCH__MEANING", "0.25")
    search = load_settings(tmp_path).search
    assert (search.candidates, search.meaning) == (20, 0.25)
    assert search.weighing() == replace(USUAL, candidates=20, meaning=0.25)


@pytest.mark.parametrize("value", ["-1", "nan", "many"])
def test_a_weight_that_is_none_is_told_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("TERAKOYA_SEARCH__WORDS", value)
    with pytest.raises(BadInput) as raised:
        load_settings(tmp_path)
    assert raised.value.values["name"] == "search.words"


def test_search_weighs_as_usual_where_nothing_is_set(tmp_path: Path) -> None:
    assert load_settings(tmp_path).search.weighing() == USUAL


def test_models_are_a_list_and_what_is_named_nearer_by_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings(tmp_path).chat_models == ()
    (tmp_path / "terakoya.toml").write_text('models = ["a", "openai:b@https://b.example/v1"]\n')
    assert load_settings(tmp_path).chat_models == ("a", "openai:b@https://b.example/v1")
    monkeypatch.setenv("TERAKOYA_MODEL", "/old/way.gguf")
    assert load_settings(tmp_path).chat_models == ("/old/way.gguf",)
    monkeypatch.setenv("TERAKOYA_MODELS", "c, d.gguf")
    assert load_settings(tmp_path).chat_models == ("c", "d.gguf")
    monkeypatch.setenv("TERAKOYA_MODELS", "none")
    assert load_settings(tmp_path).chat_models == ()


@pytest.mark.parametrize(
    "before",
    ["", "port = 1", "# note\nmodels = [\n  'x', # one\n  'y',\n]\nport = 1\n", 'model="o"\nport=1\n\n'],
)
def test_one_setting_is_changed_and_the_rest_of_the_file_stays(tmp_path: Path, before: str) -> None:
    path = tmp_path / "home" / "terakoya.toml"
    path.parent.mkdir()
    path.write_text(before)
    set_list(path, "models", ['茶 "1"', "b"], instead_of=["model"])
    settings = load_settings(path.parent)
    assert settings.chat_models == ('茶 "1"', "b")
    assert settings.model == ""
    assert settings.port == (1 if "port" in before else 8764)
    assert ("# note" in path.read_text()) == ("# note" in before)
    assert path.stat().st_mode & 0o077 == 0


def test_a_settings_file_that_is_broken_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "terakoya.toml").write_text("port = \n")
    with pytest.raises(BadInput):
        set_list(tmp_path / "terakoya.toml", "models", ["a"])
    assert (tmp_path / "terakoya.toml").read_text() == "port = \n"
