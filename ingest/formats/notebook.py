"""Jupyter notebooks: text as it is, code and its printed output in fences, tables of data as tables."""

import json
import re
from typing import Any, Final

from ingest.decode import NotText, decode
from ingest.formats.extract import Extract, Writer, attached, clean, image, marked
from ingest.formats.web import write_page
from terakoya.errors import BadInput

_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
_EMBEDDED: Final = re.compile(r"\(data:[^()\s]*\)")
_FENCE: Final = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
_OBJECT: Final = re.compile(r"\[?<[^<>\n]*(?: at 0x[0-9a-f]+|Figure size [^<>\n]*)>\]?", re.IGNORECASE)
_LONGEST_OUTPUT: Final = 2000
_LONGEST_TABLE: Final = 100_000
_WIDGET: Final = "application/vnd.jupyter.widget-view+json"


def read(data: bytes, *, path: str) -> Extract:
    """Reads a notebook of format 3 or 4.

    Raises:
        BadInput: It is no notebook.
    """
    try:
        decoded = decode(data, declared="utf-8")  # as its format is defined
        book = json.loads(marked(decoded), strict=False)
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
            _markdown(writer, source)
    return Extract(
        text=writer.text,
        encoding=decoded.encoding,
        repair=decoded.repair,
        doubtful=writer.doubtful,
        markup=True,
    )


def _markdown(writer: Writer, source: str) -> None:
    source = _EMBEDDED.sub("(data:)", source)
    if len(_FENCE.findall(source)) % 2:
        source += "\n```"  # else the cells behind it would be code
    writer.markdown(source)


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
    """What a cell printed or showed, in the form that is read best."""
    shown = output.get("data")
    shown = shown if isinstance(shown, dict) else output
    table = _text(shown.get("text/html", ""))
    picture = next(
        (kind for kind in shown if kind in ("png", "jpeg", "svg") or kind.startswith("image/")), ""
    )
    if output.get("output_type") in ("error", "pyerr"):
        _print(writer, f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}")
    elif "<table" in table.lower() and len(table) <= _LONGEST_TABLE:
        write_page(table, writer)
    elif markdown := _text(shown.get("text/markdown", "")).strip():
        _markdown(writer, markdown[:_LONGEST_OUTPUT])
    elif picture:
        writer.markdown(image(picture, attached("output")))
    elif _WIDGET not in shown:
        _print(writer, _text(shown.get("text/plain", output.get("text"))))


def _print(writer: Writer, text: str) -> None:
    if not text.strip() or _OBJECT.fullmatch(text.strip()):
        return
    writer.code(text if len(text) <= _LONGEST_OUTPUT else text[:_LONGEST_OUTPUT] + "\n…")


def _text(source: Any) -> str:
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str):
        return ""
    text = _ANSI.sub("", source)
    if "\r" in text:  # of a bar of progress, its last state
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return clean(text)
