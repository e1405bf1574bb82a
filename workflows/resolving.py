"""From what a model wrote to an answer that stands in the notes: each piece against the passage that it cites."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from terakoya.text.analyser import Analyser
from terakoya.text.language import JAPANESE
from terakoya.text.normalise import squeeze
from terakoya.types import Citation, Language, Passage
from workflows.claims import Written, written
from workflows.composing import cite
from workflows.guarding.passages import believed, quotable, suspicions_in
from workflows.support import Claim
from workflows.units import Unit, units_of

_NO_ANSWER: Final = re.compile(
    r"^\W{0,4}(?:(?i:answer|回答|答え)\W{1,3})?(?:NO\W?ANSWER\b|(?i:no\W?answer)[*_\"'`]{0,3}\s{0,3}(?:[.!:。\n]|\Z))"
)
"""`No answer key is printed` is an answer."""
_BEGINNING: Final = 24
"""Code points in which `NO ANSWER` is said, if at all."""
_WORDS: Final = re.compile(r"[A-Za-z]{2,}")
_MOST_WORDS: Final = 4
"""Latin words of an answer in which a question in Japanese finds no Japanese at all."""
_MOST_LETTERS: Final = 12
"""Japanese letters in an answer to a question in English, beyond which it is in the wrong language."""


def says_nothing(said: str) -> bool:
    """Whether a model said that the passages do not answer."""
    return bool(_NO_ANSWER.match(said))


def may_say_nothing(said: str) -> bool:
    """Whether what was said so far may become that."""
    begun = said.lstrip(" \n*_`\"'「【[(")
    return len(begun) < _BEGINNING and (
        "NO ANSWER".startswith(begun.upper()[: len("NO ANSWER")]) or says_nothing(said)
    )


def in_language(text: str, language: Language) -> bool:
    """Whether an answer is in the language of its question; names and code are in none."""
    prose = re.sub(r"```.*?(?:```|\Z)|`[^`\n]*`|^\s*\|.*$", " ", text, flags=re.DOTALL | re.MULTILINE)
    letters = len(JAPANESE.findall(prose))
    words = len(_WORDS.findall(prose))
    if language == "ja":
        return letters > 0 or words < _MOST_WORDS
    return letters <= _MOST_LETTERS or words > letters


@dataclass(frozen=True, slots=True)
class Resolved:
    """An answer of those pieces that the notes support.

    Attributes:
        text: With marks that are numbered in the order of the answer.
        citations: In the order of their markers.
        struck: Number of the pieces that were left out.
    """

    text: str
    citations: tuple[Citation, ...]
    struck: int


class Resolver:
    """Holds what is said about `passages`, numbered from 1, against them.

    Where a passage holds something suspicious, the quotes stand in place of the model's words: it was not shown
    what the rules found, but it may have read what they did not find.
    """

    def __init__(self, passages: Sequence[Passage], question: str, analyser: Analyser) -> None:
        self._passages = passages
        self._question = question
        self._analyser = analyser
        self._quoting = any(suspicions_in(p) for p in passages)
        self._texts = [squeeze(p.text) for p in passages]
        self._units: dict[tuple[str, str, tuple[int, ...]], Unit | None] = {}

    def resolve(self, said: str) -> Resolved:
        """The answer, and what it cites."""
        if says_nothing(said):
            return Resolved("", (), 0)
        numbering = _Numbering()
        kept: list[str] = []
        struck = 0
        pieces = written(said, len(self._passages), self._stands)
        open_head: list[Written] = []
        for piece in pieces:
            if piece.kind == "rule" or piece.head:
                open_head = [piece] if piece.head else [*open_head, piece]
                continue
            unit = self.unit_of(piece)
            if unit is None:
                struck += bool(piece.text)
                continue
            marker = numbering.of(unit)
            if piece.kind == "row" and not self._quoting:
                kept += self._heads(open_head, bool(kept))
                open_head = []
            text = self._shown(piece, unit, marker)
            gap = piece.gap if kept else ""
            if text not in (each.strip() for each in kept):
                kept.append(f"{gap}{text}")
        return Resolved("".join(kept).strip(), tuple(numbering.citations), struck)

    def at_end(self, said: str) -> tuple[int, int]:
        """The piece that a mark at the end of `said` belongs to, and the number that its citation will have.

        0 where the notes do not support the piece.
        """
        pieces = [p for p in written(said, len(self._passages), self._stands) if p.kind != "rule"]
        numbering = _Numbering()
        marker = 0
        for piece in pieces:
            unit = None if piece.head else self.unit_of(piece)
            marker = numbering.of(unit) if unit else 0
        return len(pieces), marker

    def unit_of(self, piece: Written) -> Unit | None:
        """What of the passages that a piece cites it stands on; None where that is not enough."""
        key = (piece.kind, piece.text, piece.markers)
        if key not in self._units:
            cited = [self._passages[number - 1] for number in piece.markers]
            if piece.kind == "code":
                self._units[key] = next((u for p in cited if (u := _code_unit(piece.text, p))), None)
            else:
                text = piece.text.replace("|", " ").strip() if piece.kind == "row" else piece.text
                claim = Claim(text, self._question, self._analyser) if text and cited else None
                self._units[key] = next((u for p in cited if claim and (u := claim.unit_in(p))), None)
        return self._units[key]

    def _stands(self, text: str) -> bool:
        return any(squeeze(text) in each for each in self._texts)

    def _heads(self, head: Sequence[Written], after: bool) -> list[str]:
        """The head of a table, where it is the notes' own."""
        if len(head) != 2 or self.unit_of(head[0]) is None:
            return []
        return [f"\n\n{head[0].text}" if after else head[0].text, f"\n{head[1].text}"]

    def _shown(self, piece: Written, unit: Unit, marker: int) -> str:
        if self._quoting:
            return f"{unit.own.strip()} [{marker}]"
        if piece.kind == "code":
            return f"{piece.text}\n\n[{marker}]"
        if piece.kind == "row":
            cells = piece.text.rstrip()
            return f"{cells.removesuffix('|').rstrip()} [{marker}] |"
        return f"{piece.text} [{marker}]"


class _Numbering:
    """Gives each place one number, in the order in which they come."""

    def __init__(self) -> None:
        self.citations: list[Citation] = []
        self._places: dict[tuple[str, str], int] = {}

    def of(self, unit: Unit) -> int:
        citation = cite(unit.passage, unit.start, unit.end, len(self.citations) + 1)
        place = (citation.passage_id, citation.quote)
        if place not in self._places:
            self._places[place] = citation.marker
            self.citations.append(citation)
        return self._places[place]


def _code_unit(text: str, passage: Passage) -> Unit | None:
    """The unit of a passage that holds all lines of a block of code."""
    lines = [
        squeeze(line)
        for line in text.split("\n")
        if line.strip() and not line.strip().startswith(("```", "~~~"))
    ]
    if not lines:
        return None
    known = squeeze(believed(passage))
    if not all(line in known for line in lines):
        return None
    units = [unit for unit in units_of(passage) if quotable(unit)]
    held = [(sum(line in squeeze(unit.text) for line in lines), -len(unit.text)) for unit in units]
    if not units or max(held)[0] < len(lines):
        return None
    return units[held.index(max(held))]
