"""Word: headings by style, lists by level, tables, formulas, notes, text boxes, readings; pages as Word saw them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from ingest.formats.archive import Archive
from ingest.formats.extract import Extract, Writer, attached, image, unwrapped
from ingest.formats.grid import Grid
from ingest.formats.markup import Element, parse_xml, relations
from ingest.formats.mathematics import from_office
from ingest.formats.numbering import Numbering, number_of
from ingest.formats.ruby import in_ruby, with_readings
from ingest.formats.scripts import lowered, raised
from terakoya.errors import BadInput

_HEADING: Final = re.compile(r"(?:heading|見出し)\s*([1-9])", re.IGNORECASE)
_CONTENTS: Final = re.compile(r"(?:toc|目次)\s*\d|table of figures|図表目次", re.IGNORECASE)
_UNREAD: Final = frozenset(
    {"del", "moveFrom", "Fallback", "pPr", "rPr", "instrText", "delText", "sdtPr", "rubyPr"}
)
_DEEPER: Final = re.compile(r"(?:list (?:bullet|number)|箇条書き|段落番号)\s*([2-5])", re.IGNORECASE)
_LONGEST_CHAIN: Final = 20
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PAGE: Final = "\f"
_SINGLE: Final = re.compile(r"\$([^$\n]+)\$")


def read(data: bytes, *, path: str) -> Extract:
    """Reads a document of Office Open XML. Comments and what tracked changes deleted are left out.

    Raises:
        BadInput: It is damaged, encrypted, or made to take more than it should.
    """
    with open_office(data, path=path) as archive:
        main = main_part(archive, path=path)
        folder, _, name = main.rpartition("/")
        root = parse_xml(archive.need(main), path=path)
        if root.tag != "document":
            raise BadInput("note_damaged", path=path)
        parts: dict[str, str] = {}
        for kind, target in relations(
            archive.read(f"{folder}/_rels/{name}.rels"), folder, path=path
        ).values():
            parts.setdefault(kind, target)
        styles, numbering, footnotes, endnotes = (
            parse_xml(found, path=path) if (found := archive.read(parts.get(kind, ""))) else Element("", {})
            for kind in ("styles", "numbering", "footnotes", "endnotes")
        )
    document = _Document(_Styles.of(styles), Numbering.of(numbering))
    body = root.first("body")
    document.blocks(body.children if body else ())
    document.notes(footnotes, "footnoteReference")
    document.notes(endnotes, "endnoteReference")
    writer = document.writer
    return Extract(text=writer.text, pages=tuple(writer.pages) if document.page > 1 else (), encoding="docx")


def open_office(data: bytes, *, path: str) -> Archive:
    """The zip that an Office file is.

    Raises:
        BadInput: See `Archive`; or it is encrypted, which makes it another kind of file.
    """
    if data.startswith(_OLE):
        raise BadInput("note_encrypted" if b"E\0n\0c\0r\0y\0p\0t" in data else "note_damaged", path=path)
    return Archive(data, path=path)


def main_part(archive: Archive, *, path: str) -> str:
    """The part of an Office file that the others hang on."""
    for kind, target in relations(archive.read("_rels/.rels"), "", path=path).values():
        if kind == "officeDocument":
            return target
    raise BadInput("note_damaged", path=path)


_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Styles:
    """What a paragraph gets from its style.

    Attributes:
        headings: Style to the level of heading that it makes.
        lists: Style to the list, the level in it, and how much deeper it is shown.
        contents: Styles of tables of contents.
    """

    headings: dict[str, int]
    lists: dict[str, tuple[str, int, int]]
    contents: frozenset[str]

    @classmethod
    def of(cls, styles: Element) -> "_Styles":
        headings: dict[str, int] = {}
        lists: dict[str, tuple[str, int, int]] = {}
        based: dict[str, str] = {}
        contents: set[str] = set()
        for style in styles.every("style"):
            name, key = style.value("name"), style.attributes.get("styleId", "")
            based[key] = style.value("basedOn")
            level, outline = _HEADING.match(name), style.value("pPr", "outlineLvl")
            if level:
                headings[key] = int(level[1])
            elif name.lower() in ("title", "表題"):
                headings[key] = 1
            elif outline in tuple("012345678"):
                headings[key] = int(outline) + 1
            if number := style.value("pPr", "numPr", "numId"):
                deeper = _DEEPER.match(name)
                level_of_list = number_of(style.value("pPr", "numPr", "ilvl"))
                lists[key] = (number, level_of_list, int(deeper[1]) - 1 if deeper else 0)
            if _CONTENTS.match(name):
                contents.add(key)
        _inherit(headings, based)
        _inherit(lists, based)
        return cls(headings=headings, lists=lists, contents=frozenset(contents))


def _inherit(known: dict[str, _Value], based: dict[str, str]) -> None:
    """What a style is not told itself, it has from the style that it is based on."""
    for key in based:
        seen, above = {key}, based[key]
        while above and above not in known and above not in seen and len(seen) < _LONGEST_CHAIN:
            seen.add(above)
            above = based.get(above, "")
        if above in known:
            known.setdefault(key, known[above])


@dataclass(slots=True)
class _Document:
    styles: _Styles
    numbering: Numbering
    writer: Writer = field(default_factory=Writer)
    boxes: list[Element] = field(default_factory=list)
    noted: dict[str, list[str]] = field(default_factory=dict)  # notes by kind, in the order of the text
    page: int = 1

    def blocks(self, elements: Iterable[Element]) -> None:
        """Writes paragraphs and tables, also those inside what only wraps them."""
        for element in elements:
            if element.tag == "p":
                self._paragraph(element)
            elif element.tag == "tbl":
                self._table(element)
            elif element.tag not in _UNREAD and not _is_contents(element):
                self.blocks(element.children)
            boxes, self.boxes = self.boxes, []
            for box in boxes:
                self.blocks(box.children)

    def notes(self, part: Element, kind: str) -> None:
        """Writes the footnotes or endnotes that the text refers to."""
        texts = {
            note.attributes.get("id", ""): " ".join(self._text(p).strip() for p in note.every("p")).strip()
            for note in part.children
        }
        for key in list(self.noted.get(kind, ())):
            if texts.get(key):
                self.writer.paragraph(f"{self._reference(kind, key)}: {_plain(texts[key])}")

    def _reference(self, kind: str, key: str) -> str:
        """The number that a note has in the text; endnotes are told apart."""
        keys = self.noted.setdefault(kind, [])
        if key not in keys:
            keys.append(key)
        return f"[^{'e' if kind == 'endnoteReference' else ''}{keys.index(key) + 1}]"

    def _paragraph(self, paragraph: Element) -> None:
        style = paragraph.value("pPr", "pStyle")
        raw = self._text(paragraph)
        text = _plain(raw)
        if raw.lstrip(" ").startswith(_PAGE):
            self._turn(raw.count(_PAGE))
        if text.strip() and style not in self.styles.contents:
            self._write(paragraph, style, text)
        if not raw.lstrip(" ").startswith(_PAGE):
            self._turn(raw.count(_PAGE))

    def _turn(self, count: int) -> None:
        if count:
            if self.page == 1 and not self.writer.pages:
                self.writer.pages.append((0, 1))
            self.page += count
            self.writer.page(self.page)

    def _write(self, paragraph: Element, style: str, text: str) -> None:
        outline = paragraph.value("pPr", "outlineLvl")
        level = self.styles.headings.get(style) or (int(outline) + 1 if outline in tuple("012345678") else 0)
        number, depth, deeper = self.styles.lists.get(style, ("", 0, 0))
        number = paragraph.value("pPr", "numPr", "numId") or number
        depth = min(8, number_of(paragraph.value("pPr", "numPr", "ilvl"), depth))
        if level:
            label = self.numbering.label(number, depth) if number else ""
            self.writer.heading(level, f"{label} {text}" if label else text)
        elif number and number != "0":
            self.writer.item(depth + deeper + 1, text, self.numbering.next(number, depth))
        elif paragraph.first("oMathPara") and (alone := _SINGLE.fullmatch(text.strip())):
            self.writer.formula(alone[1])
        else:
            self.writer.paragraph(text)

    def _table(self, table: Element) -> None:
        grid = Grid()
        for row in _unwrapped(table, "tr"):
            grid.row()
            for cell in _unwrapped(row, "tc"):
                text = " ".join(self._text(p).strip() for p in cell.every("p")).strip()
                self._turn(text.count(_PAGE))
                merged = cell.first("tcPr", "vMerge")
                if merged and merged.attributes.get("val") != "restart":
                    grid.repeat(number_of(cell.value("tcPr", "gridSpan"), 1))
                else:
                    grid.put(_plain(text), number_of(cell.value("tcPr", "gridSpan"), 1))
        self.writer.table(grid.rows())

    def _text(self, element: Element) -> str:
        """What is read in a paragraph, where pages begin among it."""
        pieces: list[str] = []
        for child in element.children:
            tag = child.tag
            if tag in _UNREAD:
                continue
            if tag == "t":
                pieces.append(child.text)
            elif tag == "r":
                pieces.append(self._run(child))
            elif tag == "lastRenderedPageBreak":
                pieces.append(_PAGE)
            elif tag in ("br", "cr"):
                pieces.append("\n")
            elif tag in ("tab", "ptab"):
                pieces.append(" ")
            elif tag == "noBreakHyphen":
                pieces.append("-")
            elif tag == "oMath":
                pieces.append(f"${unwrapped(from_office(child))}$")
            elif tag in ("footnoteReference", "endnoteReference"):
                pieces.append(self._reference(tag, child.attributes.get("id", "")))
            elif tag == "docPr":
                name = attached(child.attributes.get("name", ""))
                pieces.append(image(child.attributes.get("descr", ""), name))
            elif tag == "txbxContent":
                self.boxes.append(child)
            elif tag == "ruby":
                word, reading = (child.first(part) for part in ("rubyBase", "rt"))
                pieces.append(in_ruby(*(self._text(part) if part else "" for part in (word, reading))))
            else:
                pieces.append(self._text(child))
        return "".join(pieces)

    def _run(self, run: Element) -> str:
        properties = run.first("rPr")
        if properties is None:
            return self._text(run)
        hidden = properties.first("vanish")
        if hidden and hidden.attributes.get("val") not in ("0", "false"):
            return ""
        text = self._text(run)
        place = properties.value("vertAlign")
        if place == "superscript" and "[^" not in text:
            return raised(text)
        return lowered(text) if place == "subscript" else text


def _plain(text: str) -> str:
    return with_readings(text.replace(_PAGE, ""), unwrapped)


def _is_contents(element: Element) -> bool:
    """Whether a content control holds a table of contents, which says nothing that the headings do not."""
    gallery = element.value("sdtPr", "docPartObj", "docPartGallery") if element.tag == "sdt" else ""
    return gallery == "Table of Contents"


def _unwrapped(element: Element, tag: str) -> Iterable[Element]:
    """Children with this tag, also inside a content control or a marked insertion."""
    for child in element.children:
        if child.tag == tag:
            yield child
        elif child.tag in ("sdt", "sdtContent", "ins", "customXml"):
            yield from _unwrapped(child, tag)
