"""What is searched for, and what is found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from terakoya.types.notes import Language, Passage

Arm = Literal["lexical", "vector", "reranker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a search looks at; conditions of different kinds must all hold.

    Attributes:
        folders: Sources of folders or notes, in one of which the passage is.
        tags: Tags that its note has, all of them; `exam` is there where `exam/2025` is.
        languages: Languages, one of which the passage is in.
        since: The day from which on it is, by the learning log it stands in, else by the `date` of its front
            matter, else by its file.
        until: The last such day.
    """

    folders: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    languages: tuple[Language, ...] = ()
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A term of the query that the index has for a passage.

    Attributes:
        term: As the query has it.
        share: Its part of the weight of the query's terms, by their rarity, 0 to 1.
        spans: Where it stands in the passage's text; none where it stands only in what is above: note title,
            headings, list items.
    """

    term: str
    share: float
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A part of why a hit stands where it does.

    Attributes:
        key: Of the sentence in group `why` of the catalogues.
        values: What the sentence names.
    """

    key: str
    values: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a hit stands where it does in its ranking.

    Attributes:
        ranks: Its place by each arm alone among the hits of the ranking, from 1.
        matches: The query's terms that stand here, the weightiest first.
        missing: Those that do not, as the query has them.
        pairs: Character pairs that agree, where no term does.
        sentence: The sentence with the largest part of the query, as offsets in the passage's text.
        sentence_share: That part, 0 to 1.
        marks: What of the passage's text a reader sees marked.
        reasons: All that in words.
    """

    ranks: Mapping[Arm, int]
    matches: tuple[Match, ...]
    missing: tuple[str, ...]
    pairs: tuple[str, ...] = ()
    sentence: tuple[int, int] | None = None
    sentence_share: float = 0.0
    marks: tuple[tuple[int, int], ...] = ()
    reasons: tuple[Reason, ...] = ()

    @property
    def share(self) -> float:
        """The part of the query's weight that stands here, 0 to 1."""
        return sum(match.share for match in self.matches)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage in a ranking, with its score, what each arm gave, and, where it was asked for, why.

    Attributes:
        passage: What was found.
        score: What the ranking is by.
        arms: What each arm gave.
        aliases: Terms of the query that it was found by under another name, with that name.
        explanation: Why it stands here.
    """

    passage: Passage
    score: float
    arms: Mapping[Arm, float] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """What a search found.

    Attributes:
        query: What was looked for.
        hits: What was found, best first.
        arms: Which arms that rests on.
        suggestions: The query in other spellings, where words of it stand in no note.
    """

    query: str
    hits: tuple[Hit, ...]
    arms: tuple[Arm, ...] = ()
    suggestions: tuple[str, ...] = ()
