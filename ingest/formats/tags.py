"""HTML to a stream of tags and text, in one pass whose time is bounded by the length whatever it holds.

A tree as a browser builds it is not needed for reading, and costs up to the square of the length on pages
made for that (tags nested 100,000 deep, formatting that is never closed).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Final

_NAME: Final = re.compile(r"</?([A-Za-z][^\s/>]*)")
_ATTRIBUTE: Final = re.compile(
    r"[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]*)))?", re.ASCII
)
_GAP: Final = re.compile(r"[\s/=]*")
_RAW: Final = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes")
}


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag.

    Attributes:
        name: In lower case, without a prefix.
        attributes: Of an opening tag, names in lower case.
        closing: `</name>`.
        empty: `<name/>`.
        content: Of an element whose content is no markup (`script`, `title`), that content.
        behind: Offset behind the tag.
    """

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    closing: bool = False
    empty: bool = False
    content: str = ""
    behind: int = 0


def tags(text: str, start: int = 0) -> Iterator[Tag | str]:
    """Tags and the text between them, entities resolved; comments are left out."""
    at = start
    while at < len(text):
        mark = text.find("<", at)
        if mark < 0:
            mark = len(text)
        if mark > at:
            yield unescape(text[at:mark])
        if text.startswith("<!--", mark):
            at = _behind(text, "-->", mark + 4)
        elif text.startswith("<![CDATA[", mark):
            at = _behind(text, "]]>", mark)
            yield text[mark + 9 : at].removesuffix("]]>")
        elif text.startswith(("<!", "<?"), mark):
            at = _behind(text, ">", mark)
        elif found := _NAME.match(text, mark):
            tag = _tag(text, found)
            yield tag
            at = tag.behind
        else:
            if mark < len(text):
                yield "<"
            at = mark + 1


def _tag(text: str, found: re.Match[str]) -> Tag:
    name = found[1].lower().rpartition(":")[2]
    closing = text.startswith("</", found.start())
    attributes: dict[str, str] = {}
    at = found.end()
    while part := _ATTRIBUTE.match(text, at):
        if not closing:
            attributes.setdefault(part[1].lower(), unescape(part[2] or part[3] or part[4] or ""))
        at = part.end()
    gap = _GAP.match(text, at)
    at = gap.end() if gap else at
    empty = text[at - 1] == "/"
    at = at + 1 if at < len(text) and text[at] == ">" else at
    content = ""
    if name in _RAW and not closing and not empty:
        end = _RAW[name].search(text, at)
        stop = end.start() if end else len(text)
        content = text[at:stop]
        at = stop
    return Tag(name, attributes, closing, empty, content, at)


def _behind(text: str, end: str, at: int) -> int:
    found = text.find(end, at)
    return len(text) if found < 0 else found + len(end)
