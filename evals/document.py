"""A YAML document that remembers on which line each value stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from terakoya.errors import BadInput

Location = tuple[str | int, ...]
"""The way to a value: keys and positions from the top."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file.

    Attributes:
        path: The file.
        value: Mappings, lists and strings; every scalar is the string that stands in the file, so that `no`,
            `1e3` or `007` mean what they look like.
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
    """Reads a YAML file.

    Raises:
        BadInput: The file is missing, not UTF-8, not YAML, gives one key twice, or uses aliases.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadInput("eval_syntax", path=path, line=line, reason="not UTF-8") from None
    except OSError as error:
        raise BadInput("eval_suite_missing", path=path, reason=error.strerror or error) from None
    lines: dict[Location, int] = {}
    try:
        # An alias may point at its own ancestor, or blow up a small file into a huge one.
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise BadInput("eval_syntax", path=path, line=line, reason=f"alias `*{event.anchor}`")
        node = yaml.compose(text, Loader=yaml.BaseLoader)
        value = None if node is None else _plain(node, (), lines, path)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        raise BadInput("eval_syntax", path=path, line=line, reason=error.reason) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise BadInput("eval_syntax", path=path, line=line, reason=error.problem or error.context) from None
    except RecursionError:
        raise BadInput("eval_syntax", path=path, line=1, reason="nested too deeply") from None
    return Document(path, value, lines)


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
