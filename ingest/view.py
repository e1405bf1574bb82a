"""The text as a person sees it: the source without HTML tags, comments and embedded data, and the way back."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from html import unescape
from itertools import accumulate
from typing import Final

from ingest.document import Image
from ingest.verbatim import Inside, Span, joined, regions

_ELEMENTS: Final = (
    "a|abbr|address|article|aside|audio|b|bdi|bdo|big|blockquote|body|br|button|canvas|caption|center|cite|code|col"
    "|colgroup|data|dd|del|details|dfn|dialog|div|dl|dt|em|embed|fieldset|figcaption|figure|font|footer|form|h[1-6]"
    "|head|header|hr|html|i|iframe|img|input|ins|kbd|label|legend|li|link|main|map|mark|meta|meter|nav|noscript"
    "|object|ol|optgroup|option|output|p|param|picture|pre|progress|q|rp|rt|ruby|s|samp|script|section|select|slot"
    "|small|source|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|template|textarea|tfoot|th|thead"
    "|time|title|tr|track|tt|u|ul|var|video|wbr"
)
_SPACE: Final = r"(?:[ \t]|\n(?![ \t]*\n))"  # a tag may go over lines, not over a blank one
_QUOTED: Final = r"\"(?:[^\"\n]|\n(?![ \t]*\n))*+\"|'(?:[^'\n]|\n(?![ \t]*\n))*+'"
_ATTRIBUTE: Final = rf"{_SPACE}++[A-Za-z_:@][\w:.@-]*+(?:{_SPACE}*+={_SPACE}*+(?:{_QUOTED}|[^\s\"'=<>`]++))?"
# Only HTML's own elements are taken out: `<EOS>` or `List<String>` in a note is text. Where the attributes are not
# written as they should be, the tag ends with its line.
_TAG: Final = re.compile(
    rf"<(?P<close>/?)(?P<name>{_ELEMENTS})(?:(?:{_ATTRIBUTE})*+{_SPACE}*+/?>|(?=[\s/>])[^<>\n]*+>)",
    re.IGNORECASE,
)
_WITHIN_A_WORD: Final = re.compile(
    "a|abbr|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|img|ins|kbd|link|mark|meta|q|rp|rt|ruby|s|samp|script|slot"
    "|small|span|strike|strong|style|sub|sup|template|time|tt|u|var|wbr"
)
"""Elements that may stand between the letters of a word; what stands before and behind any other is apart."""
_UNSEEN: Final = {name: re.compile(rf"</{name}{_SPACE}*+>", re.IGNORECASE) for name in ("script", "style")}
_VALUE: Final = re.compile(
    r"\s(?P<name>src|alt)\s*+=\s*+(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\s\"'=<>`]+))",
    re.IGNORECASE,
)
_PAYLOAD: Final = re.compile(
    r"(?<=data:)[\w.+-]{1,80}/[\w.+-]{1,80}(?:;[\w.=+-]{1,80}){0,4}?;base64,(?P<data>[\w+/%=-]{40,})",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class View:
    """The text that a person sees, with the places where the source has more.

    Attributes:
        text: Source without HTML tags, comments and embedded data; its lines are the source's lines.
        cuts: (offset in `text`, code points left out before it), ascending.
        images: HTML's, which leave nothing in `text`.
        apart: Offsets in `text` before which a tag set two words apart that now touch, ascending.
    """

    text: str
    cuts: tuple[Span, ...]
    images: tuple[Image, ...] = ()
    apart: tuple[int, ...] = ()
    _left_out: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        totals = accumulate((length for _, length in self.cuts), initial=0)
        object.__setattr__(self, "_left_out", tuple(totals))

    def source_offset(self, offset: int) -> int:
        """Where the character at `offset` of the view stands in the source."""
        return offset + self._left_out[bisect_right(self.cuts, (offset, 1 << 62))]

    def cuts_within(self, start: int, end: int) -> tuple[Span, ...]:
        """The cuts behind `start`, up to `end`, with offsets counted from `start`."""
        first = bisect_right(self.cuts, (start, 1 << 62))
        return tuple(
            (at - start, length) for at, length in self.cuts[first : bisect_left(self.cuts, (end, 0))]
        )


def view_of(source: str, *, plain_text: bool = False) -> View:
    """Takes out of `source` what a person does not see; line breaks, and whatever stands in code, stay.

    HTML tags and comments go, scripts and styles with all that is in them, Obsidian's comments in `%%`, and the
    data of base64 addresses. `View.cuts` does not tell what of these was cut.

    Args:
        source: Lines end in a line feed.
        plain_text: The note is no Markdown: `%%` means nothing.
    """
    found = regions(source, obsidian=not plain_text)
    in_code, hidden = Inside(found.code), Inside(joined((*found.code, *found.comments)))
    spans = list(found.comments)
    images: list[tuple[int, Image]] = []
    apart: list[int] = []
    for start, end, name in _tags(source, hidden):
        spans.append((start, end))
        if name == "img" and (image := _image(source[start:end])):
            images.append((start, image))
        elif not _WITHIN_A_WORD.fullmatch(name):
            apart.append(start)
    for payload in _PAYLOAD.finditer(source):
        if not in_code(payload.start()):
            spans.append(payload.span("data"))
    return _without(source, joined(spans), images, apart)


def _without(
    source: str, spans: Sequence[Span], images: Sequence[tuple[int, Image]], apart: Sequence[int]
) -> View:
    pieces: list[str] = []
    cuts: list[Span] = []
    position = kept = 0
    for start, end in (piece for span in spans for piece in _without_line_breaks(source, *span)):
        pieces.append(source[position:start])
        kept += start - position
        cuts.append((kept, end - start))
        position = end
    pieces.append(source[position:])
    text = "".join(pieces)
    places = _placed([at for at, _ in images], cuts)
    touching = [
        at
        for at in dict.fromkeys(_placed(apart, cuts))
        if 0 < at < len(text) and not text[at - 1].isspace() and not text[at].isspace()
    ]
    return View(
        text,
        tuple(cuts),
        images=tuple(replace(image, offset=at) for at, (_, image) in zip(places, images, strict=True)),
        apart=tuple(touching),
    )


def _placed(offsets: Sequence[int], cuts: Sequence[Span]) -> Iterable[int]:
    """Offsets of the source, ascending, each in a cut, as offsets of the view."""
    index = left_out = 0
    for at in offsets:
        while index < len(cuts) and cuts[index][0] + left_out <= at:
            left_out += cuts[index][1]
            index += 1
        yield cuts[index - 1][0]


def _tags(source: str, hidden: Inside) -> Iterable[tuple[int, int, str]]:
    """Start, end and name of each, ascending; a script or a style with all that is in it."""
    position = 0
    endless = set()
    while tag := _TAG.search(source, position):
        start, position = tag.span()
        if hidden(start):
            position = start + 1
            continue
        name = tag["name"].lower()
        if len(name) == 1 and "=" not in tag.group() and tag.group().strip("</> \t\n").lower() != name:
            continue  # `a <b and c> d` compares
        if name in _UNSEEN and not tag["close"] and name not in endless:
            if close := _UNSEEN[name].search(source, position):
                position = close.end()
            else:
                endless.add(name)
        yield start, position, name


def _image(tag: str) -> Image | None:
    values = {
        value["name"].lower(): unescape(value["double"] or value["single"] or value["bare"] or "").strip()
        for value in _VALUE.finditer(tag)
    }
    target = values.get("src", "")
    return Image.of(target, alt=" ".join(values.get("alt", "").split()), offset=0) if target else None


def _without_line_breaks(source: str, start: int, end: int) -> Iterable[Span]:
    while start < end:
        stop = source.find("\n", start, end)
        stop = end if stop < 0 else stop
        if stop > start:
            yield start, stop
        start = stop + 1
