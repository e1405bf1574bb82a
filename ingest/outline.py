"""A stored note as the tree of its blocks, with the places where it was cut into passages."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import PurePosixPath

from ingest.document import Node
from ingest.markdown import parse
from ingest.read import PLAIN
from ingest.store import StoredNote
from ingest.view import View
from terakoya.api import NoteBlock, NoteTree


def outline(note: StoredNote) -> NoteTree:
    """The blocks of `note`, parsed again from its view; what stands below a heading is its child."""
    path = PurePosixPath(note.path)
    nodes = parse(note.view.text, plain_text=path.suffix.lower() in PLAIN, name=path.stem).nodes
    blocks = _sections(nodes, _Places(note.view, note.passages))
    return NoteTree(source=note.source, title=note.title, passages=len(note.passages), blocks=blocks)


class _Places:
    """Offsets of the view as lines, code points of the source, and numbers of passages."""

    def __init__(self, view: View, passages: Sequence[tuple[int, int]]) -> None:
        self.text = view.text
        self._breaks = [found.start() for found in re.finditer("\n", view.text)]
        self._source = view.source_offset
        self._starts = [start for start, _ in passages]
        self._ends = [end for _, end in passages]

    def block(self, node: Node) -> NoteBlock:
        """The block of one node, without children."""
        own = min([node.end, *(child.start for child in node.children[:1])])
        start, end = self._span(node.start, node.extent)
        low, high = self._span(node.start, own)
        return NoteBlock(
            kind=node.kind,
            level=node.level,
            start_line=bisect_left(self._breaks, node.start) + 1,
            end_line=bisect_left(self._breaks, max(node.start, node.extent - 1)) + 1,
            start=start,
            end=end,
            date=node.date,
            passages=list(range(bisect_right(self._ends, low) + 1, bisect_left(self._starts, high) + 1)),
            text=self.text[node.start : own].strip(),
        )

    def _span(self, start: int, end: int) -> tuple[int, int]:
        return self._source(start), self._source(max(start, end - 1)) + (end > start)


def _sections(nodes: Sequence[Node], places: _Places) -> list[NoteBlock]:
    top: list[NoteBlock] = []
    open_sections: list[NoteBlock] = []
    for node in nodes:
        block = _nested(node, places)
        if node.kind == "heading":
            while open_sections and open_sections[-1].level >= node.level:
                open_sections.pop()
        (open_sections[-1].children if open_sections else top).append(block)
        for section in open_sections:
            section.end_line, section.end = block.end_line, block.end
        if node.kind == "heading":
            open_sections.append(block)
    return top


def _nested(node: Node, places: _Places) -> NoteBlock:
    block = places.block(node)
    block.children = [_nested(child, places) for child in node.children]
    return block
