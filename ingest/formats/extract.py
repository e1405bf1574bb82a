"""What a format reader gives, and the writer that all of them write their blocks with."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from urllib.parse import unquote

from ingest.decode import Decoded

_CONTROLS: Final = re.compile("[\x00\x01\x03-\x08\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff\ufeff\xad\u200b]")
_DOUBT: Final = "\x02"  # stands before a character that a repair could only guess, until a block is written
_BREAKS: Final = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_SPACE: Final = re.compile(r"[^\S\n\u3000]+")
_LEADING: Final = re.compile(r"(?=#{1,6}(?:\s|$)|>|`{3}|~{3}|\||(?:-{3,}|={3,}|\*{3,}|_{3,}|\+{3,})[ \t]*$)")
_TICKS: Final = re.compile("`+")
_LANGUAGE: Final = re.compile(r"[^\w+#.-]")
_JOINED: Final = "\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
_JAPANESE_BREAK: Final = re.compile(rf"(?<=[{_JOINED}])[ \t]*\n[ \t]*(?=\x02?[{_JOINED}])")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
_PERCENT: Final = re.compile(r"%(?=[0-9A-Fa-f]{2})")
_UNSAFE: Final = re.compile(r"[()<>\s]")
_LONGEST_TARGET: Final = 400
_DEEPEST: Final = 20
_WIDEST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """The text of a file that is no plain text.

    Attributes:
        text: Markdown; lines end in a line feed. Positions of passages count in it.
        title: As the file names itself, empty where it does not.
        pages: (offset in `text`, page, slide or chapter from 1 that begins there), ascending.
        encoding: The codec of a text format, else the name of the format.
        repair: What was mended in a text format, see `ingest.decode.Decoded`.
        doubtful: Half-open ranges of `text` that the repair could only guess, ascending.
        markup: The text may hold HTML that a person does not see.
    """

    text: str
    title: str = ""
    pages: tuple[tuple[int, int], ...] = ()
    encoding: str
    repair: str | None = None
    doubtful: tuple[tuple[int, int], ...] = ()
    markup: bool = False


def clean(text: str) -> str:
    """`text` with line feeds as its only breaks, and without characters that nobody sees."""
    return _CONTROLS.sub("", _BREAKS.sub("\n", text))


def marked(decoded: Decoded) -> str:
    """The text, each doubtful character behind a mark that `Writer` turns into `Writer.doubtful`."""
    text = decoded.text.replace(_DOUBT, " ")
    pieces: list[str] = []
    at = 0
    for start, end in decoded.doubtful:
        pieces.append(text[at:start])
        # what is ASCII may be markup, and the repair guesses none of it
        pieces += [char if char.isascii() else _DOUBT + char for char in text[start:end]]
        at = end
    return "".join((*pieces, text[at:]))


def unmarked(text: str) -> str:
    """`text` without the marks of `marked`."""
    return text.replace(_DOUBT, "")


def unwrapped(text: str) -> str:
    """`text` on one line; where Japanese was wrapped, no space comes in."""
    return " ".join(_JAPANESE_BREAK.sub("", text).split())


def image(alt: str, target: str) -> str:
    """An image as Markdown; empty where it has no description. For `target` see `target_of` and `attached`."""
    alt = re.sub(r"[\[\]]", "", unwrapped(alt))
    shown = _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", unmarked(target))
    return f"![{alt}]({shown if len(shown) <= _LONGEST_TARGET else ''})" if alt else ""


def target_of(address: str) -> str:
    """What an image's address in a page is in Markdown; of a file beside the note, its path.

    Percent signs of a path are decoded, except where the decoded sign would mean something else.
    """
    address = address.strip()
    if _SCHEME.match(address):
        return "data:" if address[:5].lower() == "data:" else address
    path = unquote(re.split(r"[?#]", address, maxsplit=1)[0])
    return _PERCENT.sub("%25", clean(path.replace("\\", "/")))


def attached(name: str) -> str:
    """The target of an image that the file holds itself, so that none is looked for beside it."""
    return "attachment:" + re.sub(r"\s", "", name)[:80]


class Writer:
    """Collects blocks in reading order, as Markdown that parses back into the same blocks."""

    def __init__(self) -> None:
        self.pages: list[tuple[int, int]] = []
        self._parts: list[str] = []
        self._length = 0
        self._page = 0  # begins with the next block
        self._doubtful: list[int] = []
        self._columns: list[int] = []  # where the text of each open item begins
        self._in_list = False

    @property
    def text(self) -> str:
        """What was written."""
        return "".join(self._parts)

    @property
    def doubtful(self) -> tuple[tuple[int, int], ...]:
        """Half-open ranges of `text` that stood behind marks."""
        if not self._doubtful:
            return ()
        gaps = [(a, b) for a, b in pairwise(self._doubtful) if b - a > 1]
        starts = [self._doubtful[0], *(b for _, b in gaps)]
        return tuple(zip(starts, [*(a + 1 for a, _ in gaps), self._doubtful[-1] + 1], strict=True))

    def page(self, number: int) -> None:
        """The blocks from here on stand on page `number`."""
        self._page = number

    def heading(self, level: int, text: str) -> None:
        """A heading of level 1 to 6."""
        self._end_list()
        shown = unwrapped(clean(text))
        if shown:
            self._block(f"{'#' * max(1, min(6, level))} {shown}")

    def paragraph(self, text: str) -> None:
        """A paragraph; its line feeds are kept."""
        self._end_list()
        self._block("\n".join(_lines(text)))

    def quote(self, text: str) -> None:
        """A paragraph that is set apart."""
        self._end_list()
        self._block("\n".join(f"> {line}" for line in _lines(text)))

    def item(self, depth: int, text: str, number: int | None = None) -> None:
        """An item of a list, `depth` from 1; numbered where `number` is given."""
        lines = _lines(text)
        if not lines:
            return
        depth = max(1, min(depth, len(self._columns) + 1, _DEEPEST))
        # in Markdown only a list that begins with 1 may follow a line of text at once
        apart = depth > len(self._columns) and number not in (None, 1)
        del self._columns[depth - 1 :]
        indent = self._columns[-1] if self._columns else 0
        marker = "- " if number is None else f"{max(0, min(number, 999_999))}. "
        column = indent + len(marker)
        self._columns.append(column)
        rows = [" " * indent + marker + lines[0], *(" " * column + line for line in lines[1:])]
        self._block("\n".join(rows), tight=self._in_list and not apart)
        self._in_list = True

    def table(self, rows: Iterable[Sequence[str]]) -> None:
        """A table whose first row is its header; one of a single row or column is layout, and comes as text."""
        filled = [[_cell(cell) for cell in row[:_WIDEST]] for row in rows]
        filled = [row for row in filled if any(row)]
        width = max(map(len, filled), default=0)
        if len(filled) < 2 or width < 2:
            for row in filled:
                for cell in filter(None, row):
                    self.paragraph(cell.replace("\\|", "|"))
            return
        self._end_list()
        filled[0] += [""] * (width - len(filled[0]))
        lines = [f"| {' | '.join(row)} |" for row in filled]
        self._block("\n".join((lines[0], "|" + " --- |" * width, *lines[1:])))

    def code(self, text: str, language: str = "") -> None:
        """Code, letter for letter."""
        self._end_list()
        text = clean(text).strip("\n")
        if text.strip():
            fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(text)), default=0))
            self._block(f"{fence}{_LANGUAGE.sub('', language)[:20]}\n{text}\n{fence}")

    def formula(self, text: str) -> None:
        """A formula on lines of its own, in TeX."""
        self._end_list()
        if lines := _lines(text):
            self._block("\n".join(("$$", *lines, "$$")))

    def markdown(self, text: str) -> None:
        """Markdown as it is."""
        self._end_list()
        self._block(clean(text).strip("\n"))

    def _end_list(self) -> None:
        self._columns.clear()
        self._in_list = False

    def _block(self, text: str, *, tight: bool = False) -> None:
        if unmarked(text).strip():
            before = "" if not self._parts else "\n" if tight else "\n\n"
            self._length += len(before)
            if self._page:
                self.pages.append((self._length, self._page))
                self._page = 0
            first, *others = text.split(_DOUBT)
            end = self._length + len(first)
            for piece in others:
                if piece[:1].strip():
                    self._doubtful.append(end)
                end += len(piece)
            self._parts += (before, first, *others)
            self._length = end


def _cell(text: str) -> str:
    # a break in a cell parts what stands in it, in Japanese as well
    return " ".join(clean(text).split()).replace("|", "\\|")


def _lines(text: str) -> list[str]:
    lines = (_SPACE.sub(" ", line).strip() for line in clean(text).split("\n"))
    return [_LEADING.sub(r"\\", line, count=1) if _LEADING.match(line) else line for line in lines if line]
