"""English words without their endings."""

import threading
import tomllib
from collections.abc import Mapping
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from typing import Any


class _Stemmer:
    """Snowball's English stemmer; the C object is not safe in several threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @cached_property
    def _english(self) -> Any:
        import Stemmer

        return Stemmer.Stemmer("english")

    def stem(self, word: str) -> str:
        with self._lock:
            return str(self._english.stemWord(word))


_stemmer = _Stemmer()


@cache
def _lists() -> Mapping[str, str]:
    lists: dict[str, str] = tomllib.loads(
        files("terakoya.text").joinpath("words.toml").read_text(encoding="utf-8")
    )
    return lists


@cache
def _irregular() -> Mapping[str, str]:
    """Words by the forms that no rule of endings leads back: bought to buy, largest to large."""
    lines = (line.split() for line in _lists()["english_irregular"].strip().splitlines())
    return {form: word for word, *forms in lines for form in forms}


@cache
def _spellings() -> Mapping[str, str]:
    """Stems by the stems of the other spelling: colour to color, so that coloured meets colored."""
    lines = (line.split() for line in _lists()["english_spellings"].strip().splitlines())
    return {_stemmer.stem(other): _stemmer.stem(word) for word, other in lines}


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A folded English word without its ending, the same for all its forms and spellings."""
    found = _stemmer.stem(_irregular().get(word, word))
    return _spellings().get(found, found)
