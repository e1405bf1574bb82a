"""The text as a person sees it: the source without HTML tags and comments, and the way back."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

_ELEMENTS: Final = (
    "a|abbr|address|article|aside|audio|b|bdi|bdo|big|blockquote|body|br|button|canvas|caption|center|cite|code|col"
    "|colgroup|data|dd|del|details|dfn|dialog|div|dl|dt|em|embed|fieldset|figcaption|figure|font|footer|form|h[1-6]"
    "|head|header|hr|html|i|iframe|img|input|ins|kbd|label|legend|li|link|main|map|mark|meta|meter|nav|noscript"
    "|object|ol|optgroup|option|output|p|param|picture|pre|progress|q|rp|rt|ruby|s|samp|script|section|select|slot"
    "|small|source|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|template|textarea|tfoot|th|thead"
    "|time|title|tr|track|tt|u|ul|var|video|wbr"
)
# Only HTML's own elements are taken out: `<EOS>` or `List<String>` in a note is text.
_TAG: Final = re.compile(rf"</?(?:{_ELEMENTS})(?=[\s/>])[^<>\n]*>", re.IGNORECASE)
_FENCE: Final = re.compile(r" {0,3}(?:[-*+>] |\d+[.)] |[ \t])*(`{3,}|~{3,})")
_CODE_OR_COMMENT: Final = re.compile(r"(`+)(?!`)(?:[^`\n]|(?!\1)`)*?(?<!`)\1(?!`)|<!--")


@dataclass(frozen=True, slots=True)
class View:
    """The text that a person sees, with the places where the source has more.

    Attributes:
        text: Source without HTML tags and comments; its lines are the source's lines.
        cuts: (offset in `text`, code points left out before it), ascending.
    """

    text: str
    cuts: tuple[tuple[int, int], ...]

    def source_offset(self, offset: int) -> int:
        """Where the character at `offset` of the view stands in the source."""
        return offset + sum(length for _, length in self.cuts[: bisect_right(self.cuts, (offset, 1 << 62))])

    def cuts_within(self, start: int, end: int) -> tuple[tuple[int, int], ...]:
        """The cuts behind `start`, up to `end`, with offsets counted from `start`."""
        return tuple((at - start, length) for at, length in self.cuts if start < at < end)


def view_of(source: str) -> View:
    """Takes HTML tags and comments out of `source`, except inside code; line breaks stay."""
    if "<" not in source:
        return View(source, ())
    removals = _removals(source)
    if not removals:
        return View(source, ())
    pieces: list[str] = []
    cuts: list[tuple[int, int]] = []
    position = kept = 0
    for start, end in removals:
        pieces.append(source[position:start])
        kept += start - position
        cuts.append((kept, end - start))
        position = end
    pieces.append(source[position:])
    return View("".join(pieces), tuple(cuts))


def _removals(source: str) -> list[tuple[int, int]]:
    code, hidden = _code_and_comments(source)
    starts = [start for start, _ in code]

    def in_code(offset: int) -> bool:
        index = bisect_right(starts, offset) - 1
        return index >= 0 and offset < code[index][1]

    found: list[tuple[int, int]] = []
    for start, end in hidden:
        found += _without_line_breaks(source, start, end)
    comments = list(found)
    position = 0
    for tag in _TAG.finditer(source):
        while position < len(comments) and comments[position][1] <= tag.start():
            position += 1
        in_comment = position < len(comments) and comments[position][0] <= tag.start()
        if not in_comment and not in_code(tag.start()):
            found.append(tag.span())
    return sorted(found)


def _without_line_breaks(source: str, start: int, end: int) -> list[tuple[int, int]]:
    spans = []
    while start < end:
        stop = source.find("\n", start, end)
        stop = end if stop < 0 else stop
        if stop > start:
            spans.append((start, stop))
        start = stop + 1
    return spans


def _code_and_comments(source: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Spans of code and of comments, in one pass: whichever begins first hides the other's marks."""
    code: list[tuple[int, int]] = []
    comments: list[tuple[int, int]] = []
    fence: str | None = None
    opened = offset = behind = 0  # `behind` is the end of the last comment
    last_close = source.rfind("-->")
    for line in source.splitlines(keepends=True):
        stop = offset + len(line)
        mark = _FENCE.match(line) if fence is None and behind <= offset else None
        if mark:
            fence, opened = mark.group(1), offset
        elif fence is not None:
            bare = line.strip()
            if bare.startswith(fence) and not bare.strip(fence[0]):
                code.append((opened, stop))
                fence = None
        else:
            at = max(offset, behind)
            while found := _CODE_OR_COMMENT.search(source, at, stop):
                at = found.end()
                if found.group() != "<!--":
                    code.append(found.span())
                elif at <= last_close:
                    at = behind = source.index("-->", at) + 3
                    comments.append((found.start(), behind))
        offset = stop
    if fence is not None:
        code.append((opened, len(source)))
    return code, comments
