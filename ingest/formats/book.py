"""EPUB: the chapters in the order of the spine, each read as a page of HTML."""

import re
from typing import Final
from urllib.parse import unquote

from ingest.decode import NotText, decode
from ingest.formats.archive import Archive
from ingest.formats.extract import Extract, Writer, unwrapped
from ingest.formats.markup import inside, parse_xml
from ingest.formats.web import write_page
from terakoya.errors import BadInput

_PAGES: Final = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})
_EMPTY: Final = re.compile(r"<(?:script|title|style|iframe|textarea)(?:\s[^<>]*)?/>")


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
        folder = package.rpartition("/")[0]
        pages = {
            item.attributes.get("id", ""): inside(folder, unquote(item.attributes.get("href", "")))
            for item in root.every("item")
            if item.attributes.get("media-type") in _PAGES
            and "nav" not in item.attributes.get("properties", "").split()
        }
        encrypted = _encrypted(archive, path)
        seen: set[str] = set()
        for reference in root.every("itemref"):
            name = pages.get(reference.attributes.get("idref", ""), "")
            if name in encrypted:
                raise BadInput("note_encrypted", path=path)
            if not name or name in seen or (found := archive.read(name)) is None:
                continue
            seen.add(name)
            writer.page(len(seen))
            try:
                text = decode(found).text
            except NotText:
                raise BadInput("note_damaged", path=path) from None
            write_page(_EMPTY.sub("", text), writer)
    if not seen:
        raise BadInput("note_damaged", path=path)
    title = next((unwrapped(t.text) for t in root.every("title") if t.text.strip()), "")
    return Extract(text=writer.text, title=title, pages=tuple(writer.pages), encoding="epub")


def _encrypted(archive: Archive, path: str) -> set[str]:
    """Members under encryption; publishers put fonts under it in books that anybody may read."""
    data = archive.read("META-INF/encryption.xml")
    if data is None:
        return set()
    found = parse_xml(data, path=path).every("CipherReference")
    return {unquote(reference.attributes.get("URI", "")) for reference in found}
