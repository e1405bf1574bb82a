"""The tree of a note: headings, items, tables, code, formulas, each with the lines it stands on."""

import re
from dataclasses import dataclass, field
from typing import Final

from terakoya.types import BlockKind

_IMAGE: Final = re.compile(r"!\[([^\[\]\n]*)\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)")
_LINK: Final = re.compile(r"\[([^\[\]\n]*)\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)")
_WIKI: Final = re.compile(r"!?\[\[(?:[^\[\]|\n]*\|)?([^\[\]|\n]+)\]\]")
_EMPHASIS: Final = re.compile(
    r"(?<!\\)(?:\*\*|__|~~|==(?=\S)|(?<=\S)==|`+|(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*]))"
)
_LEAD: Final = re.compile(
    r"^(?:[ \t　]*[・●•▪◦]|[ \t]*(?:[-*+]|\d{1,9}[.)])(?=\s|$)|[ \t]*#{1,6}(?=\s)|[ \t]*>)+[ \t]*",
    re.MULTILINE,
)
_CHECKBOX: Final = re.compile(r"^\[[ xX]\][ \t]+", re.MULTILINE)
_ESCAPE: Final = re.compile(r"\\([!\"#$%&'()*+,\-./:;<=>?@\[\]^_`{|}~])")


@dataclass(slots=True)
class Node:
    """One block of a note, with what is nested in it.

    Attributes:
        kind: What it is.
        start: First character in the view, indent and marker included.
        end: Behind its own last character: for an item, its first paragraph.
        extent: Behind everything nested in it.
        depth: 0 at the top, 1 for an item of a top-level list.
        level: Level of a heading, 1 to 6.
        header: Cells of the header row, for a table row.
        children: Nested blocks in reading order.
    """

    kind: BlockKind
    start: int
    end: int
    extent: int
    depth: int = 0
    level: int = 0
    header: tuple[str, ...] = ()
    children: list["Node"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Document:
    """A note as a tree.

    Attributes:
        text: The view.
        nodes: Top-level blocks in reading order.
        title: From the front matter, else the first heading, else empty.
        tags: From the front matter.
    """

    text: str
    nodes: tuple[Node, ...]
    title: str
    tags: tuple[str, ...]


def plain(markdown: str) -> str:
    """`markdown` without marks, link targets and list markers: what is analysed and shown in headings."""
    text = _IMAGE.sub(r"\1", markdown)
    text = _LINK.sub(r"\1", text)
    text = _WIKI.sub(r"\1", text)
    text = _LEAD.sub("", text)
    text = _CHECKBOX.sub("", text)
    text = _EMPHASIS.sub("", text)
    return _ESCAPE.sub(r"\1", text).strip()


def cells(row: str) -> tuple[str, ...]:
    """The cells of one line of a table, as plain text."""
    inner = row.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return tuple(plain(cell.replace("\\|", "|")) for cell in re.split(r"(?<!\\)\|", inner))
