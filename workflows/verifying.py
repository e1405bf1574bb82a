"""Holds every citation of a draft against the passages: what does not stand there goes."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from terakoya.types import Citation, Draft, Passage

_MARK: Final = re.compile(r"\s?\[(\d{1,3})\]")


def verify(draft: Draft, passages: Mapping[str, Passage]) -> Draft:
    """`draft` with only the citations whose quote stands letter for letter in its passage, on its lines.

    Marks in the text that point at no such citation are taken out, unless the notes themselves have them
    (`row[5]`). A draft that is left without any citation no longer counts as answered, and says nothing.
    """
    kept = tuple(c for c in draft.citations if _stands(c, passages.get(c.passage_id)))
    if not draft.answered:
        return replace(draft, citations=kept)
    if not kept:
        return replace(draft, text="", citations=(), answered=False)
    markers = {c.marker for c in kept}

    def stays(mark: re.Match[str]) -> bool:
        return int(mark.group(1)) in markers or any(mark.group().strip() in c.quote for c in kept)

    return replace(draft, text=_MARK.sub(lambda m: m.group() if stays(m) else "", draft.text), citations=kept)


def _stands(citation: Citation, passage: Passage | None) -> bool:
    quote = citation.quote
    if passage is None or passage.source != citation.source or not quote.strip():
        return False
    at = passage.text.find(quote)
    while at >= 0:
        if passage.lines(at, at + len(quote)) == (citation.start_line, citation.end_line):
            return True
        at = passage.text.find(quote, at + 1)
    return False
