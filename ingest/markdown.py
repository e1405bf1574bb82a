"""Markdown and plain text to a `Document`, by markdown-it (CommonMark, with tables, footnotes, formulas)."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any, Final

from ingest.dates import Year, day_at_head
from ingest.document import Document, Image, Node, name_of
from ingest.inline import Picture, definitions, inlines
from ingest.learning_log import date_blocks, has_dates, splits_by_day
from ingest.plain import cells, plain
from ingest.properties import Properties, front_matter, properties
from ingest.verbatim import Inside, Span, joined, regions
from terakoya.types import BlockKind

_DEEPEST: Final = 60
"""Levels of nesting that are told apart; what lies deeper is kept as text of its parent."""

_UNDERLINED: Final = re.compile(
    r"(?:\A|(?<=\n\n))(?!\d{1,9}[.)]\s)(?P<title>[^\s#>|*+`=-][^\n]*)\n(?P<rule>[=-])(?P=rule){2,}[ \t]*$",
    re.MULTILINE,
)
# Japanese notes use these as bullets.
_BULLETS: Final = re.compile(r"^([ \t　]*)[・●•▪◦][ \t　]*(?=\S)", re.MULTILINE)
_TAG: Final = re.compile(
    r"(?:^|(?<=[\s(（、。]))#(?!N/A\b)(?=[\w/-]*[^\W\d_])([\w/-]++)(?![!=(])", re.MULTILINE
)
_COLOUR: Final = re.compile(
    r"(?:(?=.*\d)(?:[0-9a-f]{3}|[0-9a-f]{6}|[0-9a-f]{8})|([a-f])\1{2}(?:\1{3})?)\Z", re.IGNORECASE
)

_KINDS: Final[dict[str, BlockKind]] = {
    "paragraph_open": "paragraph",
    "fence": "code",
    "code_block": "code",
    "math_block": "formula",
    "math_block_label": "formula",
}


@cache
def _parser(plain_text: bool) -> Any:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin
    from mdit_py_plugins.footnote import footnote_plugin

    parser = MarkdownIt("commonmark", {"maxNesting": 2 * _DEEPEST})
    parser.enable("table").use(dollarmath_plugin).use(footnote_plugin, move_to_end=False)
    parser.core.ruler.disable("inline")  # only blocks and their lines are needed
    # The view has no HTML any more. Lines that define link targets are told apart by `_Refining`, and underlined
    # headings marked by `_marked`: the parser would take the dash of an empty item below a line for an underline.
    parser.disable(["reference", "html_block", "lheading"])
    if plain_text:
        parser.disable("code")
    return parser


def parse(text: str, *, plain_text: bool = False, name: str = "", images: Sequence[Image] = ()) -> Document:
    """The tree of `text`, which is the view of a note.

    Args:
        text: Lines end in a line feed.
        plain_text: The note is no Markdown: an indent does not make code.
        name: Of the note's file, without suffix; its title where it has no other, and the day of a daily note.
        images: Of HTML in the source, with offsets of the view.
    """
    known = front_matter(text)
    lines = _Lines(text)
    marked = "\n" * text.count("\n", 0, known.end) + text[known.end :]
    tokens = _parser(plain_text).parse(_marked(marked, plain_text=plain_text))
    nodes = _Builder(tokens, lines).build()
    if known.end:
        end = len(text[: known.end].rstrip())
        nodes.insert(0, Node("metadata", 0, end, end))
    refining = _Refining(text, nodes)
    nodes = refining.refined()
    found, name = refining.properties, name_of(name)
    title = known.title or _title(text[n.start : n.end] for n in nodes if n.kind == "heading")
    whole = day_at_head(name)
    year = known.year or found.year or (Year(whole.year) if whole and whole.year else None)
    date_blocks(nodes, text, year=year, whole=whole if whole and whole.year and whole.day else None)
    if known.day and known.day.year and known.day.day and not any(node.date for node in _flat(nodes)):
        date_blocks(nodes, text, whole=known.day)
    tags = (*known.tags, *found.tags, *(() if plain_text else refining.tags()))
    return Document(
        text=text,
        nodes=tuple(nodes),
        title=title or name,
        tags=tuple(dict.fromkeys(tags)),
        aliases=known.aliases,
        images=tuple(sorted((*images, *refining.images()), key=lambda image: image.offset)),
        remarks=known.remarks,
    )


def _title(headings: Iterable[str]) -> str:
    """The first heading that has words; none where that is a day of a log."""
    title = next((line for heading in headings if (line := plain(heading).partition("\n")[0])), "")
    day = day_at_head(title)
    return "" if day and day.alone else title


def _as_bullet(found: re.Match[str]) -> str:
    return found.group(1).replace("\u3000", "  ") + "- "


def _marked(text: str, *, plain_text: bool) -> str:
    """The parser's copy: Japanese bullets and underlined headings in marks that it knows, no line moved."""
    marked = _BULLETS.sub(_as_bullet, text)
    return marked if plain_text else _UNDERLINED.sub(_as_heading, marked)


