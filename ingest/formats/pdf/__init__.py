"""PDF: a process of its own finds the lines of each page in reading order, and blocks are made of them here."""

from ingest.formats.extract import Extract
from ingest.formats.pdf.flow import written
from ingest.formats.pdf.process import shared


def read(data: bytes, *, path: str) -> Extract:
    """Reads a PDF in a process of its own.

    Raises:
        BadInput: It is damaged, encrypted, takes too long, or holds pictures of text only.
        Unavailable: The process could not be started.
    """
    return written(shared().pages(data, path=path), path=path)
