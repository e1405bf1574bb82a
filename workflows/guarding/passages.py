"""What of a passage may be quoted and believed, and what the user is shown as suspicious."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count
from typing import Final

from terakoya.text.sentences import sentence_spans
from terakoya.types import Citation, Passage
from workflows.composing import cite
from workflows.guarding.suspicion import Suspicion, suspicions, trusted_path
from workflows.units import Unit

REMOVED: Final = "[…]"
"""Stands in a prompt where a suspicious part of a passage stood."""
_SHOWN: Final = 400
"""Code points of a suspicious part that the user is shown."""
_MOST: Final = 20
"""Suspicious places that one answer tells of."""
_QUESTION_MARKS: Final = ("?", "？")


def suspicions_in(passage: Passage) -> tuple[Suspicion, ...]:
    """The suspicious parts of a passage, in offsets of its text."""
    return suspicions(passage.text, "\n".join((*passage.heading, *passage.ancestors)))


def quotable(unit: Unit) -> bool:
    """Whether a unit may be offered as an answer: it holds nothing suspicious."""
    return not _meets(unit.passage, unit.start, unit.end)


def trusted(passage: Passage) -> Passage:
    """The passage as a prompt may show it: suspicious parts and headings are out, so its offsets do not hold."""
    return replace(
        passage,
        text=_without(passage.text, suspicions_in(passage)),
        heading=trusted_path(passage.heading),
        ancestors=trusted_path(passage.ancestors),
        blocks=(),
    )


def trusted_text(text: str) -> str:
    """A text that is no passage, such as a tool's result, as a prompt may show it."""
    return _without(text, suspicions(text))


def believed(passage: Passage) -> str:
    """The text of a passage with suspicious parts blanked, so that offsets hold: what may support a claim."""
    text = passage.text
    for each in suspicions_in(passage):
        text = text[: each.start] + _blank(text[each.start : each.end]) + text[each.end :]
    return text


def told_and_asked(text: str) -> tuple[str, str]:
    """What a text tells, and what it asks: a question is no support for a claim, though it says what one is about."""
    told: list[str] = []
    asked: list[str] = []
    for start, end in sentence_spans(text):
        sentence = text[start:end]
        (asked if sentence.rstrip(" \"'”’」』）)*").endswith(_QUESTION_MARKS) else told).append(sentence)
    return "\n".join(told), "\n".join(asked)


def marked(citation: Citation, passage: Passage | None) -> Citation:
    """The citation with the family of the rule that its quote is suspicious by, if it is."""
    return citation if passage is None else replace(citation, suspicion=_rule_of(citation, passage))


def suspicious_places(passages: Iterable[Passage]) -> tuple[Citation, ...]:
    """The suspicious parts of passages, for showing them to the user: numbered from 1, long ones cut."""
    numbers = count(1)
    places = (
        replace(
            cite(passage, each.start, min(each.end, each.start + _SHOWN), next(numbers)), suspicion=each.rule
        )
        for passage in passages
        for each in suspicions_in(passage)
    )
    return tuple(place for place, _ in zip(places, range(_MOST), strict=False))


def _rule_of(citation: Citation, passage: Passage) -> str:
    at = passage.text.find(citation.quote)
    while at >= 0:
        if passage.lines(at, at + len(citation.quote)) == (citation.start_line, citation.end_line):
            met = _meets(passage, at, at + len(citation.quote))
            if met:
                return met[0].rule
        at = passage.text.find(citation.quote, at + 1)
    return ""


def _meets(passage: Passage, start: int, end: int) -> list[Suspicion]:
    return [each for each in suspicions_in(passage) if each.start < end and start < each.end]


def _without(text: str, spans: Sequence[Suspicion]) -> str:
    parts: list[str] = []
    at = 0
    for each in spans:
        parts += [text[at : each.start], REMOVED]
        at = each.end
    return "".join([*parts, text[at:]])


def _blank(text: str) -> str:
    return "".join("\n" if char == "\n" else " " for char in text)
