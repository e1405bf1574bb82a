"""What a text says, in pieces by which it is found again where somebody quoted it."""

import re
from typing import Final

from terakoya.text.normalise import squeeze
from terakoya.text.sentences import sentence_spans

SHORTEST: Final = 6
"""Characters, spaces left out; less than that says nothing of where it comes from."""
_MARK: Final = re.compile(r"\s?\[\d{1,3}\]")
_LEAD: Final = re.compile(r"^[\s\-*+>#・|]*(?:\d{1,3}[.)]\s+)?(?:\[[ xX]\]\s+)?")
_TRAIL: Final = re.compile(r"[\s|*_`]+$")


def statements(text: str) -> frozenset[str]:
    """Lines and sentences of `text`, without marks of lists, tables and citations, folded and without spaces."""
    found: set[str] = set()
    for line in text.splitlines():
        bare = _TRAIL.sub("", _LEAD.sub("", _MARK.sub("", line)))
        found.add(bare)
        found.update(bare[start:end] for start, end in sentence_spans(bare))
    return frozenset(said for each in found if len(said := squeeze(each).strip("。.")) >= SHORTEST)
