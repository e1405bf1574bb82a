"""Files that are made to harm, each at its full size, with the key of the sentence that refuses it."""

import json
import os
import stat
import zipfile
from io import BytesIO
from pathlib import Path

from tests.ingest.formats import samples
from tests.soak.scale import size

DEEP = size(full=100_000, short=20_000)
LONG = size(full=10_000_000, short=300_000)

READ = {
    "quotes.md": ">" * DEEP + " a",
    "spaced-quotes.md": "> " * DEEP + "a",
    "items.md": "- " * DEEP + "a",
    "indented.md": "".join(" " * (2 * n) + "- a\n" for n in range(1000)),
    "numbers.md": "1. " * DEEP + "a",
    "brackets.md": "[" * DEEP + "a" + "]" * DEEP,
    "links.md": "[a](" * DEEP,
    "images.md": "![" * DEEP + "a" + "](b)" * DEEP,
    "wiki.md": "[[" * DEEP,
    "stars.md": "*" * DEEP + "a" + "*" * DEEP,
    "emphasis.md": "*a _b " * DEEP,
    "ticks.md": "".join("`" * n + " " for n in range(1, 600)),
    "fences.md": "".join("`" * n + "\n" for n in range(3, 800)),
    "pipes.md": "|" * DEEP + "\n" + "|-" * DEEP + "|\n" + "|a" * DEEP,
    "dollars.md": "$" * DEEP + "a",
    "entities.md": "&amp" * DEEP,
    "comments.md": "<!--" * DEEP,
    "tags.md": "<div>" * DEEP,
    "reference.md": "[a]: b\n" * 20_000 + "[a]" * 20_000,
    "front-nested.md": "---\na: " + "[" * DEEP + "\n---\nb",
    "front-aliases.md": "---\na: &a [x, x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(24))
    + "---\nb",
    "one-line.txt": "あ" * (LONG // 2),
    "one-word.md": "x" * LONG,
    "breaks.txt": "\n" * LONG,
    "divisions.html": "<div>" * DEEP + "a",
    "closed.html": "<b><i>" * DEEP + "a" + "</b></i>" * DEEP,
    "marks.txt": "が" + "\u3099" * (LONG // 10),
}
"""What is read all the same, in time that its length bounds."""

REFUSED = {
    "line.txt": "note_large",
    "book.ipynb": "note_damaged",
    "word.docx": "note_deep",
    "slides.pptx": "note_deep",
    "entities.docx": "note_damaged",
    "bomb.docx": "archive_bomb",
    "bomb.zip": "archive_bomb",
    "many.zip": "archive_many",
    "leads-out.zip/../../etc/a.md": "archive_name",
    "link.zip/link.md": "archive_name",
    "nested.zip/inner.zip": "archive_nested",
    "damaged.zip": "note_damaged",
    "binary.md": "note_binary",
    "self.md": "path_loop",
}
"""Path in the report to the key of its sentence."""


def write_read(place: Path) -> None:
    """Those that are read."""
    for name, text in READ.items():
        (place / name).write_text(text, encoding="utf-8")


def write_refused(place: Path) -> None:
    """Those that are refused, with a good note beside them, and links and a pipe that are no notes."""
    (place / "good.md").write_text("# Good\n\nThis one is read.\n")
    (place / "loop").symlink_to(place)
    (place / "self.md").symlink_to(place / "self.md")
    (place / "zero.md").symlink_to("/dev/zero")
    (place / "outside").symlink_to("/etc")
    os.mkfifo(place / "pipe.md")
    with (place / "line.txt").open("wb") as file:  # sparse: a line of a gigabyte takes no room
        file.write(b"a")
        file.truncate(2**30)
    (place / "binary.md").write_bytes(bytes(range(256)) * 40)
    cell = "[" * DEEP + "]" * DEEP
    (place / "book.ipynb").write_text('{"nbformat": 4, "cells": ' + cell + "}")
    (place / "word.docx").write_bytes(samples.docx("<w:sdt>" * DEEP + "</w:sdt>" * DEEP))
    (place / "slides.pptx").write_bytes(
        _with(samples.pptx(), "ppt/slides/slide1.xml", "<a>" * DEEP + "</a>" * DEEP)
    )
    laughs = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><w:document xmlns:w="x">&b;</w:document>'
    (place / "entities.docx").write_bytes(_with(samples.docx(), "word/document.xml", laughs))
    bomb = samples.zipped({"word/document.xml": b"\0" * 200_000_000})
    (place / "bomb.docx").write_bytes(bomb)
    (place / "bomb.zip").write_bytes(samples.zipped({"a.md": b"a" * 200_000_000}))
    with zipfile.ZipFile(place / "many.zip", "w") as archive:
        for number in range(10_001):
            archive.writestr(f"{number}.md", "")
    (place / "leads-out.zip").write_bytes(samples.zipped({"../../etc/a.md": "a"}))
    with zipfile.ZipFile(place / "link.zip", "w") as archive:
        link = zipfile.ZipInfo("link.md")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    (place / "nested.zip").write_bytes(samples.zipped({"inner.zip": samples.zipped({"a.md": "a"})}))
    (place / "damaged.zip").write_bytes(samples.zipped({"a.md": json.dumps("a" * 99)})[:60])


def _with(data: bytes, name: str, content: str) -> bytes:
    """The Office file with one member changed."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        files: dict[str, str | bytes] = {each: archive.read(each) for each in archive.namelist()}
    return samples.zipped({**files, name: content})
