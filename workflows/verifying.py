"""Holds every citation of a draft against the passages: what does not stand there goes."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from terakoya.types import Draft, Passage

_MARK: Final = re.compile(r"\s?\[(\d{1,3})\]")


def verify(draft: Draft, passages: Mapping[str, Passage]) -> Draft:
    """`draft` with only the citations whose quote stands letter for letter in its passage and lines.

    Marks in the text that point at no such citation are taken out. A draft that is left without any
    citation no longer counts as answered.
    """
    kept = tuple(c for c in draft.citations if _stands(c.quote, c.passage_id, passages))
    if not draft.answered:
        return replace(draft, citations=kept)
    markers = {c.marker for c in kept}
    text = _MARK.sub(lambda mark: mark.group() if int(mark.group(1)) in markers else "", draft.text)
    return replace(draft, text=text, citations=kept, answered=bool(kept))


def _stands(quote: str, passage_id: str, passages: Mapping[str, Passage]) -> bool:
    passage = passages.get(passage_id)
    return passage is not None and bool(quote.strip()) and quote in passage.text
