"""The process that takes PDFs apart: files come on stdin, their pages go as JSON to stdout.

PDFium is a large library in C++ that reads what anybody may have made. In a process of its own, with limits
on time and memory, the worst that a file can do is to stay unread.

Each way, eight bytes (big-endian) tell how many follow. The process ends when nothing has come for a while,
or when it has grown.
"""

import ctypes
import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from itertools import islice
from math import hypot
from pathlib import Path
from typing import Any, BinaryIO, Final

from ingest.formats.pdf.glyphs import Glyph
from ingest.formats.pdf.lines import Line
from ingest.formats.pdf.order import lines_of

MEMORY: Final = 4 * 2**30
GROWN: Final = 2**30
IDLE: Final = 20.0
MOST_PAGES: Final = 10_000
MOST_CHARACTERS: Final = 20_000_000
MOST_TITLES: Final = 5000
_BOLD: Final = 600
_HEAVY: Final = re.compile(rb"bold|black|heavy|demi|bx\d|-W[6-9]\b", re.IGNORECASE)
_LIGATURES: Final = range(0xFB00, 0xFB07)
_RADICALS: Final = str.maketrans("⺟⺠⺩⺭⻁⻄⻑⻘⻝⻤⻨⻩⻫⻬⻭⻯⻲", "母民王示虎西長青食鬼麦黄斉斉歯竜亀")
"""Radicals that have no compatibility mapping in Unicode, for which fonts of macOS give their own code."""
_HYPHENS: Final = "\x02\ufffe\xad"
_UNREADABLE: Final = 0.5
"""Part of a page's characters without a code, from which its text is noise."""


def main() -> None:
    """Answers until stdin ends."""
    seconds = int(sys.argv[1])
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    limit_memory()
    while _comes(source):
        head = source.read(8)
        if len(head) < 8:
            return
        limit_time(seconds)
        answer = json.dumps(pages_of(source.read(int.from_bytes(head, "big")))).encode()
        sink.write(len(answer).to_bytes(8, "big") + answer)
        sink.flush()
        if grown() > GROWN:
            return


def _comes(source: BinaryIO) -> bool:
    """Waits for the next file; False when none has come for a while."""
    if sys.platform == "win32":
        return True
    import select

    return bool(select.select([source], [], [], IDLE)[0])


def limit_memory() -> None:
    """Lets this process have `MEMORY` at most, where that can be set."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):  # Windows has none, macOS not all; the parent's clock remains
        return


def limit_time(seconds: int) -> None:
    """Ends this process when the next file takes more than `seconds` of CPU."""
    try:
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        most = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime) + 1 + seconds, most))
    except (ImportError, OSError, ValueError):  # Windows has none; the parent's clock remains
        return


def grown() -> int:
    """Bytes of memory that this process holds; 0 where that cannot be told.

    The kernel's peak (`ru_maxrss`) is no measure: a process inherits it from the one that started it.
    """
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def pages_of(data: bytes) -> dict[str, Any]:
    """What a file holds, or `problem`: `encrypted`, `damaged`, `library`, `deep`.

    Returns:
        `pages`, for each its lines as `packed`, and `outline`: level, title and page (from 0) of each bookmark.
    """
    try:
        import pypdfium2
    except ImportError:
        return {"problem": "library"}
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        return {"problem": "encrypted" if "password" in str(error).lower() else "damaged"}
    try:
        if len(document) > MOST_PAGES:
            return {"problem": "deep"}
        pages: list[list[list[Any]]] = []
        left, broken = MOST_CHARACTERS, 0
        for number in range(len(document)):
            try:
                page = document[number]
                glyphs, height = _glyphs(page, left)
                page.close()
            except (pypdfium2.PdfiumError, ValueError):
                glyphs, height, broken = [], 0.0, broken + 1
            left -= len(glyphs)
            if left <= 0:
                return {"problem": "deep"}
            pages.append([packed(line) for line in lines_of(glyphs, height)])
        outline = list(_outline(document))
    finally:
        document.close()
    if not pages or broken == len(pages):
        return {"problem": "damaged"}
    return {"pages": pages, "outline": outline}


def _outline(document: Any) -> Iterator[tuple[int, str, int]]:
    import pypdfium2

    try:
        for mark in islice(document.get_toc(), MOST_TITLES):
            target = mark.get_dest()
            page = target.get_index() if target else None
            if page is not None:
                yield mark.level, mark.get_title()[:300], page
    except (pypdfium2.PdfiumError, ValueError):
        return


def packed(line: Line) -> list[Any]:
    """A line as JSON takes it: y, size, bold, column's edges, then the cells."""
    numbers = [round(number, 1) for number in (line.y, line.size, line.begin, line.stop)]
    cells = [[round(cell.left, 1), round(cell.right, 1), cell.text] for cell in line.cells]
    return [*numbers, line.bold, cells]


