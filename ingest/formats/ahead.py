"""Looking ahead in a page: where an element ends that nobody reads, and the formula that a tag opens."""

import re
from html import unescape
from string import ascii_uppercase
from typing import Final

from ingest.formats.clutter import is_clutter, is_suspect, is_unseen
from ingest.formats.mathematics import from_mathml
from ingest.formats.tags import Tag

_LOWER: Final = {ord(char): char.lower() for char in ascii_uppercase}
_VOID: Final = frozenset(
    ("img", "br", "hr", "input", "wbr", "meta", "link", "source", "col", "area", "embed")
)
_SEARCHES: Final = 20
"""Times the length of the page that may go into looking ahead, so that no page costs the square of its length."""


class Ahead:
    """A page, to look into from a tag on. Where an end is missing, nothing is lost: the element is read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lower = text.translate(_LOWER)  # keeps offsets, which `lower` would not
        self._left = _SEARCHES * len(text)

    def passed(self, tag: Tag) -> int:
        """Where the element ends that nobody reads; 0 for one that is read."""
        if tag.name in _VOID:
            return tag.behind if is_unseen(tag) else 0
        if tag.empty:
            return 0
        if is_unseen(tag):
            return self._end_of(tag)
        if is_suspect(tag):
            behind = self._end_of(tag)
            self._left -= 2 * max(0, behind - tag.behind)
            return behind if behind and is_clutter(tag, self._text[tag.behind : behind]) else 0
        return 0

    def formula(self, tag: Tag) -> tuple[str, int]:
        """The TeX of a `math` element, and where it ends; 0 where its characters are read one after the other."""
        stop = self._lower.find("</math", tag.behind) if self._left > 0 else -1
        if stop < 0:
            self._left -= len(self._text) - tag.behind
            return "", 0
        at = self._lower.find("x-tex", tag.behind, stop)
        begin = self._text.find(">", at, stop) + 1 if at >= 0 else 0
        end = self._lower.find("</annotation", begin, stop) if begin else -1
        if end >= 0:
            tex = unescape(self._text[begin:end])
        else:
            tex = tag.attributes.get("alttext", "") or from_mathml(self._text[tag.behind : stop])
        return tex, self._lower.find(">", stop) + 1 or len(self._text)

    def _end_of(self, tag: Tag) -> int:
        """Behind the tag that closes `tag`; 0 where there is none."""
        depth = 1
        if self._left > 0:
            for found in re.compile(rf"<(/?){re.escape(tag.name)}(?=[\s/>])").finditer(
                self._lower, tag.behind
            ):
                depth += -1 if found[1] else 1
                if not depth:
                    return self._lower.find(">", found.end()) + 1
            self._left -= len(self._text) - tag.behind
        return 0
