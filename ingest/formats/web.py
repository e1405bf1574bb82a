"""HTML: the text of a page; what nobody reads is left out."""

import re
from typing import Final

from ingest.decode import NotText, decode
from ingest.formats.extract import Extract, Writer, clean, marked
from ingest.formats.page import Page
from terakoya.errors import BadInput

_HEAD: Final = 4096
_CHARSET: Final = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_XML_ENCODING: Final = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)")


def read(data: bytes, *, path: str) -> Extract:
    """Reads a page.

    Raises:
        BadInput: It is no text.
    """
    try:
        decoded = decode(data, declared=declared_encoding(data))
    except NotText as error:
        raise BadInput(f"note_{error.reason}", path=path) from None
    writer = Writer()
    title = write_page(marked(decoded), writer)
    return Extract(
        text=writer.text,
        title=title,
        encoding=decoded.encoding,
        repair=decoded.repair,
        doubtful=writer.doubtful,
    )


def declared_encoding(data: bytes) -> str:
    """The encoding that a page or its XML declaration names, empty where it names none."""
    found = _XML_ENCODING.match(data[:_HEAD]) or _CHARSET.search(data[:_HEAD])
    return found[1].decode("ascii", "replace") if found else ""


def write_page(text: str, writer: Writer, *, embedded: bool = False) -> str:
    """Writes the blocks of a page; returns its title.

    Args:
        text: The page, doubtful characters behind their marks.
        writer: Where to.
        embedded: Images stand in the same file as the page, not beside it.
    """
    return Page(clean(text), writer, embedded=embedded).read()