def _glyphs(page: Any, most: int) -> tuple[list[Glyph], float]:
    """The characters of a page as it is looked at, and its height; empty where most have no code."""
    text = page.get_textpage()
    count = text.count_chars()
    if count > most:
        return [], 0.0
    width, height = page.get_size()
    glyphs = list(_read(text.raw, count, width, height, page.get_rotation()))
    text.close()
    unreadable = sum(not _is_readable(glyph.char) for glyph in glyphs)
    return ([] if unreadable > _UNREADABLE * len(glyphs) else glyphs), height


def _is_readable(text: str) -> bool:
    return unicodedata.category(text[0]) not in ("Co", "Cn", "Cs") and text[0] != "\ufffd"


def _read(text: Any, count: int, width: float, height: float, rotation: int) -> Iterator[Glyph]:
    import pypdfium2.raw as pdfium

    box, matrix = pdfium.FS_RECTF(), pdfium.FS_MATRIX()
    x, y = ctypes.c_double(), ctypes.c_double()
    name = ctypes.create_string_buffer(128)
    spaced = typed = bold = False
    nominal = size = -1.0
    for index in range(count):
        char = _character(pdfium.FPDFText_GetUnicode(text, index))
        if char.isspace() or not char:
            is_space = char not in ("", "\r", "\n")
            spaced |= is_space
            typed |= is_space and not pdfium.FPDFText_IsGenerated(text, index)
            nominal = -1.0
            continue
        found = pdfium.FPDFText_GetFontSize(text, index)
        if found != nominal:
            nominal = size = found
            if pdfium.FPDFText_GetMatrix(text, index, matrix):
                size = found * max(hypot(matrix.a, matrix.b), hypot(matrix.c, matrix.d))
            length = pdfium.FPDFText_GetFontInfo(text, index, name, len(name), None)
            bold = pdfium.FPDFText_GetFontWeight(text, index) >= _BOLD or bool(
                0 < length <= len(name) and _HEAVY.search(name.value)
            )
        if not pdfium.FPDFText_GetLooseCharBox(text, index, box):
            continue
        pdfium.FPDFText_GetCharOrigin(text, index, x, y)
        left, right, bottom, top, at, base = box.left, box.right, box.bottom, box.top, x.value, y.value
        if rotation:
            left, right, bottom, top, at, base = _turned(
                rotation, (left, right, bottom, top, at, base), width, height
            )
        yield Glyph(char, left, right, bottom, top, at, base, size, bold, spaced, typed)
        spaced = typed = False


def _character(code: int) -> str:
    """A code point as it is read: ligatures and radicals as letters, a hyphen for the marks of one."""
    if code <= 0 or 0xD800 <= code < 0xE000 or code > 0x10FFFF:
        return ""
    char = chr(code)
    if char in _HYPHENS:
        return "-"
    if code in _LIGATURES or 0x2F00 <= code < 0x2FE0:
        return unicodedata.normalize("NFKC", char)
    return char.translate(_RADICALS)


def _turned(
    rotation: int, box: tuple[float, float, float, float, float, float], width: float, height: float
) -> tuple[float, float, float, float, float, float]:
    """A box and an origin on a page that is turned by `rotation` degrees; its size is that after the turn."""
    left, right, bottom, top, x, y = box
    if rotation == 90:
        return bottom, top, height - right, height - left, y, height - x
    if rotation == 180:
        return width - right, width - left, height - top, height - bottom, width - x, height - y
    return width - top, width - bottom, left, right, width - y, x
