"""PDF: text by page, lines that were only wrapped joined, headers and footers that repeat left out."""

import json
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ingest.formats import pdf_pages
from ingest.formats.extract import Extract, Writer, clean
from terakoya.errors import BadInput, Unavailable

SECONDS: Final = 120
"""Time that one file may take."""
_DIGITS: Final = re.compile(r"\d+")
_HYPHEN: Final = re.compile(r"[^\W\d_]-$")
_ENDED: Final = re.compile(r"[.!?。！？．…:：;；][\"'”’」』）)\]]*$")
_WIDE: Final = "[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]"
_WIDE_END: Final = re.compile(f"{_WIDE}$")
_WIDE_START: Final = re.compile(_WIDE)
_STARTS_BLOCK: Final = re.compile(
    r"[・●•▪◦■□◆◇○※►]|[-*–]\s|\(?\d{1,3}[.)．）]|第[\d一二三四五六七八九十]+[章節回]|[(（]\d|[①-⑳]|図|表"
)
_FULL: Final = 0.85
"""Part of the widest usual line from which a line counts as full, so that the text goes on behind it."""
_EDGE: Final = 2
_REPEATED: Final = 0.6


def read(data: bytes, *, path: str) -> Extract:
    """Reads a PDF in a process of its own.

    Raises:
        BadInput: It is damaged, encrypted, takes too long, or holds pictures of text only.
        Unavailable: The process could not be started.
    """
    pages = [_lines(page) for page in _pages(data, path)]
    if not any(pages):
        raise BadInput("note_without_text", path=path)
    writer = Writer()
    _write(_without_repeated(pages), writer)
    return Extract(text=writer.text, pages=tuple(writer.pages), encoding="pdf")


def _pages(data: bytes, path: str) -> list[str]:
    command = [sys.executable, "-P", str(Path(pdf_pages.__file__)), str(SECONDS)]
    try:
        done = subprocess.run(  # noqa: S603 - the product's own file, without a shell
            command, input=data, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise BadInput("note_slow", path=path, seconds=SECONDS) from None
    except OSError as error:
        raise Unavailable("pdf_process", reason=error.strerror or error) from None
    if b"No module named" in done.stderr:
        raise Unavailable("pdf_process", reason="pypdfium2")
    try:
        found: Any = json.loads(done.stdout)
    except ValueError:  # it crashed, or ran out of memory or time
        raise BadInput("note_damaged", path=path) from None
    if "problem" in found:
        raise BadInput(f"note_{found['problem']}", path=path)
    return [str(page) for page in found["pages"]]


def _lines(page: str) -> list[str]:
    # PDFium marks a hyphen at the end of a line by one of these two
    marked = re.sub("[\x02\ufffe]\r?\n?", "-\n", page)
    return [line for line in (" ".join(line.split()) for line in clean(marked).split("\n")) if line]


def _without_repeated(pages: list[list[str]]) -> list[list[str]]:
    """Drops first and last lines that stand on most pages, numbers aside."""
    filled = [page for page in pages if page]
    needed = max(3, _REPEATED * len(filled))
    dropped: list[set[int]] = [set() for _ in pages]
    for place in (*range(_EDGE), *range(-_EDGE, 0)):
        seen = Counter(_DIGITS.sub("0", page[place]) for page in filled if len(page) > 2 * _EDGE)
        for number, page in enumerate(pages):
            if len(page) > 2 * _EDGE and seen[_DIGITS.sub("0", page[place])] >= needed:
                dropped[number].add(place % len(page))
    return [
        [line for at, line in enumerate(page) if at not in gone]
        for page, gone in zip(pages, dropped, strict=True)
    ]


def _write(pages: Sequence[list[str]], writer: Writer) -> None:
    """Paragraphs, each on the page where it begins."""
    paragraph: list[str] = []
    full = False
    for number, lines in enumerate(pages, start=1):
        usual = _usual_width(lines)
        fresh = True
        for line in lines:
            if paragraph and _continues(paragraph[-1], line, full):
                _join(paragraph, line)
            else:
                writer.paragraph("".join(paragraph))
                paragraph = [line]
                if fresh:
                    writer.page(number)
                    fresh = False
            full = _width(line) >= _FULL * usual
    writer.paragraph("".join(paragraph))


def _continues(before: str, line: str, full: bool) -> bool:
    """Whether `line` belongs to the paragraph of the line before."""
    if _STARTS_BLOCK.match(line):
        return False
    if _HYPHEN.search(before) and line[0].islower():
        return True
    return full or (line[0].islower() and not _ENDED.search(before))


def _join(paragraph: list[str], line: str) -> None:
    before = paragraph[-1]
    if _HYPHEN.search(before) and line[0].islower():
        paragraph[-1] = before[:-1]
    elif not (_WIDE_END.search(before) and _WIDE_START.match(line)):
        paragraph.append("\n")
    paragraph.append(line)


def _usual_width(lines: Sequence[str]) -> int:
    widths = sorted(map(_width, lines))
    return widths[-(-9 * (len(widths) - 1) // 10)] if widths else 0


def _width(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)