def _as_heading(found: re.Match[str]) -> str:
    return f"{'#' if found['rule'] == '=' else '##'} {found['title']}\n"


class _Lines:
    """Offsets of lines, and spans of line ranges without the blank lines around them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0]
        position = text.find("\n")
        while position >= 0:
            self.starts.append(position + 1)
            position = text.find("\n", position + 1)
        self.starts.append(len(text) + 1)

    def span(self, first: int, stop: int) -> tuple[int, int]:
        """From the first line with text to the end of the last one, in [first, stop)."""
        stop = min(stop, len(self.starts) - 1)
        while stop > first + 1 and not self.line(stop - 1).strip():
            stop -= 1
        while first < stop - 1 and not self.line(first).strip():
            first += 1
        return self.starts[first], max(self.starts[first], self.starts[stop] - 1)

    def line(self, number: int) -> str:
        return self.text[self.starts[number] : self.starts[number + 1] - 1]


class _Builder:
    """Walks the flat token list once and nests nodes by the opens and closes of list items."""

    def __init__(self, tokens: list[Any], lines: _Lines) -> None:
        self.tokens = tokens
        self.lines = lines

    def build(self) -> list[Node]:
        roots: list[Node] = []
        items: list[Node] = []  # open list items, outermost first
        header: tuple[str, ...] = ()
        in_head = False
        index = 0
        while index < len(self.tokens):
            token = self.tokens[index]
            place = items[-1].children if items else roots
            match token.type:
                case "heading_open":
                    node = self._node("heading", token, len(items))
                    node.level = int(token.tag[1])
                    place.append(node)
                case "list_item_open":
                    node = self._node("item", token, len(items) + 1)
                    node.end = self._own_end(index, node)
                    place.append(node)
                    items.append(node)
                case "list_item_close":
                    items.pop()
                case "blockquote_open":
                    place.append(self._node("quote", token, len(items)))
                    index = self._closing(index)
                case "table_open":
                    place.append(self._node("table", token, len(items)))
                case "thead_open":
                    in_head = True
                case "thead_close":
                    in_head = False
                case "tr_open":
                    row = self._node("row", token, len(items) + 1)
                    if in_head:
                        header = cells(self.lines.text[row.start : row.end])
                    elif row.extent <= place[-1].extent:  # not a last row of white space such as U+0085
                        row.header = header
                        place[-1].children.append(row)
                case "fence" if token.info.strip().lower() == "math":
                    place.append(self._node("formula", token, len(items)))
                case kind if kind in _KINDS and token.map:
                    if not (items and self._is_own(index)):
                        place.append(self._node(_KINDS[kind], token, len(items)))
                case _:
                    pass
            index += 1
        return roots

    def _node(self, kind: BlockKind, token: Any, depth: int) -> Node:
        start, end = self.lines.span(*token.map)
        return Node(kind, start, end, end, depth)

    def _is_own(self, index: int) -> bool:
        """The token is the first paragraph of its item: the item itself."""
        return bool(
            self.tokens[index].type == "paragraph_open" and self.tokens[index - 1].type == "list_item_open"
        )

    def _own_end(self, index: int, item: Node) -> int:
        if index + 1 < len(self.tokens) and self.tokens[index + 1].type == "paragraph_open":
            return self.lines.span(*self.tokens[index + 1].map)[1]
        # an item that begins with another block (code, list): its own part is the line of its marker
        first = self.lines.text.find("\n", item.start, item.extent)
        return item.extent if first < 0 else first

    def _closing(self, index: int) -> int:
        level, kind = self.tokens[index].level, self.tokens[index].type.replace("_open", "_close")
        while not (self.tokens[index].type == kind and self.tokens[index].level == level):
            index += 1
        return index


class _Refining:
    """Tells apart what the parser takes for paragraphs: images, definitions, properties, the days of a log."""

    def __init__(self, text: str, nodes: list[Node]) -> None:
        self.text = text
        self.nodes = nodes
        self.properties = Properties()
        self.company: bool | None = None
        code = regions(text).code
        blocks = [(n.start, n.end) for n in _flat(nodes) if n.kind in ("code", "formula", "metadata")]
        self.hidden = Inside(joined([*code, *blocks]))
        self.definitions: list[Span] = []
        self.targets: dict[str, str] = {}
        for start, end, label, address in definitions(text, self.hidden):
            self.definitions.append((start, end))
            self.targets.setdefault(label, address)
        self.inlines = inlines(text, self.hidden, self.targets)
        self.pictures = sorted(self.inlines.pictures, key=lambda picture: (picture.start, -picture.end))

    def refined(self) -> list[Node]:
        under_title = _under_title(self.nodes)
        return self._through(self.nodes, under_title)

    def images(self) -> Iterator[Image]:
        behind = 0
        for picture in self.pictures:
            if picture.address and picture.start >= behind:  # one inside the text of another is no image
                alt = " ".join(plain(picture.label).split())
                yield Image.of(picture.address, alt=alt, offset=picture.start, by_name=picture.by_name)
                behind = picture.end

    def tags(self) -> Iterator[str]:
        inside_marks = Inside(joined([(start, end) for start, end, _ in self.inlines.edits]))
        for tag in _TAG.finditer(self.text):
            at = tag.start()
            if not self.hidden(at) and not inside_marks(at) and not _COLOUR.match(tag[1]):
                yield tag[1].strip("/-")

    def _through(self, nodes: list[Node], under_title: Node | None = None) -> list[Node]:
        refined: list[Node] = []
        for node in nodes:
            if node.kind == "paragraph":
                refined += self._paragraph(node, under_title=node is under_title)
            else:
                node.children = self._through(node.children)
                refined.append(node)
        return refined

    def _paragraph(self, node: Node, *, under_title: bool) -> Iterator[Node]:
        starts = [node.start]
        while (feed := self.text.find("\n", starts[-1], node.end)) >= 0:
            starts.append(feed + 1)
        lines = [self.text[a:b].rstrip("\n") for a, b in zip(starts, [*starts[1:], node.end], strict=True)]
        unseen = {i for i, start in enumerate(starts) if self._defines(start)}
        if under_title and not unseen:
            self.properties, known = properties(lines)
            unseen = set(known)
        begins = {0, *splits_by_day(lines, self._company)} | {
            i for i in range(1, len(lines)) if (i in unseen) != (i - 1 in unseen)
        }
        bounds = [*sorted(begins), len(lines)]
        for first, stop in pairwise(bounds):
            end = node.end if stop == len(lines) else starts[stop] - 1
            piece = replace(node, start=starts[first], end=end, extent=end)
            if first in unseen:
                piece.kind = "metadata"
            elif self._is_image(piece):
                piece.kind = "image"
            yield piece

    def _company(self) -> bool:
        if self.company is None:
            self.company = has_dates(self.nodes, self.text)
        return self.company

    def _defines(self, start: int) -> bool:
        index = bisect_left(self.definitions, (start, 0))
        return index < len(self.definitions) and self.definitions[index][0] == start

    def _is_image(self, node: Node) -> bool:
        """Nothing but images, with links around them or none, stands in the paragraph."""
        index = bisect_left(self.pictures, node.start, key=_start)
        rest: list[str] = []
        behind = node.start
        while index < len(self.pictures) and self.pictures[index].end <= node.end:
            picture = self.pictures[index]
            if picture.start >= behind:
                rest.append(self.text[behind : picture.start])
                behind = picture.end
            index += 1
        return bool(rest) and not plain("".join((*rest, self.text[behind : node.end])))


def _start(picture: Picture) -> int:
    return picture.start


def _flat(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _flat(node.children)


def _under_title(nodes: Sequence[Node]) -> Node | None:
    """The paragraph right below a title that is the first thing of the note."""
    body = [node for node in nodes[:3] if node.kind != "metadata"]
    if len(body) > 1 and body[0].kind == "heading" and body[0].level == 1 and body[1].kind == "paragraph":
        return body[1]
    return None
