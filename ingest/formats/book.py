"""EPUB: the chapters in the order of the spine, each read as a page of HTML."""

import re
from typing import Final
from urllib.parse import unquote

from ingest.decode import NotText, decode
from ingest.formats.archive import Archive
from ingest.formats.clutter import linked_share
from ingest.formats.extract import Extract, Writer, clean, marked, unwrapped
from ingest.formats.markup import Element, inside, parse_xml
from ingest.formats.tags import tags
from ingest.formats.web import declared_encoding, write_page
from terakoya.errors import BadInput

_PAGES: Final = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})
_NCX: Final = "application/x-dtbncx+xml"
_EMPTY: Final = re.compile(r"<(?:script|title|style|iframe|textarea)(?:\s[^<>]*)?/>")
_HEADED: Final = re.compile(r"<(?:\w+:)?h[1-6][\s>]", re.IGNORECASE)
_CONTENTS: Final = 0.8
"""Part of a page's text that is links, from which a page that the book calls its contents is nothing else."""


def read(data: bytes, *, path: str) -> Extract:
    """Reads a book.

    Raises:
        BadInput: It is damaged, encrypted, or made to take more than it should.
    """
    writer = Writer()
    with Archive(data, path=path) as archive:
        container = parse_xml(archive.need("META-INF/container.xml"), path=path, doctype=True)
        package = next((f.attributes.get("full-path", "") for f in container.every("rootfile")), "")
        root = parse_xml(archive.need(package), path=path, doctype=True)
        book = _Book(archive, root, package.rpartition("/")[0], path)
        repair = ""
        seen: set[str] = set()
        for reference in root.every("itemref"):
            name = book.pages.get(reference.attributes.get("idref", ""), "")
            if name in book.encrypted:
                raise BadInput("note_encrypted", path=path)
            if not name or name in seen or (found := archive.read(name)) is None:
                continue
            seen.add(name)
            try:
                decoded = decode(found, declared=declared_encoding(found))
            except NotText:
                raise BadInput("note_damaged", path=path) from None
            text = _EMPTY.sub("", marked(decoded))
            if name in book.contents and linked_share(text) >= _CONTENTS:
                continue
            repair = repair or decoded.repair or ""
            writer.page(len(seen))
            if name in book.titles and not _HEADED.search(text):
                writer.heading(1, book.titles[name])
            write_page(text, writer, embedded=True)
    if not seen:
        raise BadInput("note_damaged", path=path)
    title = next((unwrapped(clean(t.text)) for t in root.every("title") if t.text.strip()), "")
    return Extract(
        text=writer.text,
        title=title,
        pages=tuple(writer.pages),
        encoding="epub",
        repair=repair or None,
        doubtful=writer.doubtful,
    )


class _Book:
    """What the package says of its pages.

    Attributes:
        pages: Id to member, of what may be read; the navigation is none of them.
        titles: Member to its title in the table of contents.
        contents: Members that are the table of contents itself.
        encrypted: Members under encryption.
    """

    def __init__(self, archive: Archive, root: Element, folder: str, path: str) -> None:
        self._archive = archive
        self._path = path
        self.pages: dict[str, str] = {}
        self.titles: dict[str, str] = {}
        for item in root.every("item"):
            name = inside(folder, unquote(item.attributes.get("href", "")))
            if "nav" in item.attributes.get("properties", "").split():
                self._navigation(name)
            elif item.attributes.get("media-type") == _NCX:
                self._ncx(name)
            elif item.attributes.get("media-type") in _PAGES:
                self.pages[item.attributes.get("id", "")] = name
        self.contents = {
            inside(folder, unquote(reference.attributes.get("href", "").partition("#")[0]))
            for reference in root.every("reference")
            if reference.attributes.get("type") == "toc"
        }
        self.encrypted = self._encrypted()

    def _navigation(self, name: str) -> None:
        data = self._archive.read(name)
        if data is None:
            return
        try:
            text = decode(data).text
        except NotText:
            return
        target, shown = "", ""
        for token in tags(text):
            if isinstance(token, str):
                shown += token
            elif token.name == "a":
                if token.closing:
                    self._title(name.rpartition("/")[0], target, shown)
                target, shown = token.attributes.get("href", ""), ""

    def _ncx(self, name: str) -> None:
        data = self._archive.read(name)
        if data is None:
            return
        for point in parse_xml(data, path=self._path, doctype=True).every("navPoint"):
            label = point.first("navLabel", "text")
            self._title(
                name.rpartition("/")[0], point.value("content", name="src"), label.text if label else ""
            )

    def _title(self, folder: str, target: str, shown: str) -> None:
        """The first title that leads to a member; later ones lead to parts of it."""
        member = inside(folder, unquote(target.partition("#")[0]))
        title = unwrapped(clean(shown))
        if member and title:
            self.titles.setdefault(member, title)

    def _encrypted(self) -> set[str]:
        """Members under encryption; publishers put fonts under it in books that anybody may read."""
        data = self._archive.read("META-INF/encryption.xml")
        if data is None:
            return set()
        found = parse_xml(data, path=self._path).every("CipherReference")
        return {unquote(reference.attributes.get("URI", "")) for reference in found}
