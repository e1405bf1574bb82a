"""The tree of a note: headings, items, tables, code, formulas, each with the lines it stands on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from terakoya.types import BlockKind, Remark

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
_EXPORTED: Final = re.compile(r"[ _-]+[0-9a-f]{32}\Z")
_PICTURES: Final = frozenset(
    {".apng", ".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".tif", ".tiff", ".webp"}
)


@dataclass(slots=True)
class Node:
    """One block of a note, with what is nested in it.

    Attributes:
        kind: What it is.
        start: First character in the view, indent and marker included.
        end: Behind its own last character: for an item, its first paragraph.
        extent: Behind everything nested in it.
        depth: 0 at the top, 1 for an item of a top-level list.
        level: Level of a heading, 1 to 6.
        header: Cells of the header row, for a table row.
        children: Nested blocks in reading order.
        date: The day it stands under, see `ingest.learning_log`.
    """

    kind: BlockKind
    start: int
    end: int
    extent: int
    depth: int = 0
    level: int = 0
    header: tuple[str, ...] = ()
    children: list["Node"] = field(default_factory=list)
    date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that a note shows.

    Attributes:
        target: Path or address, its percent signs decoded, without title.
        alt: The alternative text, empty where there is none.
        offset: Where it begins in the view; where HTML's tag was, for an image of HTML.
        by_name: The target is the name of a file anywhere among the notes (Obsidian), no path.
    """

    target: str
    alt: str
    offset: int
    by_name: bool = False

    @classmethod
    def of(cls, address: str, *, alt: str, offset: int, by_name: bool = False) -> "Image":
        """From an address as a note writes it; of embedded data only the kind is kept."""
        if address[:5].lower() == "data:":
            address = address.partition(",")[0]
        elif not by_name:
            address = unquote(address)
        return cls(target=address, alt=alt, offset=offset, by_name=by_name)

    @property
    def path(self) -> str:
        """Of a file beside or below the note, with `/`; empty where the image is none.

        Addresses with a scheme (`https:`, `data:`), and paths from the root of a disk or a site, are none.
        """
        if self.by_name:
            return self.target
        if _SCHEME.match(self.target) or self.target.startswith(("/", "\\", "~")):
            return ""
        return re.split(r"[?#]", self.target, maxsplit=1)[0].replace("\\", "/")


@dataclass(frozen=True, slots=True)
class Document:
    """A note as a tree.

    Attributes:
        text: The view.
        nodes: Top-level blocks in reading order.
        title: From the front matter, else the first heading, else the note's name.
        tags: From the front matter, from properties under the title, and in the text (`#tag`); each once.
        aliases: Other names of the note, from the front matter.
        images: All images, in reading order.
        remarks: What could not be read of the note.
    """

    text: str
    nodes: tuple[Node, ...]
    title: str
    tags: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    remarks: tuple[Remark, ...] = ()

    def local_images(self) -> Iterator[Image]:
        """The images that should be files among the notes: those with a `path`."""
        return (image for image in self.images if image.path)


def name_of(stem: str) -> str:
    """A note's name from its file's, without the id that Notion puts behind it."""
    return _EXPORTED.sub("", stem) or stem


def is_picture(name: str) -> bool:
    """Whether a file of this name is an image."""
    dot = name.rfind(".")
    return name[dot:].lower() in _PICTURES if dot >= 0 else False
