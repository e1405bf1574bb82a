"""The catalogues: both languages say the same, and say all that the code asks for."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from terakoya import errors
from terakoya.catalogue import LANGUAGES, environment_language, load, text

ROOT = Path(__file__).parents[2]
PACKAGES = ("terakoya", "ingest", "workflows", "evals", "app", "ui")
ERRORS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.TerakoyaError)
}


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def calls() -> Iterator[tuple[str, ast.Call]]:
    """All calls in the product, with the place they stand at."""
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            names = {
                alias.asname or alias.name
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom) and node.module == "terakoya.catalogue"
                for alias in node.names
                if alias.name == "text"
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    place = f"{file.relative_to(ROOT)}:{node.lineno}"
                    if node.func.id in names:
                        yield place, node
                    elif node.func.id in ERRORS:
                        yield f"{place} error", node


def literal_keys() -> list[tuple[str, str, ast.Call]]:
    found = []
    for place, call in calls():
        first = call.args[0] if call.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            key = f"error.{first.value}" if place.endswith(" error") else first.value
            found.append((place, key, call))
    return found


def test_both_languages_have_the_same_keys() -> None:
    assert load("en").keys() == load("ja").keys()


def test_both_languages_name_the_same_values() -> None:
    english, japanese = load("en"), load("ja")
    assert {k: placeholders(v) for k, v in english.items()} == {
        k: placeholders(v) for k, v in japanese.items()
    }


def test_no_sentence_is_empty() -> None:
    assert not [
        (language, key) for language in LANGUAGES for key, value in load(language).items() if not value
    ]


def test_the_japanese_sentences_are_japanese() -> None:
    kana = re.compile(r"[ぁ-ヿ一-鿿]")
    english = load("en")
    assert not [
        key
        for key, value in load("ja").items()
        if not kana.search(value) and re.search(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}", english[key])
    ]


def test_every_key_that_the_code_uses_exists() -> None:
    keys = literal_keys()
    assert len(keys) > 50
    assert not [(place, key) for place, key, _ in keys if key not in load("en")]


def test_every_value_that_a_sentence_names_is_given() -> None:
    missing = []
    for place, key, call in literal_keys():
        if any(keyword.arg is None for keyword in call.keywords):
            continue  # **values: known only when it runs
        given = {keyword.arg for keyword in call.keywords}
        if absent := placeholders(load("en").get(key, "")) - given:
            missing.append((place, key, absent))
    assert not missing


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({"TERAKOYA_LANGUAGE": "ja"}, "ja"),
        ({"TERAKOYA_LANGUAGE": "en", "LANG": "ja_JP.UTF-8"}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LC_ALL": "C.UTF-8", "LANG": "ja_JP.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_reader_s_language_is_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], language: str
) -> None:
    for name in ("TERAKOYA_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert environment_language() == language


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1, "in 1 place,"),
        ("1", "in 1 place,"),
        (0, "in 0 places,"),
        (2, "in 2 places,"),
        (11, "in 11 places,"),
    ],
)
def test_one_thing_is_not_told_in_the_plural(number: object, said: str) -> None:
    assert said in text("note.doubtful", language="en", places=number, line=3)


def test_a_word_that_goes_with_its_number_in_one_sentence_does_so_in_all() -> None:
    """But for tokens and characters, of which a context never has only one, and `answers`, which is a verb too."""
    sentences = load("en")
    governed = {word for value in sentences.values() for word in re.findall(r"\{\w+:\w+\|(\w{2,}s)\}", value)}
    words = "|".join(sorted(governed - {"tokens", "characters", "answers"}))
    bare = re.compile(rf"\{{\w+\}} (?:more |other |earlier )?(?:{words})\b")
    assert {"notes", "passages", "questions"} <= governed
    assert {key: found for key, value in sentences.items() if (found := bare.findall(value))} == {}


def test_braces_in_values_are_no_placeholders() -> None:
    assert "{x} {0}" in text("error.note_unknown", language="en", source="{x} {0}")


def test_an_unknown_language_falls_back_to_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERAKOYA_LANGUAGE", "ja")
    assert text("answer.nothing", language="fr") == text("answer.nothing", language="ja")
