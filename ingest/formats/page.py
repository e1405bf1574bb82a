"""A page of HTML as blocks: headings, lists, tables, code, formulas and images."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from html import unescape
from typing import Final

from ingest.formats.ahead import Ahead
from ingest.formats.extract import (
    Writer,
    attached,
    image,
    target_of,
    unmarked,
    unwrapped,
)
from ingest.formats.grid import Grid
from ingest.formats.mathematics import plain_tex
from ingest.formats.ruby import Ruby, with_readings
from ingest.formats.scripts import lowered, raised
from ingest.formats.tags import Tag, tags

_BREAK: Final = "\x01"  # a line break inside a paragraph; `clean` has taken this character out of the page
_PARAGRAPH: Final = re.compile(f"{_BREAK}(?:\\s*{_BREAK})+")
_VOID: Final = frozenset(
    ("img", "br", "hr", "input", "wbr", "meta", "link", "source", "col", "area", "embed")
)
# fmt: off
_BLOCKS: Final = frozenset((
    "p", "div", "section", "article", "header", "footer", "main", "aside", "address", "figure",
    "figcaption", "details", "summary", "fieldset", "form", "legend", "body", "html", "caption",
    "center", "hgroup", "search", "menu",
))
# fmt: on
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_LISTS: Final = frozenset({"ul", "ol", "dl"})
_ITEMS: Final = frozenset({"li", "dt", "dd"})
_LONGEST_CODE: Final = 120
_INLINE_TEX: Final = re.compile(r"\\\(((?:[^\\\n\x01]|\\(?![()]))+)\\\)")
_DISPLAY_TEX: Final = re.compile(r"\\\[(.{1,4000}?)\\\]|\$\$(.{1,4000}?)\$\$", re.DOTALL)


@dataclass(slots=True)
class _List:
    ordered: bool
    number: int = 0


@dataclass(slots=True)
class _Table:
    inner: bool
    headed: bool = False
    grid: Grid = field(default_factory=Grid)


@dataclass(slots=True)
class _Item:
    depth: int
    number: int | None
    lines: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Figure:
    """An image without a description of its own, which the caption of its figure describes."""

    source: str = ""
    captioned: bool = False


class Page:
    """Writes the blocks of a page while it reads its tags.

    Args:
        text: Without the control characters but for marks of doubt.
        writer: Where to.
        embedded: Images stand in the same file as the page, not beside it.
    """

    def __init__(self, text: str, writer: Writer, *, embedded: bool) -> None:
        self.text = text
        self.ahead = Ahead(text)
        self.writer = writer
        self.is_embedded = embedded
        self.title = ""
        self.buffer: list[str] = []
        self.heading = 0
        self.pre: str | None = None  # language of the code that is open
        self.quotes = 0
        self.lists: list[_List] = []
        self.item: _Item | None = None
        self.tables: list[_Table | None] = []  # None for one that is layout
        self.code_at = -1
        self.script_at = -1
        self.link = ""
        self.is_note = False  # the superscript leads to one
        self.is_box = False  # the division that is open only draws a box of a task
        self.ruby = Ruby()
        self.figure: _Figure | None = None

    def read(self) -> str:
        """Reads it all; gives its title."""
        at = 0
        while at >= 0:
            at = self._read_from(at)
        self._flush()
        self._end_item()
        while self.tables:
            self._end_table()
        return self.title

    def _read_from(self, at: int) -> int:
        """Reads until a part is to be passed over; where to go on, -1 at the end."""
        for token in tags(self.text, at):
            if isinstance(token, str):
                if not self.ruby.is_bracket:
                    self.buffer.append(token)
                continue
            if mark := self.ruby.tag(token.name, closing=token.closing):
                self.buffer.append(mark)
            if token.closing:
                self._close(token.name)
            else:
                behind = self.ahead.passed(token)
                if token.name == "math" and not behind and not token.empty:
                    tex, behind = self.ahead.formula(token)
                    self._formula(tex, block=token.attributes.get("display") == "block")
                if behind > token.behind:
                    return behind
                if not behind:
                    self._open(token)
        return -1

    def _formula(self, tex: str, *, block: bool) -> None:
        tex = plain_tex(tex)
        if block and self._table is None and not self.item:
            self._flush()
            self.writer.formula(tex)
        elif tex:
            self.buffer.append(f"${unwrapped(tex)}$")

    def _open(self, tag: Tag) -> None:
        name = tag.name
        if name in ("title", "script", "textarea", "xmp"):
            self._raw(tag)
        elif name == "br":
            self.buffer.append("\n" if self.pre is not None else _BREAK)
        elif name == "img":
            self._image(tag)
        elif self.item and (box := _box(tag)):
            self.buffer.append(box)
            self.is_box = name == "div"
        elif name == "a":
            self.link = tag.attributes.get("href", "")
            self.is_note |= "#" in self.link
        elif name in ("sup", "sub") and self.pre is None:
            self.script_at = len(self.buffer)
            self.is_note = "#" in self.link
        elif name == "code" and self.pre is None:
            self.code_at = len(self.buffer)
        elif name == "code" and not self.pre:
            self.pre = _language(tag)
        elif name in ("td", "th", "tr"):
            self._cell(tag)
        elif name in _HEADINGS or name in _ITEMS or name in ("pre", "table", "blockquote", "hr", "figure"):
            self._open_block(tag)
        elif name in _LISTS:
            self._flush()
            self._end_item()
            self.lists.append(_List(name == "ol", _number(tag, "start", 1) - 1))
        elif name in _BLOCKS:
            self._flush()
            if name == "figcaption" and self.figure:
                self.figure.captioned = True

    def _raw(self, tag: Tag) -> None:
        """An element whose content is no markup."""
        kind = tag.attributes.get("type", "")
        if tag.name == "title":
            self.title = self.title or unwrapped(unmarked(unescape(tag.content)))
        elif tag.name != "script":
            self.buffer.append(tag.content)
        elif kind.startswith("math/tex"):
            self._formula(tag.content, block="display" in kind)

    def _open_block(self, tag: Tag) -> None:
        self._flush()
        name = tag.name
        if name in _ITEMS:
            self._end_item()
            depth = max(1, len(self.lists)) + (name == "dd")
            number = None
            if name == "li" and self.lists and self.lists[-1].ordered:
                number = self.lists[-1].number = _number(tag, "value", self.lists[-1].number + 1)
            if self._table is None:
                self.item = _Item(depth, number)
            elif name == "li":
                self.buffer.append("• " if number is None else f"{number}. ")
            return
        table = self._table
        if name in _HEADINGS or name in ("pre", "table"):
            if table is None or not table.headed:
                self._end_item()
                self._lay_out()
                table = None
            elif name != "table":
                return  # a table of facts stays one, whatever stands in its cells
        if name in _HEADINGS:
            self.heading = int(name[1])
        elif name == "pre":
            self.pre = _language(tag)
        elif name == "table":
            self.tables.append(_Table(inner=table is not None))
        elif name == "blockquote":
            self.quotes += 1
        elif name == "figure":
            self.figure = _Figure()

    def _close(self, name: str) -> None:
        if name == "code" and self.code_at >= 0:
            self._replace(self.code_at, _as_code)
            self.code_at = -1
        elif name in ("sup", "sub") and self.script_at >= 0:
            shown = lowered if name == "sub" else partial(raised, is_note=self.is_note)
            self._replace(self.script_at, shown)
            self.script_at = -1
        elif name == "a":
            self.link = ""
        elif name == "div" and self.is_box:
            self.is_box = False
        elif name in _HEADINGS or name == "pre":
            self._flush()
        elif name in _ITEMS:
            self._flush()
            self._end_item()
        elif name in _LISTS:
            self._flush()
            self._end_item()
            if self.lists:
                self.lists.pop()
        elif name == "blockquote":
            self._flush()
            self.quotes = max(0, self.quotes - 1)
        elif name in ("td", "th"):
            self._flush()
            if self._table:
                self._table.grid.is_open = False
        elif name == "table" and self.tables:
            self._flush()
            self._end_item()
            self._end_table()
        elif name in _BLOCKS:
            self._flush()
            if name == "figure":
                self.figure = None

    def _replace(self, at: int, made: Callable[[str], str]) -> None:
        """What was read since `at`, made into something else."""
        text = "".join(self.buffer[at:])
        if text.strip() and _BREAK not in text:
            self.buffer[at:] = [made(text)]

    @property
    def _table(self) -> _Table | None:
        return self.tables[-1] if self.tables else None

    def _cell(self, tag: Tag) -> None:
        self._flush()
        table = self._table
        if table is None:
            return
        if tag.name == "tr":
            table.grid.row()
            return
        table.headed |= tag.name == "th"
        table.grid.cell(_number(tag, "colspan", 1), _number(tag, "rowspan", 1))

    def _lay_out(self) -> None:
        """The open table holds headings, code or tables: it is layout, and its cells are read one by one."""
        table = self._table
        if table is None:
            return
        self.tables[-1] = None
        for cell in [cell for row in table.grid.rows() for cell in row if cell]:
            self.writer.paragraph(cell)

    def _end_table(self) -> None:
        table = self.tables.pop()
        if table is None:
            return
        outer = self._table
        if table.inner and outer and outer.grid.is_open:
            outer.grid.add("; ".join(" ".join(filter(None, row)) for row in table.grid.rows()))
        else:
            self.writer.table(table.grid.rows())

    def _flush(self) -> None:
        if not self.buffer and self.pre is None:
            self.heading = 0
            return
        raw = "".join(self.buffer)
        self.buffer.clear()
        self.code_at = self.script_at = -1
        self.ruby = Ruby()
        if self.pre is not None:
            self.writer.code(raw.replace(_BREAK, "\n"), self.pre)
            self.pre = None
            return
        heading, self.heading = self.heading, 0
        if self.figure and self.figure.source and self.figure.captioned and raw.strip():
            raw, self.figure = image(raw, self.figure.source), None
        raw = with_readings(raw, unwrapped)
        for part in _PARAGRAPH.split(raw):
            self._write(part, heading)

    def _write(self, raw: str, heading: int) -> None:
        """Writes one paragraph to where it stands."""
        display = _DISPLAY_TEX.fullmatch(raw.strip())
        text = "\n".join(
            filter(
                None, map(unwrapped, _INLINE_TEX.sub(lambda tex: f"${tex[1].strip()}$", raw).split(_BREAK))
            )
        )
        if not text:
            return
        table = self._table
        if table and table.grid.is_open:
            table.grid.add(text)
        elif heading:
            self.writer.heading(heading, text)
        elif self.item:
            self.item.lines.append(text)
        elif self.quotes:
            self.writer.quote(text)
        elif display:
            self.writer.formula(display[1] or display[2])
        else:
            self.writer.paragraph(text)

    def _end_item(self) -> None:
        if self.item:
            self.writer.item(self.item.depth, "\n".join(self.item.lines), self.item.number)
            self.item = None

    def _image(self, tag: Tag) -> None:
        source, alt = tag.attributes.get("src", ""), tag.attributes.get("alt", "")
        name = attached(source.rpartition("/")[2]) if self.is_embedded else target_of(source)
        if alt.strip():
            self.buffer.append(image(alt, name))
        elif self.figure and not self.figure.source:
            self.figure.source = name


def _box(tag: Tag) -> str:
    """The mark of a task in a list, as forms and Notion's exports write it; empty for other tags."""
    classes = tag.attributes.get("class", "").split()
    if tag.name == "input" and tag.attributes.get("type") == "checkbox":
        return "[x] " if "checked" in tag.attributes else "[ ] "
    if tag.name == "div" and "checkbox" in classes:
        return "[x] " if "checkbox-on" in classes else "[ ] "
    return ""


def _as_code(text: str) -> str:
    return f"`{text.strip()}`" if "`" not in text and len(text) <= _LONGEST_CODE else text


def _number(tag: Tag, name: str, default: int) -> int:
    text = tag.attributes.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else default


def _language(tag: Tag) -> str:
    for name in tag.attributes.get("class", "").split():
        for prefix in ("language-", "lang-", "highlight-source-"):
            if name.startswith(prefix):
                return name.removeprefix(prefix)
    return ""
