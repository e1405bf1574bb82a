"""A document to chunks: pieces that search finds and answers quote, cut along the structure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ingest.document import Document, Node, plain
from terakoya.text.sentences import sentence_spans
from terakoya.types import Block

LARGEST: Final = 520
"""Weight of a chunk: about the 512 tokens that most embedders read. A kana or kanji weighs 1, other text 0.4."""
SPLIT_PARAGRAPH: Final = 3 * LARGEST
"""A paragraph over this weight is cut between sentences; up to it, it stays whole."""
_ANCESTOR_LENGTH: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One piece of a note, in offsets of the view.

    Attributes:
        start: First character, at the start of a line unless a long paragraph was cut.
        end: Behind the last character.
        heading: Headings above, outermost first, as plain text.
        ancestors: List items above, outermost first, as plain text.
        blocks: Structure inside, offsets counted from `start`.
    """

    start: int
    end: int
    heading: tuple[str, ...]
    ancestors: tuple[str, ...]
    blocks: tuple[Block, ...]


def chunk(document: Document) -> list[Chunk]:
    """Cuts `document` into chunks that follow its structure; every line with text is in exactly one."""
    text = document.text
    groups = _Grouping(text)
    for section in _sections(document):
        groups.add_section(section.heading, section.nodes)
    chunks = []
    starts = [group[0].start for group in groups.groups]
    for index, group in enumerate(groups.groups):
        # up to the next chunk, so that lines no block covers (link definitions, stray marks) are not lost
        start = 0 if index == 0 else starts[index]
        stop = starts[index + 1] if index + 1 < len(starts) else len(text)
        start, stop = _trim(text, start, stop)
        if start == stop:  # white space that Markdown takes for text, such as an ideographic space
            continue
        heading, ancestors = groups.contexts[index]
        chunks.append(
            Chunk(
                start=start,
                end=stop,
                heading=heading,
                ancestors=ancestors,
                blocks=tuple(_blocks(group, start, stop)),
            )
        )
    if not chunks and text.strip():
        start, stop = _trim(text, 0, len(text))
        chunks.append(Chunk(start=start, end=stop, heading=(), ancestors=(), blocks=()))
    return chunks


def weight(text: str) -> float:
    """Size of `text` in the unit of `LARGEST`."""
    narrow = sum(1 for c in text if c < "\u2e80")
    return len(text) - 0.6 * narrow


@dataclass(frozen=True, slots=True)
class _Section:
    heading: tuple[str, ...]
    nodes: list[Node]


def _sections(document: Document) -> Iterable[_Section]:
    """Blocks under one heading each; a heading without a body of its own goes with the next."""
    path: list[tuple[int, str]] = []
    nodes: list[Node] = []
    for node in document.nodes:
        if node.kind == "heading":
            if nodes and nodes[-1].kind != "heading":
                yield _Section(tuple(title for _, title in path), nodes)
                nodes = []
            path = [(level, title) for level, title in path if level < node.level]
            shown = plain(document.text[node.start : node.end]).splitlines()
            title = shown[0].strip("= -") if shown else ""  # a heading may hold marks or an image alone
            if title:
                path.append((node.level, title))
        nodes.append(node)
    if nodes:
        yield _Section(tuple(title for _, title in path), nodes)


class _Grouping:
    """Packs nodes into groups no heavier than `LARGEST`, opening nodes that are too heavy."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.groups: list[list[Node]] = []
        self.contexts: list[tuple[tuple[str, ...], tuple[str, ...]]] = []

    def add_section(self, heading: tuple[str, ...], nodes: Sequence[Node]) -> None:
        self._pack(nodes, heading, ())

    def _pack(self, nodes: Sequence[Node], heading: tuple[str, ...], ancestors: tuple[str, ...]) -> None:
        group: list[Node] = []
        load = 0.0

        def close() -> None:
            nonlocal group, load
            if group:
                self.groups.append(group)
                self.contexts.append((heading, ancestors))
            group, load = [], 0.0

        for node in nodes:
            size = weight(self.text[node.start : node.extent])
            if load + size > LARGEST and group and group[-1].kind != "heading":
                close()
            if size > LARGEST and node.children:
                self._open(node, group, heading, ancestors)
                group, load = [], 0.0
            elif size > SPLIT_PARAGRAPH and node.kind in ("paragraph", "quote", "item"):
                for piece in self._sentences(node):
                    group.append(piece)
                    close()
            else:
                group.append(node)
                load += size
        close()

    def _open(
        self, node: Node, before: list[Node], heading: tuple[str, ...], ancestors: tuple[str, ...]
    ) -> None:
        """Cuts a heavy item or table between its children; its own line goes with the first ones."""
        own = Node(node.kind, node.start, node.end, node.end, node.depth, header=node.header)
        if node.kind == "table":
            own.end = own.extent = node.children[0].start - 1
        line = plain(self.text[node.start : node.end])[:_ANCESTOR_LENGTH]
        below = (*ancestors, line) if node.kind == "item" else ancestors
        first = len(self.groups)
        self._pack(node.children, heading, below)
        if first < len(self.groups):
            self.groups[first] = [*before, own, *self.groups[first]]
            self.contexts[first] = (heading, ancestors)
        else:
            self.groups.append([*before, own])
            self.contexts.append((heading, ancestors))

    def _sentences(self, node: Node) -> Iterable[Node]:
        """A very long paragraph in pieces of whole sentences (of `LARGEST` characters where there are none)."""
        content = self.text[node.start : node.extent]
        begin = last = 0
        for start, end in _hard_cut(sentence_spans(content)):
            if start > begin and weight(content[begin:end]) > LARGEST:
                yield Node(node.kind, node.start + begin, node.start + last, node.start + last, node.depth)
                begin = start
            last = end
        if begin < len(content):
            yield Node(node.kind, node.start + begin, node.extent, node.extent, node.depth)


def _hard_cut(spans: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    for start, end in spans:
        while end - start > 2 * LARGEST:
            yield start, start + LARGEST
            start += LARGEST
        yield start, end


def _blocks(nodes: Sequence[Node], start: int, stop: int) -> Iterable[Block]:
    for node in nodes:
        if node.start >= stop or node.extent <= start:
            continue
        yield Block(
            kind=node.kind,
            start=max(0, node.start - start),
            end=max(0, min(node.end, stop) - start),
            extent=min(node.extent, stop) - start,
            depth=node.depth,
            header=node.header,
        )
        yield from _blocks(node.children, start, stop)


def _trim(text: str, start: int, stop: int) -> tuple[int, int]:
    """Without blank lines around, but with the indent of the first line."""
    while start < stop and text[start].isspace():
        start += 1
    indent = text.rfind("\n", 0, start) + 1
    if not text[indent:start].strip():
        start = max(indent, 0)
    while stop > start and text[stop - 1].isspace():
        stop -= 1
    return start, stop
