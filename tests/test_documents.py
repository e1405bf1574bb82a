"""What README and docs name is there: files, links, commands with their options, make targets, modules, settings."""

import argparse
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from app.cli.parser import build
from app.settings import AnswerSettings, SamplingSettings, SearchSettings, Settings
from ingest.read import KINDS

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/**/*.md"))
)
READMES = ("README.md", "README.ja.md")
FOLDERS = {
    "terakoya",
    "app",
    "workflows",
    "ingest",
    "evals",
    "ui",
    "tests",
    "benchmarks",
    "examples",
    "deploy",
    "docs",
}
NO_SETTING = {
    "TERAKOYA_LANGUAGE",
    "TERAKOYA_DEBUG",
    "TERAKOYA_SOAK",
    "TERAKOYA_SOAK_SEED",
    "TERAKOYA_API_KEY",
}
"""Variables that are read elsewhere."""
MADE = {"deploy/langfuse/.env"}
"""What commands write."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")


def words(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def code(document: str) -> Iterator[str]:
    """Each line of code blocks that is no output, and each code span."""
    text = words(document)
    for language, block in _FENCE.findall(text):
        lines = block.replace("\\\n", " ").splitlines()
        prompted = language == "console" or any(line.startswith("$ ") for line in lines)
        if language in ("", "sh", "console"):
            yield from (line.removeprefix("$ ") for line in lines if not prompted or line.startswith("$ "))
    yield from (span for span in _SPAN.findall(_FENCE.sub("", text)))


@cache
def files() -> frozenset[str]:
    places = (place for folder in FOLDERS for place in (ROOT / folder).rglob("*"))
    return frozenset(place.relative_to(ROOT).as_posix() for place in (*ROOT.iterdir(), *places))


def anchors(document: str) -> set[str]:
    """The names that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", words(document)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    lost = []
    for target in _LINK.findall(_SPAN.sub("", _FENCE.sub("", words(document)))):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        place = (ROOT / document).parent / path if path else ROOT / document
        if not place.exists() or (anchor and anchor not in anchors(str(place.resolve().relative_to(ROOT)))):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_are_named_are_there(document: str) -> None:
    lost = []
    for span in _SPAN.findall(_FENCE.sub("", words(document))):
        path = span.rstrip("/")
        if re.fullmatch(r"[\w.-]+\.py", path):
            known = any(file.endswith(f"/{path}") or file == path for file in files())
        elif re.fullmatch(r"[\w.-]+(/[\w.-]+)+", path) and path.split("/")[0] in FOLDERS:
            known = path in files() | MADE
        else:
            continue
        if not known:
            lost.append(span)
    assert lost == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_targets_that_are_named_are_there(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", words("Makefile"), re.MULTILINE))
    named = {
        found for line in code(document) for found in re.findall(r"(?:^|[;&(]\s*)make ([a-z][a-z-]*)", line)
    }
    assert named <= targets


@pytest.mark.parametrize("document", DOCUMENTS)
def test_modules_that_are_run_are_there(document: str) -> None:
    named = {found for line in code(document) for found in re.findall(r"python3? -m ([\w.]+)", line)}
    lost = [name for name in named if name.split(".")[0] in FOLDERS and find_spec(name) is None]
    assert lost == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_variables_that_are_named_are_read(document: str) -> None:
    known = {f"TERAKOYA_{name.upper()}" for name in Settings.model_fields} | NO_SETTING
    known |= {f"TERAKOYA_SEARCH__{name.upper()}" for name in SearchSettings.model_fields}
    known |= {f"TERAKOYA_ANSWERS__{name.upper()}" for name in AnswerSettings.model_fields}
    known |= {f"TERAKOYA_SAMPLING__{name.upper()}" for name in SamplingSettings.model_fields}
    named = set(re.findall(r"\bTERAKOYA_[A-Z0-9_]*[A-Z0-9]", words(document)))
    assert [name for name in named - known if not name.startswith("TERAKOYA_API_KEY_")] == []


def test_every_setting_is_told() -> None:
    told = "".join(words(document) for document in DOCUMENTS)
    names = [f"TERAKOYA_{name.upper()}" for name in Settings.model_fields if not name.startswith("langfuse_")]
    assert [name for name in names if not re.search(rf"\b{name}\b", told) and f"{name}__" not in told] == []


def test_both_readmes_tell_the_same_commands_and_settings() -> None:
    def told(document: str) -> tuple[set[str], set[str]]:
        cells = re.findall(r"^\| (`.*?) \| ", words(document), re.MULTILINE)
        return {span for cell in cells for span in _SPAN.findall(cell)}, set(
            re.findall(r"\bTERAKOYA_[A-Z_]*[A-Z]", words(document))
        )

    assert told(READMES[0]) == told(READMES[1])


def complaint(line: str) -> str:
    """What of a command line the parser does not know; values of options and arguments are not looked at."""
    parser: argparse.ArgumentParser = build()
    path = "terakoya"
    options = set(parser._option_string_actions)
    for token in re.findall(r"[^\s\[\]]+", line):
        names = token.strip("'\"").split("|")
        actions = next(
            (each.choices for each in parser._actions if isinstance(each, argparse._SubParsersAction)), {}
        )
        if token.startswith("-") and token.rstrip(".,") not in ("-", "--"):
            if token.partition("=")[0] not in options:
                return f"{path} {token}"
        elif actions and re.fullmatch(r"[a-z0-9]+", names[0]):
            if unknown := [name for name in names if name not in actions]:
                return f"{path} {unknown[0]}"
            parser, path = actions[names[0]], f"{path} {names[0]}"
            options |= set(parser._option_string_actions)
    return ""


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_and_options_that_are_named_are_there(document: str) -> None:
    lost = []
    for line in code(document):
        found = re.match(
            r"(?:(?:TERAKOYA|LANGFUSE)_\w+=(?:\"[^\"]*\"|\S+) )*(?:\.venv/bin/)?terakoya (\S.*)", line
        )
        if found and (told := complaint(re.split(r"\s#\s|\s> |\s\| |\s{2,}", found[1])[0])):
            lost.append(told)
    assert lost == []


@pytest.mark.parametrize("readme", READMES)
def test_every_command_is_in_the_readme(readme: str) -> None:
    (commands,) = (each for each in build()._actions if isinstance(each, argparse._SubParsersAction))
    assert [
        name for name in commands.choices if not re.search(rf"`(terakoya )?{name}\b", words(readme))
    ] == []


@pytest.mark.parametrize("readme", READMES)
def test_every_kind_of_note_is_in_the_readme(readme: str) -> None:
    told = words(readme)
    assert [kind for kind in KINDS if f"`{kind}`" not in told and kind[1:].upper() not in told] == []
