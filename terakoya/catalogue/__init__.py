"""Sentences for people, in Japanese and English, looked up by key.

The catalogues are the TOML files beside this module; `tests/terakoya/test_catalogue.py` holds that both
have the same keys and name the same values. `{places}` is a value, and `{places:place|places}` the first of the two
words where it is 1, else the second.
"""

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any, Final

LANGUAGES: Final = ("en", "ja")
_reader: ContextVar[str | None] = ContextVar("reader", default=None)


class _Sentences(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        one, bar, many = format_spec.partition("|")
        if not bar:
            return str(super().format_field(value, format_spec))
        return one if str(value) == "1" else many


_sentences: Final = _Sentences()


@cache
def load(language: str) -> dict[str, str]:
    """All sentences of one language, keyed by dotted path (`error.store_busy`)."""
    document = tomllib.loads(files(__name__).joinpath(f"{language}.toml").read_text(encoding="utf-8"))
    return {
        f"{group}.{key}": str(value) for group, entries in document.items() for key, value in entries.items()
    }


@contextmanager
def reading_in(language: str) -> Iterator[None]:
    """Within it, sentences are in `language` for want of another: that of one request of the service."""
    token = _reader.set(language)
    try:
        yield
    finally:
        _reader.reset(token)


def environment_language() -> str:
    """The reader's language: that of the request, `TERAKOYA_LANGUAGE`, else the locale, else English."""
    if reader := _reader.get():
        return reader
    for name in ("TERAKOYA_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "ja" if value.lower().startswith("ja") else "en"
    return "en"


def text(key: str, *, language: str | None = None, **values: object) -> str:
    """The sentence `key` in `language`, with `values` filled in.

    Raises:
        KeyError: The catalogue has no such sentence, or the sentence names a value that was not given.
    """
    sentence = load(language if language in LANGUAGES else environment_language())[key]
    return _sentences.vformat(sentence, (), values)
