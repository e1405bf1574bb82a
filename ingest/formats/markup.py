"""XML that is not trusted, as a small tree without namespaces."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from terakoya.errors import BadInput

_DEEPEST: Final = 120
_MOST: Final = 2_000_000


@dataclass(slots=True)
class Element:
    """One element; `text` is its own character data, in one piece.

    Attributes:
        tag: Name without its namespace.
        attributes: By name without namespace; `r:id` is `id` in the namespace of relationships, so it comes
            as `rel:id`.
        children: Elements in it.
        text: Characters directly in it.
    """

    tag: str
    attributes: dict[str, str]
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def first(self, *path: str) -> "Element | None":
        """The first descendant along tags, None where one is missing."""
        here: Element | None = self
        for tag in path:
            here = next((child for child in here.children if child.tag == tag), None) if here else None
        return here

    def every(self, tag: str) -> Iterator["Element"]:
        """All descendants with this tag, in reading order."""
        pending = self.children[::-1]
        while pending:
            element = pending.pop()
            if element.tag == tag:
                yield element
            pending += element.children[::-1]

    def value(self, *path: str, name: str = "val", default: str = "") -> str:
        """An attribute of `first(*path)`."""
        found = self.first(*path)
        return found.attributes.get(name, default) if found else default


def parse_xml(data: bytes, *, path: str, doctype: bool = False) -> Element:
    """The root element.

    Args:
        data: The document.
        path: For error sentences.
        doctype: A document type may stand in it; entities are never declared.

    Raises:
        BadInput: It is no well-formed XML, declares entities, or nests too deep.
    """
    root = Element("", {})
    stack = [root]
    pieces: list[list[str]] = [[]]
    count = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(stack) > _DEEPEST or count > _MOST:
            raise BadInput("note_deep", path=path)
        element = Element(tag.rpartition(" ")[2], {_attribute(k): v for k, v in attributes.items()})
        stack[-1].children.append(element)
        stack.append(element)
        pieces.append([])

    def end(_: str) -> None:
        stack.pop().text = "".join(pieces.pop())

    def refuse(*_: object) -> None:
        raise BadInput("note_damaged", path=path)

    try:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = lambda text: pieces[-1].append(text)
        parser.EntityDeclHandler = refuse
        if not doctype:
            parser.StartDoctypeDeclHandler = refuse
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise BadInput("note_damaged", path=path) from None
    return root.children[0]


def _attribute(name: str) -> str:
    space, _, local = name.rpartition(" ")
    return f"rel:{local}" if space.endswith("/relationships") else local


def relations(data: bytes | None, folder: str, *, path: str) -> dict[str, tuple[str, str]]:
    """An Office part's relations: id to (kind, path inside the archive)."""
    if data is None:
        return {}
    found = {}
    for relation in parse_xml(data, path=path).every("Relationship"):
        kind = relation.attributes.get("Type", "").rpartition("/")[2]
        target = relation.attributes.get("Target", "")
        if relation.attributes.get("TargetMode") != "External":
            found[relation.attributes.get("Id", "")] = (kind, inside(folder, target))
    return found


def inside(folder: str, target: str) -> str:
    """`target` as seen from `folder`, as a path in the archive."""
    parts: list[str] = []
    for part in (target if target.startswith("/") else f"{folder}/{target}").split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
