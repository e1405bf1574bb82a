"""Tables as text (CSV, TSV), such as Notion exports beside its pages: one table, the first row its header."""

import csv
import io
from typing import Final

from ingest.decode import NotText, decode
from ingest.formats.extract import Extract, Writer, marked
from terakoya.errors import BadInput

MOST_ROWS: Final = 2000
"""More rows are data, which nobody asks notes about."""
_DELIMITERS: Final = ",\t;"


def read(data: bytes, *, path: str) -> Extract:
    """Reads a table.

    Raises:
        BadInput: It is no text, or has more rows than notes have.
    """
    try:
        decoded = decode(data)
    except NotText as error:
        raise BadInput(f"note_{error.reason}", path=path) from None
    text = marked(decoded)
    head = text[: text.find("\n")] if "\n" in text else text
    delimiter = max(_DELIMITERS, key=head.count)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            rows.append(row)
            if len(rows) > MOST_ROWS + 1:
                raise BadInput("note_rows", path=path, limit=MOST_ROWS)
    except csv.Error:  # a quotation mark that never closes
        raise BadInput("note_damaged", path=path) from None
    writer = Writer()
    writer.table(rows)
    return Extract(
        text=writer.text, encoding=decoded.encoding, repair=decoded.repair, doubtful=writer.doubtful
    )
