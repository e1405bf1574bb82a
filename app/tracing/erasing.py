"""Takes traces out of the trace files for good.

A line is overwritten with spaces where it stands. The files keep their lengths, so that whoever follows them
goes on where it was, and another process may append meanwhile.
"""

import contextlib
import json
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from app.tracing.spool import trace_files

_TRACE_ID = re.compile(rb'"trace_id": ?"([0-9a-f]{32})"')


def traces_of_thread(folder: Path, thread_id: str) -> set[str]:
    """Ids of the traces of a conversation."""
    wanted = json.dumps(thread_id, ensure_ascii=False).encode(errors="backslashreplace")
    return {
        trace_id
        for _, trace_id, line in _lines(folder)
        if wanted in line and _field(line, "thread_id") == thread_id
    }


def traces_with(folder: Path, sources: Collection[str], passages: Collection[str]) -> set[str]:
    """Ids of the traces in which one of these notes stands, by its source or by the id of a passage."""
    names = {
        json.dumps(each, ensure_ascii=False).encode(errors="backslashreplace")
        for each in (*sources, *passages)
    }
    if not names:
        return set()
    wanted = re.compile(b"|".join(re.escape(name) for name in sorted(names)))
    return {trace_id for _, trace_id, line in _lines(folder) if wanted.search(line)}


def traces_where(folder: Path, holds: Callable[[str], bool]) -> set[str]:
    """Ids of the traces of which a text, wherever it stands in a line, is one for which this holds."""
    return {
        trace_id
        for _, trace_id, line in _lines(folder)
        if any(holds(text) for text in _texts(json.loads(line)))
    }


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def erase(folder: Path, trace_ids: Collection[str]) -> int:
    """Overwrites every line of these traces; the number of lines.

    Raises:
        OSError: A file cannot be written.
    """
    erased = 0
    for file in trace_files(folder):
        places = [(at, len(line)) for at, trace_id, line in _lines_of(file) if trace_id in trace_ids]
        if places:
            with contextlib.suppress(FileNotFoundError), file.open("r+b") as out:
                for at, length in places:
                    _blank(out, at, length)
                erased += len(places)
    return erased


def _blank(file: BinaryIO, at: int, length: int) -> None:
    file.seek(at)
    file.write(b" " * (length - 1) + b"\n")


def _lines(folder: Path) -> Iterator[tuple[int, str, bytes]]:
    for file in trace_files(folder):
        yield from _lines_of(file)


def _lines_of(file: Path) -> Iterator[tuple[int, str, bytes]]:
    """Where each whole line begins, its trace, and the line."""
    with contextlib.suppress(FileNotFoundError), file.open("rb") as lines:
        at = 0
        for line in lines:
            found = _TRACE_ID.search(line)
            if found and line.endswith(b"\n"):
                yield at, found[1].decode(), line
            at += len(line)


def _field(line: bytes, name: str) -> object:
    try:
        return json.loads(line).get(name)
    except (ValueError, AttributeError):
        return None
