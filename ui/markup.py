"""Text of notes and models made fit for Streamlit's Markdown: nothing in it loads, runs or steers the page.

Streamlit shows HTML as text, so what is left to take care of are images, which a browser fetches at once,
and Mermaid diagrams, which may name images. Both are broken up by a WORD JOINER, which has no width. That
works without knowing where code begins and ends: a parser that judged code differently from Streamlit's
would leave a hole.
"""

import html
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

JOINER: Final = "\u2060"

_FENCE = re.compile(r"^(`{3,}|~{3,})([^`\n]*)$")
_ANY_FENCE = re.compile(r"(`{3,}|~{3,})([^\n]*)")
_DIRECTIVE = re.compile(r"(?<!\\):(?=[^\W\d_][\w-]*[\[{])")
_BLOCK_DIRECTIVE = re.compile(r"^([ \t>]*(?:[-+*][ \t]+)*)(:{2,})(?=[ \t]*\w)", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_OPAQUE = re.compile(
    r"(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)|\$\$.+?\$\$|\$[^\s$](?:[^$\n]*[^\s$])?\$(?!\d)", re.DOTALL
)
_MARK = re.compile(r"(?<!\\)\[(\d{1,3}(?:\s*[,、]\s*\d{1,3})*)\]")
_STRONG = re.compile(r"\*\*(?=[^\s*])([^*\n]*[^\s*])\*\*")
_TEX_INLINE = re.compile(r"\\\(([^\n]+?)\\\)")
_TEX_BLOCK = re.compile(r"\\\[(.+?)\\\]", re.DOTALL)
_TEX = re.compile(r"[\\^_=]")
_SPECIAL = re.compile(r"([\\`*_\[\]<>$~:!&|#{}^=])")
_DELIMITER_ROW = re.compile(r"^\s*\|?[\s:|-]*-[\s:|-]*\|?\s*$")
_LIST_ITEM = re.compile(r"^\s*(?:[-+*・]|\d{1,9}[.)])\s")


_BEGIN: Final = "\ufdd0"
_END: Final = "\ufdd1"
"""Around what is marked, until all else is done; as noncharacters of Unicode they stand in no text."""
_WORDS = re.compile(r"[^\W_]+(?:[-' ・][^\W_]+)*")
_TOUCHY_BEFORE = re.compile(r"[$`_~:\[\\<&]$|(?<!\*)\*$|:[^\W_][\w-]*$|`{3}|[&\\]\S*$")
_TOUCHY_BEHIND = re.compile(r"[$`_~\]{\\>]|\*(?!\*)")
_ADDRESS = re.compile(
    r"\]\([^)\n]*\)?|\w+://\S+|www\.\S+|\S+@\S+|<[^>\n]*>|^ {0,3}\[[^\]\n]*\]:.*$", re.MULTILINE
)


class Piece(NamedTuple):
    """A part of an answer: Markdown, or the inside of a code block with its language."""

    text: str
    code: bool = False
    language: str = ""


def pieces(text: str) -> Iterator[Piece]:
    """Splits at code blocks that begin at the margin, an open one at the end included.

    They are drawn as code, letter for letter; all else goes through `markdown`.
    """
    prose: list[str] = []
    code: list[str] | None = None
    fence = info = ""
    for line in _CONTROL.sub("", text.replace("\r\n", "\n")).split("\n"):
        if code is None:
            opening = _FENCE.match(line)
            if opening is None:
                prose.append(line)
                continue
            if "".join(prose).strip():
                yield Piece("\n".join(prose))
            prose, code = [], []
            fence, info = opening[1], opening[2].strip()
        elif line.rstrip().startswith(fence) and not line.strip(fence[0] + " \t"):
            yield Piece("\n".join(code), True, _language(info))
            code = None
        else:
            code.append(line)
    if code is not None:
        yield Piece("\n".join(code), True, _language(info))
    elif "".join(prose).strip():
        yield Piece("\n".join(prose))


def markdown(text: str, markers: Collection[int] | None = ()) -> str:
    """Safe Markdown of `text`, with the citation marks among `markers` (all for None) drawn as badges."""
    inert = _inert(text)
    parts: list[str] = []
    at = 0
    for opaque in _OPAQUE.finditer(inert):
        parts += [_prose(inert[at : opaque.start()], markers), opaque[0]]
        at = opaque.end()
    return "".join([*parts, _prose(inert[at:], markers)])


def plain(text: str) -> str:
    """`text` as one line that Markdown shows letter for letter, for labels and captions."""
    line = " ".join(_CONTROL.sub(" ", text).split())
    line = _SPECIAL.sub(r"\\\1", line)
    return re.sub(r"^(\d+)([.)])|^([-+])", lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", line)


def letters(text: str) -> str:
    """`text` for an element that draws no Markdown: without control characters and direction marks."""
    return _CONTROL.sub("", text)


def quotation(text: str, marks: Sequence[tuple[int, int]] = ()) -> str:
    """A quote as safe Markdown that keeps its line breaks and looks no larger than its surroundings.

    A quote may begin in the middle of a structure: rows without their header get an empty one, and a
    common indent is taken away, which would otherwise turn list items into code.

    Args:
        text: The quote.
        marks: Offsets of what is to stand out; left as it is where that could change what Markdown reads.
    """
    return _highlighted(_quotation(_with_marks(text, marks)))


def _quotation(text: str) -> str:
    lines = _CONTROL.sub("", text).expandtabs(4).strip("\n").split("\n")
    indent = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
    lines = [line[indent:] for line in lines]
    if any(_FENCE.match(line) for line in lines):
        return markdown("\n".join(lines))
    if all(line.lstrip().startswith("|") for line in lines if line.strip()):
        return markdown("\n".join(_table([line for line in lines if line.strip()])))
    shown: list[str] = []
    for line in lines:
        # A heading or rule here is a quoted line like any other, or a comment in a piece of code.
        line = re.sub(r"^(\s{0,3})(#{1,6}(?:\s|$)|[-=*_]{2,}\s*$)", r"\1\\\2", line)
        if shown and shown[-1].strip() and line.strip() and not _LIST_ITEM.match(line):
            shown[-1] = shown[-1].rstrip() + "  "
        shown.append(line)
    return markdown("\n".join(shown))


def _with_marks(text: str, marks: Sequence[tuple[int, int]]) -> str:
    """`text` with `_BEGIN` and `_END` around what can be marked."""
    if "~~~" in text or text.count("```") % 2 or _BEGIN in text or _END in text:
        return text
    parts: list[str] = []
    at = 0
    for start, end in sorted(marks):
        if start >= at and _can_be_marked(text, start, end):
            parts += [text[at:start], _BEGIN, text[start:end], _END]
            at = end
    return "".join([*parts, text[at:]])


def _can_be_marked(text: str, start: int, end: int) -> bool:
    """Whether what stands around allows a mark: it would undo an emphasis, an escape, a list or indented code."""
    before = text[text.rfind("\n", 0, start) + 1 : start]
    if before.expandtabs(4).startswith("    ") and not _LIST_ITEM.match(text):
        return False
    if not before.strip(" \t>") and text[end : end + 1] in (".", ")"):
        return False
    if _TOUCHY_BEFORE.search(before) or _TOUCHY_BEHIND.match(text, end):
        return False
    return _WORDS.fullmatch(text, start, end) is not None


def _highlighted(shown: str) -> str:
    """Marks drawn in colour; those inside code, formulas, addresses and directives go."""
    parts: list[str] = []
    at = 0
    for opaque in _OPAQUE.finditer(shown):
        parts += [_coloured(shown[at : opaque.start()]), _unmarked(opaque[0])]
        at = opaque.end()
    return _unmarked("".join([*parts, _coloured(shown[at:])]))


def _coloured(prose: str) -> str:
    prose = _ADDRESS.sub(lambda found: _unmarked(found[0]), prose)
    return re.sub(f"{_BEGIN}([^{_BEGIN}{_END}]*){_END}", r":orange-background[\1]", prose)


def _unmarked(text: str) -> str:
    return text.replace(_BEGIN, "").replace(_END, "")


def _inert(text: str) -> str:
    text = _CONTROL.sub("", text.replace("\r\n", "\n"))
    text = text.replace("![", f"!{JOINER}[")
    return _ANY_FENCE.sub(_harmless_fence, text)


def _harmless_fence(fence: re.Match[str]) -> str:
    # CommonMark decodes entities and backslashes in the info string before Streamlit compares it.
    info = re.sub(r"\\(.)", r"\1", html.unescape(fence[2])).strip().casefold()
    return f"{fence[1]} {JOINER}{fence[2].lstrip()}" if info.startswith("mermaid") else fence[0]


def _prose(text: str, markers: Collection[int] | None) -> str:
    # Models write formulas in TeX's brackets; in a note the same may be a bracket that is escaped.
    text = _TEX_BLOCK.sub(lambda m: f"\n$$\n{m[1].strip()}\n$$\n" if _TEX.search(m[1]) else m[0], text)
    text = _TEX_INLINE.sub(lambda m: f"${m[1].strip()}$" if _TEX.search(m[1]) else m[0], text)
    # Streamlit reads `:name[...]` as a directive and drops the brackets of a name that it does not know.
    text = _BLOCK_DIRECTIVE.sub(lambda m: m[1] + "\\:" * len(m[2]), text)
    text = _DIRECTIVE.sub(r"\\:", text)
    text = _STRONG.sub(_strong, text)
    return _MARK.sub(lambda m: _badges(m, markers), text)


def _strong(match: re.Match[str]) -> str:
    # CommonMark does not close `**` between a bracket and a Japanese letter, as in **「内容」**は.
    inner = match[1]
    before = JOINER if not inner[0].isalnum() else ""
    after = JOINER if not inner[-1].isalnum() else ""
    return f"**{before}{inner}{after}**"


def _badges(match: re.Match[str], markers: Collection[int] | None) -> str:
    numbers = [int(number) for number in re.findall(r"\d+", match[0])]
    if markers is not None and not all(number in markers for number in numbers):
        return match[0]
    return "".join(f":primary-badge[{number}]" for number in numbers)


def _table(rows: list[str]) -> list[str]:
    rows = [row.strip() for row in rows]
    if len(rows) > 1 and _DELIMITER_ROW.match(rows[1]):
        return rows
    rows = [row for row in rows if not _DELIMITER_ROW.match(row)]
    columns = max((len(re.findall(r"(?<!\\)\|", row.strip("|"))) + 1 for row in rows), default=1)
    return ["| " * columns + "|", "|---" * columns + "|", *rows]


def _language(info: str) -> str:
    word = re.match(r"[A-Za-z0-9+#-]{1,20}", info)
    return word[0].lower() if word else ""
