"""Jupyter notebooks: text as it is, code and its printed output in fences."""

import json
import re
from typing import Any, Final

from ingest.decode import NotText, decode
from ingest.formats.extract import Extract, Writer, clean
from terakoya.errors import BadInput

_ANSI: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_EMBEDDED: Final = re.compile(r"\((?:data:[^()\s]*|attachment:[^()\n]*)\)")
_FENCE: Final = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
_LONGEST_OUTPUT: Final = 2000


def read(data: bytes, *, path: str) -> Extract:
    """Reads a notebook of format 3 or 4.

    Raises:
        BadInput: It is no notebook.
    """
    try:
        decoded = decode(data)
        book = json.loads(decoded.text)
    except (NotText, ValueError, RecursionError):
        raise BadInput("note_damaged", path=path) from None
    cells = _cells(book)
    if cells is None:
        raise BadInput("note_damaged", path=path)
    language = _language(book)
    writer = Writer()
    for cell in cells:
        kind = cell.get("cell_type")
        source = _text(cell.get("source", cell.get("input")))
        if kind == "heading":
            level = cell.get("level")
            writer.heading(level if isinstance(level, int) else 1, source)
        elif kind == "code":
            writer.code(source, language)
            outputs = cell.get("outputs")
            for output in outputs if isinstance(outputs, list) else ():
                if isinstance(output, dict):
                    _output(writer, output)
        elif kind in ("markdown", "raw"):
            source = _EMBEDDED.sub("(image)", source)
            if len(_FENCE.findall(source)) % 2:
                source += "\n```"  # else the cells behind it would be code
            writer.markdown(source)
    return Extract(
        text=writer.text,
        encoding=decoded.encoding,
        repair=decoded.repair,
        doubtful=bool(decoded.doubtful),
        markup=True,
    )


def _cells(book: Any) -> list[dict[str, Any]] | None:
    if not isinstance(book, dict):
        return None
    cells = book.get("cells")
    if cells is None and isinstance(book.get("worksheets"), list):
        sheets = [sheet for sheet in book["worksheets"] if isinstance(sheet, dict)]
        cells = [c for s in sheets if isinstance(s.get("cells"), list) for c in s["cells"]]
    return [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else None


def _language(book: dict[str, Any]) -> str:
    meta = book.get("metadata")
    for part, name in (("language_info", "name"), ("kernelspec", "language")):
        found = meta.get(part) if isinstance(meta, dict) else None
        if isinstance(found, dict) and isinstance(found.get(name), str):
            return str(found[name])
    return "python"


def _output(writer: Writer, output: dict[str, Any]) -> None:
    shown = output.get("data")
    shown = shown if isinstance(shown, dict) else output
    if output.get("output_type") in ("error", "pyerr"):
        text = f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}"
    else:
        text = _text(shown.get("text/plain", output.get("text")))
    picture = next(
        (kind for kind in shown if kind in ("png", "jpeg", "svg") or kind.startswith("image/")), ""
    )
    if picture:
        writer.markdown(f"![{picture}](output)")
    elif text.strip():
        if len(text) > _LONGEST_OUTPUT:
            text = text[:_LONGEST_OUTPUT] + "\n…"
        writer.code(text)


def _text(source: Any) -> str:
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return clean(_ANSI.sub("", source)) if isinstance(source, str) else ""
