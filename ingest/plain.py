"""Markdown as plain text: what is analysed, embedded, and shown in headings."""

import re
from html import unescape
from typing import Final

from ingest.inline import Edit, definitions, inlines
from ingest.verbatim import Inside, regions

_LEAD: Final = re.compile(
    r"^(?:[ \t　]*[・●•▪◦]|[ \t]*(?:[-*+]|\d{1,9}[.)])(?=\s|$)|[ \t]*#{1,6}(?=\s)|[ \t]*>(?:[ \t]*\[![\w-]+\][-+]?)?)+"
    r"[ \t]*(?:\[[ xX]\][ \t]+)?|^\[[ xX]\][ \t]+",
    re.MULTILINE,
)
# the closing marks of a heading, and the anchor that some give it
_TAIL: Final = re.compile(
    r"^[ \t]{0,3}#{1,6}[ \t][^\n]*?(?P<tail>(?:[ \t]+#+)?(?:[ \t]*\{#[\w:.-]+\})?)[ \t]*$", re.MULTILINE
)
_MARK: Final = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])|(?P<entity>&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
    r"|^[ \t]{0,3}(?:={2,}|-{3,}|\*{3,}|_{3,})[ \t]*$"  # a rule, or the line under a heading
    r"|\*{2,3}|__|~~|`+|(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])"
    r"|(?:^|(?<=[ \t]))\^(?=[\w-]*[A-Za-z])[A-Za-z0-9-]{3,}(?=[ \t]*$)",  # Obsidian's name of a block
    re.MULTILINE,
)
_HIGHLIGHT: Final = re.compile(r"==(?![\s=])[^=\n]++(?<!\s)==(?!=)")
_DATA: Final = re.compile(
    r"data:[\w.+-]{0,80}/?[\w.+-]{0,80}(?:;[\w.=+-]{1,80}){0,4}?;base64,[\w+/%=-]*", re.ASCII
)
# Keys, hashes and the insides of long addresses; also of one that a chunk begins in the middle of.
_NOISE: Final = re.compile(
    r"\A[\w+/=%.~:?#&@-]{40,}+\)|(?<![\w+/=%.~:?#&@-])[\w+/=%.~:?#&@-]{200,}+", re.ASCII
)
_FENCE: Final = re.compile(r"`{3,}|~{3,}")


def plain(markdown: str) -> str:
    """`markdown` as a reader reads it, without marks: of a link its text, of an image its alternative text.

    Targets, lines that define them, footnote marks, the names of blocks and embedded data are left out. What
    stands in code stays as it is, without the marks around it.
    """
    pieces: list[str] = []
    position = 0
    for start, end, shown in sorted(_edits(markdown), key=lambda edit: (edit[0], -edit[1])):
        if start >= position:
            pieces += (markdown[position:start], shown)
            position = end
    pieces.append(markdown[position:])
    return "".join(pieces).strip()


def cells(row: str) -> tuple[str, ...]:
    """The cells of one line of a table, as plain text."""
    inner = row.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return tuple(plain(cell.replace("\\|", "|")) for cell in re.split(r"(?<!\\)\|", inner))


def _edits(text: str) -> list[Edit]:
    found = regions(text)
    in_code, in_fence = Inside(found.code), Inside(found.fences)
    edits: list[Edit] = []
    for start, end in found.spans:
        ticks = _ticks(text, start, end)
        edits += [(start, start + ticks, ""), (end - ticks, end, "")]
    for start, end in found.fences:
        edits += [(*mark.span(), "") for mark in _FENCE.finditer(text, start, end)]
    targets: dict[str, str] = {}
    for start, end, label, address in definitions(text, in_code):
        edits.append((start, end, ""))
        targets.setdefault(label, address)
    edits += inlines(text, in_code, targets).edits
    edits += [(*lead.span(), "") for lead in _LEAD.finditer(text) if not in_fence(lead.start())]
    for mark in _MARK.finditer(text):
        if not in_code(mark.start()):
            shown = mark["escaped"] or (unescape(mark["entity"]).replace("\n", " ") if mark["entity"] else "")
            edits.append((*mark.span(), shown))
    if "#" in text:
        edits += [(*tail.span("tail"), "") for tail in _TAIL.finditer(text) if not in_fence(tail.start())]
    if "==" in text:
        for light in _HIGHLIGHT.finditer(text):
            if not in_code(light.start()):
                edits += [(light.start(), light.start() + 2, ""), (light.end() - 2, light.end(), "")]
    edits += [(*noise.span(), "") for noise in _NOISE.finditer(text) if not in_code(noise.start())]
    if "base64," in text:
        edits += [(*data.span(), "") for data in _DATA.finditer(text)]
    return edits


def _ticks(text: str, start: int, end: int) -> int:
    inner = text[start:end]
    return len(inner) - len(inner.lstrip("`"))
