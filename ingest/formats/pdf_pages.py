"""The process that takes a PDF apart: the file on stdin, its pages as JSON on stdout.

PDFium is a large library in C++ that reads what anybody may have made. In a process of its own, with limits
on time and memory, the worst that a file can do is to stay unread. It imports nothing of the product, so
that it starts fast.
"""

import json
import sys
from typing import Any

MEMORY = 4 * 2**30
MOST_PAGES = 10_000
MOST_CHARACTERS = 20_000_000


def limit(seconds: int) -> None:
    """Ends this process when it takes more than `seconds` of CPU or `MEMORY` of memory, where that can be set."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):  # Windows has none, macOS not all; the parent's clock remains
        return


def pages_of(data: bytes) -> dict[str, Any]:
    """`pages`, a text for each; or `problem`: `encrypted`, `damaged`, or `deep` for more than is read."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        return {"problem": "encrypted" if "password" in str(error).lower() else "damaged"}
    if len(document) > MOST_PAGES:
        return {"problem": "deep"}
    pages: list[str] = []
    length = broken = 0
    for number in range(len(document)):
        try:
            page = document[number]
            text = page.get_textpage().get_text_bounded()
            page.close()
        except (pypdfium2.PdfiumError, ValueError):
            text, broken = "", broken + 1
        length += len(text)
        if length > MOST_CHARACTERS:
            return {"problem": "deep"}
        pages.append(text)
    if not pages or broken == len(pages):
        return {"problem": "damaged"}
    return {"pages": pages}


if __name__ == "__main__":
    limit(int(sys.argv[1]))
    json.dump(pages_of(sys.stdin.buffer.read()), sys.stdout)
