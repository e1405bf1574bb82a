"""Names of one thing in Japanese and in English, as study notes have them: `glossary.toml`, read once.

Sudachi's dictionary groups common words of one meaning. It knows few terms of a subject, and none of several words.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from terakoya.text.normalise import fold
from terakoya.types import Language

LONGEST: Final = 5
"""Words of the longest name that is looked for."""
_VERB: Final = re.compile(r"(?<=[\u4e00-\u9fff])する$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing.

    Attributes:
        number: Of the entry; below 0, so that it is no number of Sudachi's.
        japanese: Its Japanese names, the most usual one first.
        english: Its English names, the same.
    """

    number: int
    japanese: tuple[str, ...]
    english: tuple[str, ...]

    def names(self, language: Language) -> tuple[str, ...]:
        """Those in one language."""
        return self.japanese if language == "ja" else self.english


@cache
def entries() -> tuple[Entry, ...]:
    """All of them, in the order of the file."""
    subjects = tomllib.loads(files("terakoya.text").joinpath("glossary.toml").read_text(encoding="utf-8"))
    lines = [line for subject in subjects.values() for line in subject.strip().splitlines()]
    return tuple(_entry(-number, line) for number, line in enumerate(lines, start=1))


def _entry(number: int, line: str) -> Entry:
    japanese, _, english = line.partition(" = ")
    return Entry(number, tuple(japanese.split(", ")), tuple(english.split(", ")))


def entry(number: int) -> Entry | None:
    """That with this number, if one has it."""
    return entries()[-number - 1] if -len(entries()) <= number < 0 else None


@cache
def japanese_names() -> Mapping[str, frozenset[int]]:
    """Numbers by Japanese name, folded; a verb made of a noun stands under the noun."""
    return _numbers((_VERB.sub("", fold(name)), e.number) for e in entries() for name in e.japanese)


def _numbers(named: Iterable[tuple[str, int]]) -> Mapping[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for name, number in named:
        found.setdefault(name, set()).add(number)
    return {name: frozenset(numbers) for name, numbers in found.items()}


@cache
def english_names() -> Mapping[str, frozenset[int]]:
    """Numbers by English name, folded."""
    return _numbers((fold(name), e.number) for e in entries() for name in e.english)
