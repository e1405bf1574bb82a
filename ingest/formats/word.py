"""Word: headings by style, lists by level, tables, formulas, footnotes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from ingest.formats.archive import Archive
from ingest.formats.extract import Extract, Writer, image
from ingest.formats.markup import Element, parse_xml, relations
from terakoya.errors import BadInput

_HEADING: Final = re.compile(r"(?:heading|見出し)\s*([1-9])", re.IGNORECASE)
_UNREAD: Final = frozenset({"del", "moveFrom", "Fallback", "pPr", "rPr", "rt", "instrText", "delText"})
_WIDEST_CELL: Final = 60
_LONGEST_CHAIN: Final = 20
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def read(data: bytes, *, path: str) -> Extract:
    """Reads a document of Office Open XML.

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
        styles, numbering, footnotes = (
            parse_xml(found, path=path) if (found := archive.read(parts.get(kind, ""))) else Element("", {})
            for kind in ("styles", "numbering", "footnotes")
        )
    document = _Document(_headings(styles), _ordered(numbering), _list_styles(styles))
    body = root.first("body")
    document.blocks(body.children if body else ())
    document.notes(footnotes)
    return Extract(text=document.writer.text, encoding="docx")


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


def _headings(styles: Element) -> dict[str, int]:
    """Style to the level of heading that it makes."""
    found: dict[str, int] = {}
    based: dict[str, str] = {}
    for style in styles.every("style"):
        name, key = style.value("name"), style.attributes.get("styleId", "")
        based[key] = style.value("basedOn")
        level = _HEADING.match(name)
        outline = style.value("pPr", "outlineLvl")
        if level:
            found[key] = int(level[1])
        elif name.lower() in ("title", "表題"):
            found[key] = 1
        elif outline in tuple("012345678"):
            found[key] = int(outline) + 1
    for key in based:
        seen, above = {key}, based[key]
        while above and above not in found and above not in seen and len(seen) < _LONGEST_CHAIN:
            seen.add(above)
            above = based.get(above, "")
        if above in found:
            found.setdefault(key, found[above])
    return found


def _list_styles(styles: Element) -> dict[str, tuple[str, int]]:
    """Style to the list and the level that it brings."""
    return {
        style.attributes.get("styleId", ""): (number, _number(style.value("pPr", "numPr", "ilvl")))
        for style in styles.every("style")
        if (number := style.value("pPr", "numPr", "numId"))
    }


def _ordered(numbering: Element) -> dict[tuple[str, int], bool]:
    """List and level to whether its items are counted."""
    kinds: dict[tuple[str, int], bool] = {}
    for abstract in numbering.every("abstractNum"):
        for level in abstract.every("lvl"):
            at = (abstract.attributes.get("abstractNumId", ""), _number(level.attributes.get("ilvl", "")))
            kinds[at] = level.value("numFmt") not in ("bullet", "none", "")
    return {
        (number.attributes.get("numId", ""), level): kinds.get((number.value("abstractNumId"), level), False)
        for number in numbering.every("num")
        for level in range(9)
    }


