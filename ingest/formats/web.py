"""HTML: headings, lists, tables, code and formulas of a page; scripts, menus and what is hidden are left out."""

import re
from dataclasses import dataclass, field
from html import unescape
from string import ascii_uppercase
from typing import Final

from ingest.decode import NotText, decode
from ingest.formats.extract import Extract, Writer, clean, image, unwrapped
from ingest.formats.tags import Tag, tags
from terakoya.errors import BadInput

_BREAK: Final = "\x01"  # a line break inside a paragraph; `clean` has taken this character out of the page
_SKIPPED: Final = frozenset({"nav", "template", "svg", "select", "button", "canvas", "noscript", "object"})
_SHELL: Final = frozenset({"html", "body", "main"})  # hidden at first by pages that a script then shows
# fmt: off
_BLOCKS: Final = frozenset((
    "p", "div", "section", "article", "header", "footer", "main", "aside", "address", "figure",
    "figcaption", "details", "summary", "fieldset", "form", "legend", "body", "html", "caption",
    "center", "hgroup", "search", "menu",
))
# fmt: on
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_LISTS: Final = frozenset({"ul", "ol", "dl"})
_LONGEST_CODE: Final = 120
_SEARCHES: Final = 20
"""Times the length of the page that may go into looking for ends that are not there."""
_LOWER: Final = {ord(char): char.lower() for char in ascii_uppercase}


@dataclass(slots=True)
class _List:
    ordered: bool
    number: int = 0


@dataclass(slots=True)
class _Table:
    rows: list[list[str]] = field(default_factory=list)
    cell: bool = False


@dataclass(slots=True)
class _Item:
    depth: int
    number: int | None
    lines: list[str] = field(default_factory=list)


def read(data: bytes, *, path: str) -> Extract:
    """Reads a page.

    Raises:
        BadInput: It is no text.
    """
    try:
        decoded = decode(data)
    except NotText as error:
        raise BadInput(f"note_{error.reason}", path=path) from None
    writer = Writer()
    title = write_page(decoded.text, writer)
    return Extract(
        text=writer.text,
        title=title,
        encoding=decoded.encoding,
        repair=decoded.repair,
        doubtful=bool(decoded.doubtful),
    )


def write_page(text: str, writer: Writer) -> str:
    """Writes the blocks of the page `text`; returns its title."""
    return _Page(clean(text), writer).read()


