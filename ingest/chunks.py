"""A document to chunks: pieces that search finds and answers quote, cut along the structure."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ingest.document import Document, Node
from ingest.inline import inlines
from ingest.plain import plain
from ingest.verbatim import Inside, Span, joined, regions
from terakoya.text.sentences import sentence_spans
from terakoya.types import Block

LARGEST: Final = 520
"""Weight of a chunk: about the 512 tokens that most embedders read. A kana or kanji weighs 1, other text 0.4."""
SPLIT: Final = 3 * LARGEST
"""A paragraph over this weight is cut between sentences; up to it, it stays whole."""
_WIDE: Final = 0x2E80
"""From here on lie kana, kanji and their marks."""
SCRAP: Final = LARGEST / 8
"""The last chunk of a section, when lighter than this, takes its share from the one before it."""
_ANCESTOR_LENGTH: Final = 120
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}://[!-~]+")
_WORD: Final = re.compile(r"[\w.,'’-]")


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


Fits = Callable[[tuple[str, ...], tuple[str, ...], str], bool]
"""Whether text under these headings and ancestors may be one chunk; asked of what is within `LARGEST`."""


def _always(heading: tuple[str, ...], ancestors: tuple[str, ...], text: str) -> bool:
    return True


def chunk(document: Document, fits: Fits = _always) -> list[Chunk]:
    """Cuts `document` into chunks that follow its structure; every line with text is in exactly one.

    What has no structure inside (a paragraph, a row, a formula, code) is never cut for `fits`.
    """
    text = document.text
    groups = _Grouping(text, fits)
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


class Weights:
    """Sizes of pieces of a text in the unit of `LARGEST`, without reading a piece again at every level above it."""

    def __init__(self, text: str) -> None:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        self._narrow = np.concatenate(([0], np.cumsum(codes < _WIDE, dtype=np.int64)))

    def of(self, start: int, end: int) -> float:
        """Size of `text[start:end]`."""
        return end - start - 0.6 * int(self._narrow[end] - self._narrow[start])


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
    """Packs nodes into groups that are small enough, opening nodes that are too heavy."""

    def __init__(self, text: str, fits: Fits) -> None:
        self.text = text
        self.weights = Weights(text)
        self.fits = fits
        self.groups: list[list[Node]] = []
        self.contexts: list[tuple[tuple[str, ...], tuple[str, ...]]] = []

    def add_section(self, heading: tuple[str, ...], nodes: Sequence[Node]) -> None:
        self._pack(nodes, heading, ())

    def _pack(
        self,
        nodes: Sequence[Node],
        heading: tuple[str, ...],
        ancestors: tuple[str, ...],
        lead: Sequence[Node] = (),
    ) -> None:
        """Packs `nodes` behind `lead`, which never stands alone."""
        group = list(lead)
        alone = len(group)
        load = 0.0

        def close() -> None:
            nonlocal group, load, alone
            if group:
                self.groups.append(group)
                self.contexts.append((heading, ancestors))
            group, load, alone = [], 0.0, 0

        def fits(node: Node) -> bool:
            first = group[0].start if group else node.start
            return load + size <= LARGEST and self.fits(heading, ancestors, self.text[first : node.extent])

        before = len(self.groups)
        for node in nodes:
            size = self.weights.of(node.start, node.extent)
            if len(group) > alone and group[-1].kind != "heading" and not fits(node):
                close()
            if node.children and not fits(node):
                self._open(node, group, heading, ancestors)
                group, load, alone = [], 0.0, 0
            elif size > SPLIT and node.kind in ("paragraph", "quote", "item"):
                for piece in self._sentences(node):
                    group.append(piece)
                    close()
            elif size > SPLIT and node.kind == "code":
                for piece in self._lines(node):
                    group.append(piece)
                    close()
            else:
                group.append(node)
                load += size
        close()
        if len(self.groups) - before > 1:
            self._balance(heading, ancestors)

    def _balance(self, heading: tuple[str, ...], ancestors: tuple[str, ...]) -> None:
        """Moves blocks from the last group but one into a last one that is a scrap."""
        giver, taker = self.groups[-2:]
        if self.contexts[-2] != (heading, ancestors) or self.contexts[-1] != (heading, ancestors):
            return
        load = self.weights.of(taker[0].start, taker[-1].extent)
        while load < SCRAP and len(giver) > 1 and giver[-2].kind != "heading":
            size = self.weights.of(giver[-1].start, giver[-1].extent)
            whole = self.text[giver[-1].start : taker[-1].extent]
            if size + load > LARGEST or not self.fits(heading, ancestors, whole):
                return
            taker.insert(0, giver.pop())
            load += size

    def _open(
        self, node: Node, before: list[Node], heading: tuple[str, ...], ancestors: tuple[str, ...]
    ) -> None:
        """Cuts a heavy item or table between its children; its own line goes with the first ones."""
        own = replace(node, extent=node.end, children=[])
        if node.kind == "table":
            own.end = own.extent = node.children[0].start - 1
        line = plain(self.text[node.start : node.end])[:_ANCESTOR_LENGTH]
        below = (*ancestors, line) if node.kind == "item" else ancestors
        first = len(self.groups)
        self._pack(node.children, heading, below, [*before, own])
        self.contexts[first] = (heading, ancestors)

    def _sentences(self, node: Node) -> Iterable[Node]:
        """A very long paragraph in pieces of whole sentences (of `LARGEST` characters where there are none)."""
        content = self.text[node.start : node.extent]
        begin = last = 0
        for start, end in _hard_cut(content, sentence_spans(content)):
            if start > begin and self.weights.of(node.start + begin, node.start + end) > LARGEST:
                stop = node.start + last
                yield replace(node, start=node.start + begin, end=stop, extent=stop, children=[])
                begin = start
            last = end
        if begin < len(content):
            yield replace(node, start=node.start + begin, end=node.extent, children=[])

    def _lines(self, node: Node) -> Iterable[Node]:
        """Very long code in pieces of whole lines, cut at a blank line where one stands in the second half."""
        begin = gap = node.start
        at = self._behind_line(begin, node.extent)
        while at < node.extent:
            stop = self._behind_line(at, node.extent)
            if self.weights.of(begin, stop) > LARGEST and self.weights.of(at, node.extent) > SCRAP:
                cut = gap if self.weights.of(begin, gap) >= LARGEST / 2 else at
                yield replace(node, start=begin, end=cut - 1, extent=cut - 1, children=[])
                begin = gap = cut
            elif not self.text[at:stop].strip():
                gap = stop
            at = stop
        yield replace(node, start=begin, end=node.extent, extent=node.extent, children=[])

    def _behind_line(self, at: int, end: int) -> int:
        feed = self.text.find("\n", at, end)
        return feed + 1 if feed >= 0 else end


def _hard_cut(text: str, spans: Iterable[Span]) -> Iterable[Span]:
    """The spans of `text`; one that is too long comes in pieces that end where no link and no word is cut."""
    wholes: list[Span] | None = None
    for start, end in spans:
        while end - start > 2 * LARGEST:
            wholes = _wholes(text) if wholes is None else wholes
            cut = _place(text, wholes, start + LARGEST)
            yield start, cut
            start = cut
        yield start, end


def _wholes(text: str) -> list[Span]:
    """What is not cut: links and images with their targets, addresses, code."""
    code = regions(text).code
    addresses = (found.span() for found in _ADDRESS.finditer(text))
    return joined([*code, *addresses, *inlines(text, Inside(code), {}).wholes])


def _place(text: str, wholes: Sequence[Span], wanted: int) -> int:
    """Where to cut, at `wanted` or up to half of `LARGEST` before it, or up to `LARGEST` behind it."""
    index = bisect_right(wholes, (wanted,)) - 1
    if index >= 0 and wholes[index][1] > wanted:
        start, end = wholes[index]
        if start >= wanted - LARGEST // 2:
            return start
        return end if end < wanted + LARGEST else wanted  # longer than a chunk: it is cut after all
    if not (_WORD.match(text[wanted - 1]) and _WORD.match(text[wanted]) and text[wanted].isascii()):
        return wanted
    space = max(text.rfind(mark, wanted - LARGEST // 4, wanted) for mark in " \n\t") + 1
    inside = bisect_right(wholes, (space,)) - 1
    return space if space and not (inside >= 0 and wholes[inside][1] > space) else wanted


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
            date=node.date,
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
