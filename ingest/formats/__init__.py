"""Files that are no plain text: what a person reads in them, as Markdown, with their pages."""

from collections.abc import Callable
from importlib import import_module
from typing import Final

from ingest.formats.extract import Extract
from terakoya.errors import BadInput

_READERS: Final = {
    ".html": "web",
    ".htm": "web",
    ".ipynb": "notebook",
    ".pdf": "pdf",
    ".docx": "word",
    ".pptx": "slides",
    ".epub": "book",
    ".csv": "sheet",
    ".tsv": "sheet",
}
FORMATS: Final = frozenset(_READERS)
LONGEST: Final = 20_000_000
"""Code points that are taken out of one file: a small one can be made to give far more than a person reads."""


def extract(data: bytes, *, path: str, suffix: str) -> Extract:
    """The text of a file in one of `FORMATS`.

    Args:
        data: The file; it is not trusted.
        path: For error sentences.
        suffix: Tells the format, in lower case.

    Raises:
        BadInput: It is damaged, encrypted, without text, or made to take more than it should.
    """
    module = import_module(f"ingest.formats.{_READERS[suffix]}")  # each brings its library only when needed
    reader: Callable[..., Extract] = module.read
    found = reader(data, path=path)
    if len(found.text) > LONGEST:
        raise BadInput("note_deep", path=path)
    return found
