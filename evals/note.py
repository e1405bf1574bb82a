"""A note as an eval reads it: its lines without HTML, to check quotes and to find expected passages."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from terakoya.text.normalise import without_tags

_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_FENCE: Final = re.compile(r"\s*(?:(?:[-*+>]|\d+[.)])\s+)*(`{3,}|~{3,})")
_INLINE_CODE: Final = re.compile(r"(`+).*?\1")
_MARKUP: Final = re.compile(
    r"</?(?:a|b|br|center|code|del|details|div|em|font|h[1-6]|hr|i|img|ins|kbd|li|mark|ol|p|pre|rp|rt|ruby|s|small"
    r"|span|strong|sub|summary|sup|table|td|th|tr|u|ul)(?=[\s/>])[^<>\n]*>|<!--",
    re.IGNORECASE,
)


def reading(text: str) -> str:
    """`text` without HTML tags and comments, with as many lines as before."""
    return without_tags(_COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note of a suite.

    Attributes:
        source: Path relative to the suite's note folder, with `/`.
        lines: Its lines without HTML; line 1 of the file is `lines[0]`. None at all where the file is not
            text that an eval can read; then its quotes cannot be judged.
        code: Numbers of the lines inside fenced code, fences included.
    """

    source: str
    lines: tuple[str, ...]
    code: frozenset[int] = frozenset()

    @classmethod
    def of(cls, source: str, text: str) -> "Note":
        """From the text of the file."""
        raw = _LINE_BREAK.split(text)
        return cls(source=source, lines=tuple(reading("\n".join(raw)).split("\n")), code=_fenced(raw))

    def lines_with(self, text: str) -> tuple[int, ...]:
        """Numbers of the lines that `text` stands on, from 1."""
        wanted = reading(text)
        return tuple(n for n, line in enumerate(self.lines, 1) if wanted and wanted in line)

    def holds(self, quote: str, start_line: int, end_line: int) -> bool:
        """Whether `quote` is one contiguous piece of these lines, letter for letter, and free of HTML.

        Inside code, HTML is text like any other and may stand in the quote.
        """
        if not quote.strip() or not 1 <= start_line <= end_line <= len(self.lines):
            return False
        if self.code.isdisjoint(range(start_line, end_line + 1)) and _MARKUP.search(
            _INLINE_CODE.sub("", quote)
        ):
            return False
        return reading(quote) in "\n".join(self.lines[start_line - 1 : end_line])


Notes = Mapping[str, Note]
"""The notes of a suite by their source."""


def read_note(path: Path) -> str | None:
    """The text of a UTF-8 note; None for a file in another format or encoding.

    Raises:
        OSError: The file cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def read_notes(folder: Path, *, read: Callable[[Path], str | None] = read_note) -> Notes:
    """All files of `folder` and the folders in it, by their source.

    Raises:
        OSError: A file cannot be read.
    """
    notes: dict[str, Note] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        source = path.relative_to(folder).as_posix()
        text = read(path)
        notes[source] = Note(source=source, lines=()) if text is None else Note.of(source, text)
    return notes


def _fenced(lines: list[str]) -> frozenset[int]:
    inside: set[int] = set()
    fence = ""
    for number, line in enumerate(lines, 1):
        mark = _FENCE.match(line)
        if fence:
            inside.add(number)
            if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif mark:
            inside.add(number)
            fence = mark.group(1)
    return frozenset(inside)
