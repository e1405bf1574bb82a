"""Markdown and plain text to a `Document`, by markdown-it (CommonMark, with tables, front matter, formulas)."""

import re
from functools import cache
from typing import Any, Final

from ingest.document import Document, Node, cells, plain
from terakoya.types import BlockKind

_DEEPEST: Final = 60
"""Levels of nesting that are told apart; what lies deeper is kept as text of its parent."""

_FRONT_MATTER: Final = re.compile(r"---[ \t]*\n.*?\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_UNDERLINED: Final = re.compile(
    r"(?:\A|(?<=\n\n))(?!\d{1,9}[.)]\s)(?P<title>[^\s#>|*+`=-][^\n]*)\n(?P<rule>[=-])(?P=rule){2,}[ \t]*$",
    re.MULTILINE,
)
# Japanese notes use these as bullets.
_BULLETS: Final = re.compile(r"^([ \t　]*)[・●•▪◦][ \t　]*(?=\S)", re.MULTILINE)

_KINDS: Final[dict[str, BlockKind]] = {
    "paragraph_open": "paragraph",
    "fence": "code",
    "code_block": "code",
    "math_block": "formula",
    "math_block_label": "formula",
    "html_block": "paragraph",
    "front_matter": "metadata",
}


@cache
def _parser(plain_text: bool) -> Any:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin
    from mdit_py_plugins.front_matter import front_matter_plugin

    parser = MarkdownIt("commonmark", {"maxNesting": 2 * _DEEPEST})
    parser.enable("table").use(front_matter_plugin).use(dollarmath_plugin)
    parser.core.ruler.disable("inline")  # only blocks and their lines are needed
    # A reader sees references and HTML blocks, so they stay text. Underlined headings are marked by `_marked`:
    # the parser would take the dash of an empty list item below a line for an underline.
    parser.disable(["reference", "html_block", "lheading"])
    if plain_text:
        parser.disable("code")
    return parser


def parse(text: str, *, plain_text: bool = False) -> Document:
    """The tree of `text`, which is the view of a note.

    Args:
        text: Lines end in a line feed.
        plain_text: The note is no Markdown: an indent does not make code.
    """
    lines = _Lines(text)
    tokens = _parser(plain_text).parse(_marked(text, plain_text=plain_text))
    front = next((t.content for t in tokens[:1] if t.type == "front_matter"), "")
    nodes = _Builder(tokens, lines).build()
    meta = _front_matter(front)
    title = str(meta.get("title") or "") or next(
        (plain(lines.text[n.start : n.end]) for n in nodes if n.kind == "heading"), ""
    )
    tags = meta.get("tags") or ()
    if isinstance(tags, str):
        tags = [tag.strip() for tag in tags.split(",")]
    return Document(
        text, tuple(nodes), title, tuple(str(tag) for tag in tags) if isinstance(tags, list | tuple) else ()
    )


def _as_bullet(found: re.Match[str]) -> str:
    return found.group(1).replace("\u3000", "  ") + "- "


def _marked(text: str, *, plain_text: bool) -> str:
    """The parser's copy: Japanese bullets and underlined headings in marks that it knows, no line moved."""
    marked = _BULLETS.sub(_as_bullet, text)
    if plain_text:
        return marked
    front = _FRONT_MATTER.match(marked)
    body = front.end() if front else 0
    return marked[:body] + _UNDERLINED.sub(_as_heading, marked[body:])


def _as_heading(found: re.Match[str]) -> str:
    return f"{'#' if found['rule'] == '=' else '##'} {found['title']}\n"


def _front_matter(content: str) -> dict[str, Any]:
    import yaml

    try:
        meta = yaml.safe_load(content) if content else None
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}  # a reader still sees the lines; only title and tags are lost
    return meta if isinstance(meta, dict) else {}


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
                    else:
                        row.header = header
                        place[-1].children.append(row)
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
