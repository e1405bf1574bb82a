"""A draft without what rests on suspicious text."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from terakoya.types import Citation, Draft, Passage
from workflows.guarding.output import Removal, checked_output
from workflows.guarding.passages import marked, suspicious_places

_MARKS: Final = re.compile(r"(?:\s{0,3}\[\d{1,3}\])+")
_NUMBER: Final = re.compile(r"\d+")


def guarded_draft(
    draft: Draft, passages: Mapping[str, Passage], question: str = ""
) -> tuple[Draft, tuple[Removal, ...]]:
    """The draft as it may be shown, and what was taken out of its text.

    Of a draft that answers, all that rests on suspicious citations alone goes, and those citations go; addresses that
    stand neither in what it cites nor in the question go, and remote images do. Of one that declines, suspicious
    citations, which are the nearest passages and no part of what is said, carry the rule that marks them. The suspicious
    places among the passages that rank no lower than the last one cited become `Draft.suspicious`, for the user and the
    trace: of those further down, nothing would have been said in any case.

    Pure, and idempotent: what it gives is not changed by it.

    Args:
        draft: What an answerer made, its citations checked.
        passages: What it was made from, by id; best first.
        question: The user's own words, which an answer may repeat.
    """
    draft = without_suspicious(draft, passages)
    if not draft.answered:
        return draft, ()
    allowed = [question, *(_told(c, passages.get(c.passage_id)) for c in draft.citations)]
    checked = checked_output(draft.text, allowed)
    return replace(draft, text=checked.text), checked.removed


def without_suspicious(draft: Draft, passages: Mapping[str, Passage]) -> Draft:
    """The draft without what rests on suspicious citations alone; its addresses are not looked at.

    For what a program put together of quotes, with what a tool returned beside them.
    """
    citations = tuple(marked(c, passages.get(c.passage_id)) for c in draft.citations)
    places = draft.suspicious or suspicious_places(_no_lower(draft, passages))
    if not draft.answered:
        return replace(draft, citations=citations, suspicious=places)
    kept = tuple(c for c in citations if not c.suspicion)
    if not kept:
        return replace(draft, text="", answered=False, citations=(), suspicious=places)
    lost = {c.marker for c in citations if c.suspicion}
    text = _without(draft.text, lost, {c.marker for c in kept}) if lost else draft.text
    return replace(draft, text=text, citations=kept, suspicious=places)


def guard_report(draft: Draft, removed: Sequence[Removal]) -> dict[str, list[dict[str, object]]]:
    """What a trace tells of that: where something suspicious stands, and what was taken out of the answer."""
    return {
        "suspicious": [
            {"source": c.source, "line": c.start_line, "rule": c.suspicion} for c in draft.suspicious
        ],
        "removed": [{"kind": each.kind, "text": each.text} for each in removed],
    }


def _no_lower(draft: Draft, passages: Mapping[str, Passage]) -> Sequence[Passage]:
    """The passages down to the last that the draft cites; all, where it cites none."""
    ids = list(passages)
    cited = [ids.index(c.passage_id) for c in draft.citations if c.passage_id in passages]
    return list(passages.values())[: max(cited) + 1 if cited else None]


def _told(citation: Citation, passage: Passage | None) -> str:
    """What an answer may repeat of a citation: its quote, what stands above it, and the header of its table."""
    above = (*citation.heading, *(passage.ancestors if passage else ()))
    header = (cell for block in (passage.blocks if passage else ()) for cell in block.header)
    return "\n".join((citation.quote, *above, *header))


def _without(text: str, lost: Collection[int], kept: Collection[int]) -> str:
    """`text` without the stretches whose marks are all lost, and without lost marks elsewhere."""
    parts: list[str] = []
    at = 0
    for group in _MARKS.finditer(text):
        numbers = {int(n) for n in _NUMBER.findall(group[0])}
        if not numbers & {*lost, *kept}:  # `row[5]` in a quote is no mark
            continue
        if numbers & {*kept}:
            parts.append(text[at : group.start()])
            parts.append(
                "".join(mark for mark in re.findall(r"\s{0,3}\[\d{1,3}\]", group[0]) if _stays(mark, lost))
            )
        at = group.end()
    return "".join([*parts, text[at:]]).strip("\n")


def _stays(mark: str, lost: Collection[int]) -> bool:
    return int(_NUMBER.findall(mark)[0]) not in lost
