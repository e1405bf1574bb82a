"""PowerPoint: one heading a slide, its lists, tables, charts and text as laid out, the speaker's notes as quotes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ingest.formats.archive import Archive
from ingest.formats.extract import Extract, Writer, attached, image, unwrapped
from ingest.formats.grid import Grid
from ingest.formats.markup import Element, parse_xml, relations
from ingest.formats.mathematics import from_office
from ingest.formats.numbering import number_of
from ingest.formats.scripts import lowered, raised
from ingest.formats.word import main_part, open_office
from terakoya.errors import BadInput

_TITLES: Final = frozenset({"title", "ctrTitle"})
_PASSED: Final = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})
_LISTS: Final = frozenset({"", "body", "obj"})  # placeholders whose paragraphs have bullets by default
_MOST: Final = 2000
_MOST_POINTS: Final = 60


def read(data: bytes, *, path: str) -> Extract:
    """Reads a presentation of Office Open XML; hidden slides and comments are left out.

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
            raise BadInput("archive_many", path=path, limit=_MOST)
        for number, key in enumerate(keys, start=1):
            if key in targets:
                _Slide(writer, archive, targets[key][1], path).write(number)
    return Extract(text=writer.text, pages=tuple(writer.pages), encoding="pptx")


def _relations(archive: Archive, part: str, path: str) -> dict[str, tuple[str, str]]:
    folder, _, name = part.rpartition("/")
    return relations(archive.read(f"{folder}/_rels/{name}.rels"), folder, path=path)


@dataclass(frozen=True, slots=True)
class _Shape:
    """A shape with its place on the slide, None for one that stands where its layout says."""

    element: Element
    place: tuple[float, float, float] | None  # left, top, bottom


class _Slide:
    def __init__(self, writer: Writer, archive: Archive, part: str, path: str) -> None:
        self.writer = writer
        self.archive = archive
        self.path = path
        self.root = parse_xml(archive.need(part), path=path)
        self.relations = _relations(archive, part, path)

    def write(self, number: int) -> None:
        if self.root.attributes.get("show") in ("0", "false"):
            return
        tree = self.root.first("cSld", "spTree")
        shapes = [shape.element for shape in _in_order(list(_shapes(tree.children)))] if tree else []
        titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
        title = " ".join(_text(p) for shape in titles for p in shape.every("p")).strip()
        self.writer.page(number)
        self.writer.heading(1, title or f"Slide {number}")
        for shape in shapes:
            kind = _placeholder(shape)
            if kind not in _PASSED and kind not in _TITLES:
                self._shape(shape, listed=kind is not None and kind in _LISTS)
        for kind, target in self.relations.values():
            if kind == "notesSlide" and (found := self.archive.read(target)):
                self._notes(parse_xml(found, path=self.path))

    def _shape(self, shape: Element, *, listed: bool) -> None:
        if shape.tag == "pic":
            self._picture(shape)
        elif shape.tag == "graphicFrame":
            for table in shape.every("tbl"):
                self.writer.table(_table(table))
            for kind, reference, name in (("chart", "chart", "id"), ("diagramData", "relIds", "dm")):
                for found in shape.every(reference):
                    self._graphic(kind, found.attributes.get(f"rel:{name}", ""))
        else:
            body = shape.first("txBody")
            counts: dict[int, int] = {}
            for paragraph in (p for p in (body.children if body else ()) if p.tag == "p"):
                self._paragraph(paragraph, listed=listed, counts=counts)

    def _picture(self, shape: Element) -> None:
        alt, name = (shape.value("nvPicPr", "cNvPr", name=part) for part in ("descr", "name"))
        self.writer.paragraph(image(alt, attached(name)))

    def _graphic(self, kind: str, key: str) -> None:
        """A chart or a drawing with text (SmartArt), which stand in parts of their own."""
        found, target = self.relations.get(key, ("", ""))
        data = self.archive.read(target) if found == kind else None
        if data is None:
            return
        root = parse_xml(data, path=self.path)
        if kind == "chart":
            title = root.first("chart", "title")
            self.writer.paragraph(_text_below(title) if title else "")
            self.writer.table(_chart(root))
        else:
            for point in root.every("pt"):
                body = point.first("t")
                for paragraph in body.every("p") if body else ():
                    self.writer.item(1, _text(paragraph))

    def _paragraph(self, paragraph: Element, *, listed: bool, counts: dict[int, int]) -> None:
        text = _text(paragraph)
        level = paragraph.value("pPr", name="lvl")
        depth = int(level) if level in tuple("012345678") else 0
        properties = paragraph.first("pPr")
        marks = {child.tag for child in (properties.children if properties else ())}
        if "buAutoNum" in marks:
            begin = number_of(paragraph.value("pPr", "buAutoNum", name="startAt"), 1)
            counts[depth] = counts.get(depth, begin - 1) + 1
            self.writer.item(depth + 1, text, counts[depth])
        elif "buNone" not in marks and (listed or depth or "buChar" in marks):
            self.writer.item(depth + 1, text)
        else:
            self.writer.paragraph(text)

    def _notes(self, notes: Element) -> None:
        for shape in notes.every("sp"):
            if _placeholder(shape) == "body":
                text = "\n".join(filter(None, (_text(p).strip() for p in shape.every("p"))))
                self.writer.quote(text)


