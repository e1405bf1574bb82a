"""Sentences of Japanese and English text, as spans."""

import re
from typing import Final

from terakoya.text.language import JAPANESE

_OPEN: Final = "「『（(［[【〈《"
_CLOSE: Final = "」』）)］]】〉》"
_JAPANESE_END: Final = "。！？"
_LATIN_END: Final = ".!?"
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(])(?:e\.g|i\.e|etc|cf|vs|al|Dr|Mr|Mrs|Ms|Prof|St|No|Fig|Eq|Sec|Ch|vol|pp|p|approx|ca|[A-Z])$"
)
_BRACKET_REACH: Final = 200
"""An opening bracket that is not closed within so many characters is a slip, and binds nothing."""


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Half-open spans of the sentences of one paragraph, without the white space around them.

    A Japanese full stop ends a sentence unless it stands inside brackets; a Latin one when white space
    follows and no abbreviation precedes. A line break ends a sentence in Japanese text, where notes are
    written a thought a line, and in English text only behind a final mark, where lines are wrapped.
    """
    spans: list[tuple[int, int]] = []
    begin = 0
    closing = -1  # where the bracket around the current position closes
    i, n = 0, len(text)
    while i < n:
        char = text[i]
        if char in _OPEN and i > closing:
            end = text.find(_CLOSE[_OPEN.index(char)], i, i + _BRACKET_REACH)
            closing = max(closing, end)
        cut = -1
        if i > closing:
            if char in _JAPANESE_END or (char in _LATIN_END and _ends_latin(text, i, begin)):
                cut = _behind_marks(text, i, begin)
            elif char == "\n" and _line_ends_sentence(text, i, begin):
                cut = i
        if cut >= 0:
            _add(spans, text, begin, cut)
            begin = cut
            i = max(cut, i + 1)
        else:
            i += 1
    _add(spans, text, begin, n)
    return spans


def _behind_marks(text: str, i: int, begin: int) -> int:
    while i < len(text) and text[i] in "。！？.!?」』）)\"'”’":
        i += 1
    for mark in ("**", "`", "*"):  # closes what was opened in this sentence, and opens nothing of the next
        if text.startswith(mark, i) and text.count(mark, begin, i) % 2:
            return i + len(mark)
    return i


def _ends_latin(text: str, i: int, begin: int) -> bool:
    if text[i] == "." and text[begin:i].strip(" *_-").isdigit():
        return False  # the number of a list item
    after = _behind_marks(text, i, begin)
    if after < len(text) and not text[after].isspace():
        # no space in Japanese text behind "?" or "!" either
        return text[i] in "!?" and JAPANESE.match(text[after]) is not None
    return not (text[i] == "." and _ABBREVIATION.search(text, max(0, i - 12), i))


def _line_ends_sentence(text: str, i: int, begin: int) -> bool:
    before = text[max(begin, i - 40) : i].rstrip()
    after = text[i + 1 : i + 80]
    if not before or not after.strip():
        return True
    if before[-1] in "、,・":
        return False
    return (
        bool(JAPANESE.search(before[-20:]) and JAPANESE.search(after.split("\n", 1)[0]))
        or before[-1] in ":："
    )


def _add(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        spans.append((start, end))