class _Page:
    def __init__(self, text: str, writer: Writer) -> None:
        self.text = text
        self.lower = text.translate(_LOWER)  # keeps offsets, which `lower` would not
        self.searched = 0  # characters in vain
        self.writer = writer
        self.title = ""
        self.buffer: list[str] = []
        self.heading = 0
        self.pre: str | None = None  # language of the code that is open
        self.quotes = 0
        self.lists: list[_List] = []
        self.item: _Item | None = None
        self.tables: list[_Table | None] = []  # None for one that is layout
        self.code_at = -1

    def read(self) -> str:
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
                self.buffer.append(token)
            elif token.closing:
                self._close(token.name)
            else:
                behind = self._passed(token)
                if behind > token.behind:
                    return behind
                self._open(token)
        return -1

    def _passed(self, tag: Tag) -> int:
        """Where the element ends that nobody reads; 0 for one that is read."""
        if tag.empty:
            return 0
        if tag.name == "math":
            return self._math(tag)
        classes = tag.attributes.get("class", "").split()
        unseen = tag.name not in _SHELL and (
            "hidden" in tag.attributes
            or tag.attributes.get("aria-hidden") == "true"
            or not {"linenos", "lineno", "headerlink", "anchor-link"}.isdisjoint(classes)
        )
        if tag.name not in _SKIPPED and not unseen and tag.attributes.get("role") != "navigation":
            return 0
        return self._end_of(tag)

    def _end_of(self, tag: Tag) -> int:
        """Behind the tag that closes `tag`; 0 where there is none, so that nothing is lost by its absence."""
        depth = 1
        if self.searched <= _SEARCHES * len(self.text):
            for found in re.compile(rf"<(/?){re.escape(tag.name)}(?=[\s/>])").finditer(
                self.lower, tag.behind
            ):
                depth += -1 if found[1] else 1
                if not depth:
                    return self.lower.find(">", found.end()) + 1
            self.searched += len(self.text) - tag.behind
        return 0

    def _math(self, tag: Tag) -> int:
        if self.searched > _SEARCHES * len(self.text):
            return 0
        stop = self.lower.find("</math", tag.behind)
        at = self.lower.find("x-tex", tag.behind, stop) if stop >= 0 else -1
        begin = self.text.find(">", at, stop) + 1 if at >= 0 else 0
        end = self.lower.find("</annotation", begin, stop) if begin else -1
        behind = self.lower.find(">", stop) + 1 if end >= 0 else 0
        if not behind:
            self.searched += (stop if stop >= 0 else len(self.text)) - tag.behind
            return 0  # without TeX, the characters of the formula are read one after the other
        self._formula(unescape(self.text[begin:end]), block=tag.attributes.get("display") == "block")
        return behind

    def _formula(self, tex: str, *, block: bool) -> None:
        if block and self._table is None:
            self._flush()
            self._end_item()
            self.writer.formula(tex)
        else:
            self.buffer.append(f"${unwrapped(tex)}$")

    def _open(self, tag: Tag) -> None:
        name = tag.name
        if name == "title":
            self.title = self.title or unwrapped(unescape(tag.content))
        elif name in ("script", "style", "iframe", "noembed", "noframes"):
            kind = tag.attributes.get("type", "")
            if kind.startswith("math/tex"):
                self._formula(tag.content, block="display" in kind)
        elif name in ("textarea", "xmp"):
            self.buffer.append(tag.content)
        elif name == "br":
            self.buffer.append("\n" if self.pre is not None else _BREAK)
        elif name == "img":
            self.buffer.append(self._image(tag))
        elif name == "code" and self.pre is None:
            self.code_at = len(self.buffer)
        elif name == "code" and not self.pre:
            self.pre = _language(tag)
        elif name in ("rt", "rp"):
            self.buffer.append(" (" if name == "rt" else "")
        elif name in ("td", "th"):
            self._cell()
        elif name == "tr":
            self._row()
        elif name in _HEADINGS or name in ("pre", "table", "blockquote", "hr", "li", "dt", "dd"):
            self._open_block(tag)
        elif name in _LISTS:
            self._flush()
            self._end_item()
            start = tag.attributes.get("start", "1")
            number = int(start) - 1 if start.isascii() and start.isdigit() and len(start) < 7 else 0
            self.lists.append(_List(name == "ol", number))
        elif name in _BLOCKS:
            self._flush()

    def _open_block(self, tag: Tag) -> None:
        self._flush()
        name = tag.name
        if name in ("li", "dt", "dd"):
            self._end_item()
            depth = max(1, len(self.lists)) + (name == "dd")
            number = None
            if name == "li" and self.lists and self.lists[-1].ordered:
                self.lists[-1].number += 1
                number = self.lists[-1].number
            if self._table is None:
                self.item = _Item(depth, number)
            return
        if name in _HEADINGS or name in ("pre", "table"):
            self._end_item()
            if self._table is not None:
                self._lay_out()
        if name in _HEADINGS:
            self.heading = int(name[1])
        elif name == "pre":
            self.pre = _language(tag)
        elif name == "table":
            self.tables.append(_Table())
        elif name == "blockquote":
            self.quotes += 1

    def _close(self, name: str) -> None:
        if name == "code" and self.code_at >= 0:
            text = "".join(self.buffer[self.code_at :])
            if text.strip() and "`" not in text and _BREAK not in text and len(text) <= _LONGEST_CODE:
                self.buffer[self.code_at :] = [f"`{text.strip()}`"]
            self.code_at = -1
        elif name == "rt":
            self.buffer.append(") ")
        elif name in _HEADINGS or name == "pre":
            self._flush()
        elif name in ("li", "dt", "dd"):
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
                self._table.cell = False
        elif name == "table" and self.tables:
            self._flush()
            self._end_item()
            self._end_table()
        elif name in _BLOCKS:
            self._flush()

    @property
    def _table(self) -> _Table | None:
        return self.tables[-1] if self.tables else None

    def _row(self) -> None:
        self._flush()
        if self._table:
            self._table.rows.append([])
            self._table.cell = False

    def _cell(self) -> None:
        self._flush()
        if self._table:
            if not self._table.rows:
                self._table.rows.append([])
            self._table.rows[-1].append("")
            self._table.cell = True

    def _lay_out(self) -> None:
        """The open table holds headings, code or tables: it is layout, and its cells are read one by one."""
        table = self._table
        self.tables[-1] = None
        for cell in [cell for row in table.rows for cell in row if cell] if table else ():
            self.writer.paragraph(cell)

    def _end_table(self) -> None:
        table = self.tables.pop()
        if table:
            self.writer.table(table.rows)

    def _flush(self) -> None:
        raw = "".join(self.buffer)
        self.buffer.clear()
        self.code_at = -1
        if self.pre is not None:
            self.writer.code(raw.replace(_BREAK, "\n"), self.pre)
            self.pre = None
            return
        heading, self.heading = self.heading, 0
        text = "\n".join(filter(None, map(unwrapped, raw.split(_BREAK))))
        if not text:
            return
        table = self._table
        if table and table.cell:
            row = table.rows[-1]
            row[-1] = f"{row[-1]} {text}".strip()
        elif heading:
            self.writer.heading(heading, text)
        elif self.item:
            self.item.lines.append(text)
        elif self.quotes:
            self.writer.quote(text)
        else:
            self.writer.paragraph(text)

    def _end_item(self) -> None:
        if self.item:
            self.writer.item(self.item.depth, "\n".join(self.item.lines), self.item.number)
            self.item = None

    @staticmethod
    def _image(tag: Tag) -> str:
        source = tag.attributes.get("src", "")
        return image(
            tag.attributes.get("alt", ""), "" if source.startswith("data:") else source.split("?")[0]
        )


def _language(tag: Tag) -> str:
    for name in tag.attributes.get("class", "").split():
        for prefix in ("language-", "lang-", "highlight-source-"):
            if name.startswith(prefix):
                return name.removeprefix(prefix)
    return ""
