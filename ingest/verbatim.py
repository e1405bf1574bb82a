"""Where a note shows its characters as they are: fences and code spans; and the comments, which begin outside."""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

Span = tuple[int, int]

_FENCE: Final = re.compile(
    r" {0,3}(?:[-*+>] |\d+[.)] |[ \t])*(?:(?P<ticks>`{3,})(?=[^`\n]*$)|(?P<waves>~{3,}))"
)
_QUOTED: Final = re.compile(r"[ \t]*>")
_MARKS: Final = re.compile(r"\\+|`+|<!--|%%+")
_TICKS: Final = re.compile(r"`+")
_BEFORE_BLOCK: Final = re.compile(r"[ \t>]*\Z")


@dataclass(frozen=True, slots=True)
class Regions:
    """Spans of a text, ascending and apart.

    Attributes:
        fences: Fenced blocks of code, with the lines of their marks.
        spans: Code spans, with their backticks.
        comments: HTML's, and Obsidian's where they were asked for; with their marks.
    """

    fences: tuple[Span, ...]
    spans: tuple[Span, ...]
    comments: tuple[Span, ...]

    @property
    def code(self) -> tuple[Span, ...]:
        """All that is code, ascending."""
        return tuple(sorted((*self.fences, *self.spans)))


class Inside:
    """Tells whether an offset lies in one of the spans, which are ascending and apart."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._starts = [start for start, _ in spans]
        self._ends = [end for _, end in spans]

    def __call__(self, offset: int) -> bool:
        """Whether the character at `offset` does."""
        index = bisect_right(self._starts, offset) - 1
        return index >= 0 and offset < self._ends[index]


def joined(spans: Iterable[Span]) -> list[Span]:
    """`spans` in order, those that touch or overlap as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def regions(text: str, *, obsidian: bool = False) -> Regions:
    """Finds code and comments in one pass: whichever begins first hides the marks of the other.

    Args:
        text: Lines end in a line feed.
        obsidian: `%%` sets off comments too: on one line, or from the start of a line to the end of another.
    """
    return _Scan(text, obsidian).regions()


class _Scan:
    def __init__(self, text: str, obsidian: bool) -> None:
        self.text = text
        self.last_close = text.rfind("-->")
        self.last_percent = text.rfind("%%") if obsidian else -1
        self.spans: list[Span] = []
        self.comments: list[Span] = []

    def regions(self) -> Regions:
        text = self.text
        fences: list[Span] = []
        mark = ""
        quoted = False
        opened = start = behind = 0  # `behind` is the end of the last comment
        while start < len(text):
            feed = text.find("\n", start)
            end, stop = (len(text), len(text)) if feed < 0 else (feed, feed + 1)
            if mark:
                line = text[start:end]
                outside = quoted and not _QUOTED.match(line)
                bare = line.strip(" \t>")
                if outside or (bare.startswith(mark) and not bare.strip(mark[0])):
                    fences.append((opened, start if outside else stop))
                    mark = ""
                if outside:
                    continue  # the line behind a quote may open a fence of its own
            else:
                found = _FENCE.match(text, start, end) if behind <= start else None
                if found:
                    mark, opened = found["ticks"] or found["waves"], start
                    quoted = ">" in found.group()
                else:
                    behind = self._line(max(start, behind), end)
            start = stop
        if mark:
            fences.append((opened, len(text)))
        return Regions(tuple(fences), tuple(self.spans), tuple(self.comments))

    def _line(self, start: int, end: int) -> int:
        """Code spans and comments that begin in one line; gives the end of a comment that leads out of it."""
        text = self.text
        ticks: dict[int, list[int]] | None = None
        behind = start
        escaped = -1
        for found in _MARKS.finditer(text, start, end):
            at, mark = found.start(), found.group()
            if at < behind:
                continue
            if mark[0] == "\\":
                escaped = found.end() if len(mark) % 2 else -1
            elif mark[0] == "`":
                if at == escaped:
                    at += 1
                if ticks is None:
                    ticks = _ticks(text, start, end)
                size = found.end() - at
                same = ticks[size]
                index = bisect_left(same, found.end())
                if size and index < len(same):
                    behind = same[index] + size
                    self.spans.append((at, behind))
            elif mark == "<!--":
                if found.end() <= self.last_close:
                    behind = text.index("-->", found.end()) + 3
                    self.comments.append((at, behind))
            elif mark == "%%":
                close = self._percent(at, start, end)
                if close:
                    behind = close
                    self.comments.append((at, close))
        return behind

    def _percent(self, at: int, start: int, end: int) -> int:
        """The end of the comment that `%%` at `at` opens, 0 where it opens none."""
        text = self.text
        if at + 2 > self.last_percent or (at and (text[at - 1].isdigit() or text[at - 1] in "%\\")):
            return 0  # 100%% is a number
        close = text.find("%%", at + 2, end)
        if close >= 0:
            return close + 2
        begin = text.rfind("\n", 0, at) + 1
        if begin < start or not _BEFORE_BLOCK.match(text, begin, at):
            return 0
        close = text.index("%%", at + 2) + 2
        feed = text.find("\n", close)
        behind = text[close : len(text) if feed < 0 else feed]
        # `%% Section` begins a cell in MATLAB, and the next one ends nothing
        return close if not behind.strip() else 0


def _ticks(text: str, start: int, end: int) -> dict[int, list[int]]:
    """The places of the runs of backticks in a line, by their length."""
    places: dict[int, list[int]] = defaultdict(list)
    for run in _TICKS.finditer(text, start, end):
        places[len(run.group())].append(run.start())
    return places