@dataclass(slots=True)
class _Document:
    headings: dict[str, int]
    ordered: dict[tuple[str, int], bool]
    list_styles: dict[str, tuple[str, int]]
    writer: Writer = field(default_factory=Writer)
    counts: dict[tuple[str, int], int] = field(default_factory=dict)
    boxes: list[Element] = field(default_factory=list)

    def blocks(self, elements: Iterable[Element]) -> None:
        """Writes paragraphs and tables, also those inside what only wraps them."""
        for element in elements:
            if element.tag == "p":
                self._paragraph(element)
            elif element.tag == "tbl":
                self._table(element)
            elif element.tag not in _UNREAD:
                self.blocks(element.children)
            boxes, self.boxes = self.boxes, []
            for box in boxes:
                self.blocks(box.children)

    def notes(self, footnotes: Element) -> None:
        """Writes the footnotes, which the text calls `[^1]`."""
        for note in footnotes.children:
            if note.attributes.get("type") not in ("separator", "continuationSeparator"):
                text = " ".join(self._text(p).strip() for p in note.every("p")).strip()
                if text:
                    self.writer.paragraph(f"[^{note.attributes.get('id', '')}]: {text}")

    def _paragraph(self, paragraph: Element) -> None:
        text = self._text(paragraph)
        if not text.strip():
            return
        style = paragraph.value("pPr", "pStyle")
        outline = paragraph.value("pPr", "outlineLvl")
        level = self.headings.get(style) or (int(outline) + 1 if outline in tuple("012345678") else 0)
        number, depth = self.list_styles.get(style, ("", 0))
        number = paragraph.value("pPr", "numPr", "numId") or number
        depth = min(8, _number(paragraph.value("pPr", "numPr", "ilvl"), depth))
        if level:
            self.writer.heading(level, text)
        elif number and number != "0":
            for deeper in range(depth + 1, 9):
                self.counts.pop((number, deeper), None)
            count = self.counts[number, depth] = self.counts.get((number, depth), 0) + 1
            self.writer.item(depth + 1, text, count if self.ordered.get((number, depth)) else None)
        else:
            self.writer.paragraph(text)

    def _table(self, table: Element) -> None:
        rows: list[list[str]] = []
        for row in _unwrapped(table, "tr"):
            cells: list[str] = []
            for cell in _unwrapped(row, "tc"):
                cells.append(" ".join(self._text(p).strip() for p in cell.every("p")).strip())
                span = _number(cell.value("tcPr", "gridSpan"), 1)
                cells += [""] * (min(span, _WIDEST_CELL) - 1)
            rows.append(cells)
        self.writer.table(rows)

    def _text(self, element: Element) -> str:
        """What is read in a paragraph."""
        pieces: list[str] = []
        for child in element.children:
            tag = child.tag
            if tag in _UNREAD:
                continue
            if tag == "t":
                pieces.append(child.text)
            elif tag in ("br", "cr"):
                pieces.append("\n")
            elif tag in ("tab", "ptab"):
                pieces.append(" ")
            elif tag == "noBreakHyphen":
                pieces.append("-")
            elif tag == "oMath":
                pieces.append(f"${formula(child)}$")
            elif tag == "footnoteReference":
                pieces.append(f"[^{child.attributes.get('id', '')}]")
            elif tag == "docPr":
                pieces.append(image(child.attributes.get("descr", ""), child.attributes.get("name", "")))
            elif tag == "txbxContent":
                self.boxes.append(child)
            else:
                pieces.append(self._text(child))
        return "".join(pieces)


def _unwrapped(element: Element, tag: str) -> Iterable[Element]:
    """Children with this tag, also inside a content control or a marked insertion."""
    for child in element.children:
        if child.tag == tag:
            yield child
        elif child.tag in ("sdt", "sdtContent", "ins", "customXml"):
            yield from _unwrapped(child, tag)


def formula(element: Element) -> str:
    """Office's mathematics in TeX, as far as fractions, scripts and roots go; the rest in its order."""

    def part(name: str) -> str:
        found = element.first(name)
        return formula(found) if found else ""

    match element.tag:
        case "f":
            return rf"\frac{{{part('num')}}}{{{part('den')}}}"
        case "sSup":
            return f"{part('e')}^{{{part('sup')}}}"
        case "sSub":
            return f"{part('e')}_{{{part('sub')}}}"
        case "sSubSup":
            return f"{part('e')}_{{{part('sub')}}}^{{{part('sup')}}}"
        case "rad":
            degree = part("deg")
            return rf"\sqrt{f'[{degree}]' if degree else ''}{{{part('e')}}}"
        case "nary":
            sign = element.value("naryPr", "chr", default="∫")
            return f"{sign}_{{{part('sub')}}}^{{{part('sup')}}} {part('e')}"
        case "d":
            begin = element.value("dPr", "begChr", default="(")
            end = element.value("dPr", "endChr", default=")")
            inner = ", ".join(formula(e) for e in element.children if e.tag == "e")
            return f"{begin}{inner}{end}"
        case "t":
            return element.text
    return "".join(formula(child) for child in element.children if not child.tag.endswith("Pr"))


def _number(text: str, default: int = 0) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else default
