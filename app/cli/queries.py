"""Queries of a command: one from the arguments, or one a line from a file or stdin."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from terakoya.errors import BadInput

_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def queries(words: Sequence[str], batch: str | None) -> Iterator[str]:
    """The queries in order, each when it is wanted; blank lines of a batch are skipped.

    Raises:
        BadInput: There is none, there are both, one is empty, or the file cannot be read as UTF-8.
    """
    if bool(words) == (batch is not None):
        raise BadInput("query_or_batch")
    return _lines(batch) if batch is not None else iter([_single(words)])


def clean(argument: str) -> str:
    """The argument as text: bytes that the locale could not read are read as UTF-8 or become U+FFFD."""
    if not _SURROGATES.search(argument):
        return argument
    try:
        return os.fsencode(argument).decode("utf-8", "replace")
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", argument)


def _single(words: Sequence[str]) -> str:
    query = clean(" ".join(words))
    if not query.strip():
        raise BadInput("question_empty")
    return query


def _lines(batch: str) -> Iterator[str]:
    for number, line in enumerate(_raw(batch), 1):
        try:
            query = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError:
            raise BadInput("batch_encoding", path=batch, line=number) from None
        if query:
            yield query


def _raw(batch: str) -> Iterator[bytes]:
    try:
        if batch == "-":
            yield from sys.stdin.buffer
        else:
            with Path(batch).open("rb") as file:
                yield from file
    except OSError as error:  # not there, a folder, a disk that went away
        raise BadInput("batch_file", path=batch, reason=error.strerror) from error
