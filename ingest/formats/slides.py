"""PowerPoint: one heading a slide, its lists, tables and text, and the speaker's notes as quotes."""

from typing import Final

from ingest.formats.archive import Archive
from ingest.formats.extract import Extract, Writer, image
from ingest.formats.markup import Element, parse_xml, relations
from ingest.formats.word import formula, main_part, open_office
from terakoya.errors import BadInput

_TITLES: Final = frozenset({"title", "ctrTitle"})
_PASSED: Final = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})
_LISTS: Final = frozenset({"", "body", "obj"})  # placeholders whose paragraphs have bullets by default
_MOST: Final = 2000


def read(data: bytes, *, path: str) -> Extract:
    """Reads a presentation of Office Open XML.

    Raises:
        BadInput: It is damaged, encrypted, or made to take more than it should.
    """
    writer = Writer()
    with open_office(data, path=path) as archive:
        main = main_part(archive, path=path)
        root = parse_xml(archive.need(main), path=path)
        if root.tag != "presentation":
            raise BadInput("note_damaged", path=path)
        targets = _relations(archive, main, path)
        listed = root.first("sldIdLst")
        keys = [slide.attributes.get("rel:id", "") for slide in (listed.children if listed else ())]
        if len(keys) > _MOST:
            raise BadInput("archive_many", path=path, count=len(keys), limit=_MOST)
        for number, key in enumerate(keys, start=1):
            if key in targets:
                _slide(writer, archive, targets[key][1], number, path)
    return Extract(text=writer.text, pages=tuple(writer.pages), encoding="pptx")


def _relations(archive: Archive, part: str, path: str) -> dict[str, tuple[str, str]]:
    folder, _, name = part.rpartition("/")
    return relations(archive.read(f"{folder}/_rels/{name}.rels"), folder, path=path)


def _slide(writer: Writer, archive: Archive, part: str, number: int, path: str) -> None:
    slide = parse_xml(archive.need(part), path=path)
    if slide.attributes.get("show") == "0":
        return
    tree = slide.first("cSld", "spTree")
    shapes = _shapes(tree) if tree else []
    titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
    title = " ".join(_text(p) for shape in titles for p in shape.every("p")).strip()
    writer.page(number)
    writer.heading(1, title or f"Slide {number}")
    for shape in shapes:
        kind = _placeholder(shape)
        if kind not in _PASSED and kind not in _TITLES:
            _shape(writer, shape, listed=kind is not None and kind in _LISTS)
    for kind, target in _relations(archive, part, path).values():
        if kind == "notesSlide" and (found := archive.read(target)):
            _notes(writer, parse_xml(found, path=path))


def _shapes(tree: Element) -> list[Element]:
    """Shapes, tables and pictures in the order of the file, groups opened."""
    found: list[Element] = []
    pending = tree.children[::-1]
    while pending:
        element = pending.pop()
        if element.tag in ("sp", "graphicFrame", "pic"):
            found.append(element)
        elif element.tag in ("grpSp", "AlternateContent", "Choice"):
            pending += element.children[::-1]
    return found


def _placeholder(shape: Element) -> str | None:
    """The kind of placeholder, empty for an unnamed one, None for a shape that is none."""
    found = shape.first("nvSpPr", "nvPr", "ph")
    return found.attributes.get("type", "") if found else None


def _shape(writer: Writer, shape: Element, *, listed: bool) -> None:
    if shape.tag == "pic":
        writer.paragraph(
            image(shape.value("nvPicPr", "cNvPr", name="descr"), shape.value("nvPicPr", "cNvPr", name="name"))
        )
    elif shape.tag == "graphicFrame":
        for table in shape.every("tbl"):
            writer.table(
                [
                    [" ".join(_text(p) for p in cell.every("p")) for cell in row.children if cell.tag == "tc"]
                    for row in table.children
                    if row.tag == "tr"
                ]
            )
    else:
        body = shape.first("txBody")
        counts: dict[int, int] = {}
        for paragraph in (p for p in (body.children if body else ()) if p.tag == "p"):
            _paragraph(writer, paragraph, listed=listed, counts=counts)


def _paragraph(writer: Writer, paragraph: Element, *, listed: bool, counts: dict[int, int]) -> None:
    text = _text(paragraph)
    level = paragraph.value("pPr", name="lvl")
    depth = int(level) if level in tuple("012345678") else 0
    properties = paragraph.first("pPr")
    marks = {child.tag for child in (properties.children if properties else ())}
    if "buAutoNum" in marks:
        counts[depth] = counts.get(depth, 0) + 1
        writer.item(depth + 1, text, counts[depth])
    elif "buNone" not in marks and (listed or depth or "buChar" in marks):
        writer.item(depth + 1, text)
    else:
        writer.paragraph(text)


def _notes(writer: Writer, notes: Element) -> None:
    for shape in notes.every("sp"):
        if _placeholder(shape) == "body":
            text = "\n".join(filter(None, (_text(p).strip() for p in shape.every("p"))))
            writer.quote(text)


def _text(paragraph: Element) -> str:
    pieces: list[str] = []
    for run in paragraph.children:
        if run.tag in ("r", "fld"):
            found = run.first("t")
            pieces.append(found.text if found else "")
        elif run.tag == "br":
            pieces.append("\n")
        elif run.tag in ("AlternateContent", "m", "oMath"):
            pieces += [f"${formula(math)}$" for math in run.every("oMath")]
    return "".join(pieces)
