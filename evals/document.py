"""A YAML document, or JSON Lines, that remembers on which line each value stands."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from terakoya.errors import BadInput

Location = tuple[str | int, ...]
"""The way to a value: keys and positions from the top."""


JSON_LINES: Final = frozenset({".jsonl", ".ndjson"})
"""Endings of files that are read as JSON Lines."""

MOST_NESTED: Final = 50
"""Lists and mappings in one another; a suite needs six."""

_LOADER: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""That of libyaml is ten times as fast; some builds of PyYAML come without it."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file.

    Attributes:
        path: The file.
        value: Mappings, lists and strings; every scalar is the string that stands in the file, so that `no`,
            `1e3` or `007` mean what they look like. Of JSON Lines, `true` and `false` are truth values.
        lines: Line of every value, and of every key of a mapping, from 1.
    """

    path: Path
    value: Any
    lines: Mapping[Location, int]

    def line(self, location: Location) -> int:
        """Line of the value at `location`, or of the nearest value around it."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)


def read_document(path: Path) -> Document:
    """Reads a YAML file, or JSON Lines: the first line all keys but `cases`, every further line a case.

    Raises:
        BadInput: The file is missing, not UTF-8, not YAML or JSON, gives one key twice, or uses aliases.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadInput("eval_syntax", path=path, line=line, reason="not UTF-8") from None
    except OSError as error:
        raise BadInput("eval_suite_missing", path=path, reason=error.strerror or error) from None
    if path.suffix.lower() in JSON_LINES:
        return _json_lines(path, text)
    lines: dict[Location, int] = {}
    try:
        _check_events(path, text)
        node = yaml.compose(text, Loader=_LOADER)
        value = None if node is None else _plain(node, (), lines, path)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        raise BadInput("eval_syntax", path=path, line=line, reason=error.reason) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line, text.rstrip("\n").count("\n")) + 1 if mark else 1
        raise BadInput("eval_syntax", path=path, line=line, reason=error.problem or error.context) from None
    return Document(path, value, lines)


def _check_events(path: Path, text: str) -> None:
    """Refuses what must not be composed to nodes.

    An alias may point at its own ancestor, or blow up a small file into a huge one. libyaml composes by
    recursion and takes the process down where a file is nested some ten thousand deep.
    """
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise BadInput("eval_syntax", path=path, line=line, reason=f"alias `*{event.anchor}`")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_NESTED:
            raise BadInput("eval_syntax", path=path, line=line, reason="nested too deeply")


def _json_lines(path: Path, text: str) -> Document:
    value: dict[str, Any] | None = None
    lines: dict[Location, int] = {(): 1}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        entry = _json(path, number, line)
        if value is None:
            value = {**entry, "cases": []}
            lines |= {(key,): number for key in value}
            if "cases" in entry:
                raise BadInput("eval_syntax", path=path, line=number, reason="`cases` in the first line")
        else:
            lines[("cases", len(value["cases"]))] = number
            value["cases"].append(entry)
    return Document(path, value, lines)


def _json(path: Path, number: int, line: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if twice := next((key for n, key in enumerate(keys) if key in keys[:n]), None):
            raise ValueError(f"`{twice}` stands twice")
        return {key: value for key, value in pairs if value is not None}

    try:
        entry = json.loads(line, object_pairs_hook=once, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise BadInput("eval_syntax", path=path, line=number, reason=reason) from None
    if not isinstance(entry, dict):
        raise BadInput("eval_syntax", path=path, line=number, reason="not an object")
    return entry


def _plain(node: yaml.Node, location: Location, lines: dict[Location, int], path: Path) -> Any:
    lines.setdefault(location, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in mapping:
                raise BadInput("eval_syntax", path=path, line=line, reason=f"`{key}` stands twice")
            lines[(*location, key)] = line
            mapping[key] = _plain(value_node, (*location, key), lines, path)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*location, n), lines, path) for n, item in enumerate(node.value)]
    return node.value