def _shapes(elements: list[Element], scale: float = 1, left: float = 0, top: float = 0) -> Iterator[_Shape]:
    """Shapes, tables and pictures in the order of the file, groups opened; places in the slide's own measure."""
    for element in elements:
        if element.tag in ("sp", "graphicFrame", "pic"):
            frame = element.first("spPr", "xfrm") or element.first("xfrm")
            offset, size = (frame.first(part) if frame else None for part in ("off", "ext"))
            place = None
            if offset and size:
                x, y = left + scale * _measure(offset, "x"), top + scale * _measure(offset, "y")
                place = (x, y, y + scale * _measure(size, "cy"))
            yield _Shape(element, place)
        elif element.tag == "grpSp":
            frame = element.first("grpSpPr", "xfrm")
            off, ext, inner, span = (
                frame.first(p) if frame else None for p in ("off", "ext", "chOff", "chExt")
            )
            if off and ext and inner and span:
                factor = scale * _measure(ext, "cy") / (_measure(span, "cy") or 1)
                x = left + scale * _measure(off, "x") - factor * _measure(inner, "x")
                y = top + scale * _measure(off, "y") - factor * _measure(inner, "y")
                yield from _shapes(element.children, factor, x, y)
            else:
                yield from _shapes(element.children, scale, left, top)
        elif element.tag in ("AlternateContent", "Choice"):
            yield from _shapes(element.children, scale, left, top)


def _in_order(shapes: list[_Shape]) -> list[_Shape]:
    """From above to below, and side by side from left to right; first what the layout places."""
    placed: list[tuple[_Shape, tuple[float, float, float]]] = sorted(
        ((shape, shape.place) for shape in shapes if shape.place), key=lambda item: item[1][1]
    )
    ordered = [shape for shape in shapes if not shape.place]
    band: list[tuple[float, _Shape]] = []
    middle = 0.0
    for shape, (left, top, bottom) in placed:
        if band and top >= middle:
            ordered += [s for _, s in sorted(band, key=lambda item: item[0])]
            band = []
        if not band:
            middle = (top + bottom) / 2
        band.append((left, shape))
    return ordered + [s for _, s in sorted(band, key=lambda item: item[0])]


def _measure(element: Element, name: str) -> float:
    text = element.attributes.get(name, "")
    return (
        float(text) if text.lstrip("-").isascii() and text.lstrip("-").isdigit() and len(text) < 16 else 0.0
    )


def _placeholder(shape: Element) -> str | None:
    """The kind of placeholder, empty for an unnamed one, None for a shape that is none."""
    found = shape.first("nvSpPr", "nvPr", "ph")
    return found.attributes.get("type", "") if found else None


def _table(table: Element) -> list[list[str]]:
    grid = Grid()
    for row in (child for child in table.children if child.tag == "tr"):
        grid.row()
        for cell in (child for child in row.children if child.tag == "tc"):
            if cell.attributes.get("hMerge") in ("1", "true"):
                continue
            across = number_of(cell.attributes.get("gridSpan", ""), 1)
            if cell.attributes.get("vMerge") in ("1", "true"):
                grid.repeat(across)
            else:
                grid.put(" ".join(_text(p) for p in cell.every("p")), across)
    return grid.rows()


def _chart(root: Element) -> list[list[str]]:
    """A chart's numbers, a series in each column."""
    columns: list[list[str]] = []
    for series in root.every("ser"):
        values = series.first("val") or series.first("yVal")
        names = series.first("cat") or series.first("xVal")
        if not columns:
            columns.append(["", *_points(names)])
        name = series.first("tx")
        columns.append([_text_below(name) if name else "", *_points(values)])
    height = max(map(len, columns), default=0)
    return [[column[at] if at < len(column) else "" for column in columns] for at in range(height)]


def _points(values: Element | None) -> list[str]:
    found = [unwrapped(v.text) for p in values.every("pt") for v in p.every("v")] if values else []
    return found[:_MOST_POINTS]


def _text_below(element: Element) -> str:
    return unwrapped(" ".join(e.text for tag in ("t", "v") for e in element.every(tag)))


def _text(paragraph: Element) -> str:
    pieces: list[str] = []
    for run in paragraph.children:
        if run.tag in ("r", "fld"):
            found = run.first("t")
            text = found.text if found else ""
            place = run.value("rPr", name="baseline", default="0")
            if place not in ("0", "0%"):
                text = lowered(text) if place.startswith("-") else raised(text)
            pieces.append(text)
        elif run.tag == "br":
            pieces.append("\n")
        elif run.tag in ("AlternateContent", "m", "oMath"):
            pieces += [f"${unwrapped(from_office(math))}$" for math in run.every("oMath")]
    return "".join(pieces)
