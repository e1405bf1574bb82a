"""Queries, filters, and what a search gives."""

from datetime import date
from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from terakoya.api.schema import Schema
from terakoya.catalogue import text
from terakoya.types import Explanation, Filter, Hit, Language, Ranking

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)
"""Between these are the days that a filter takes."""


class FilterModel(Schema):
    """What a search looks at; see `terakoya.types.Filter`."""

    folders: list[str] = []
    tags: list[str] = []
    languages: list[Language] = []
    since: date | None = Field(default=None, ge=FIRST_DAY, le=LAST_DAY)
    until: date | None = Field(default=None, ge=FIRST_DAY, le=LAST_DAY)

    @classmethod
    def of(cls, wanted: Filter | None) -> "FilterModel":
        """From the inner shape."""
        f = wanted or Filter()
        return cls(
            folders=list(f.folders),
            tags=list(f.tags),
            languages=list(f.languages),
            since=f.since,
            until=f.until,
        )

    def inner(self) -> Filter:
        """The inner shape."""
        return Filter(
            folders=tuple(self.folders),
            tags=tuple(self.tags),
            languages=tuple(self.languages),
            since=self.since,
            until=self.until,
        )


class SearchRequest(Schema):
    """A query."""

    query: str
    k: int = Field(default=10)
    filter: FilterModel = FilterModel()
    explain: bool = False


class RelatedRequest(Schema):
    """A place in a note, by its line, or a whole note."""

    source: str
    line: int | None = None
    k: int = Field(default=10)
    filter: FilterModel = FilterModel()
    explain: bool = False


class ArmModel(Schema):
    """What one arm of the search gave a hit: its score, and its place by that among the hits, from 1."""

    score: float
    rank: int


class MatchModel(Schema):
    """A term of the query that stands in a hit.

    `share` is its part of the weight of the query's terms, by their rarity. `spans` are offsets in the hit's
    `text`; there are none for a term that stands only in what is above: note title, headings, list items.
    """

    term: str
    share: float
    spans: list[tuple[int, int]]


class ExplainModel(Schema):
    """Why a hit stands where it does.

    `share` is the part of the query's weight that stands in it, `missing` what does not. `sentence` is the one
    with the largest part of the query (`sentence_share`), as offsets in `text`; `marks` are what a reader sees
    marked; `pairs` are the character pairs that agree where no term does. `why` says it in the reader's
    language.
    """

    arms: dict[str, ArmModel]
    share: float
    matches: list[MatchModel]
    missing: list[str]
    pairs: list[str]
    sentence: tuple[int, int] | None
    sentence_share: float
    marks: list[tuple[int, int]]
    why: list[str]

    @classmethod
    def of(cls, hit: Hit, e: Explanation) -> "ExplainModel":
        """From the inner shape, in the language of the reader."""
        return cls(
            arms={arm: ArmModel(score=hit.arms[arm], rank=rank) for arm, rank in e.ranks.items()},
            share=round(e.share, 4),
            matches=[
                MatchModel(term=match.term, share=round(match.share, 4), spans=list(match.spans))
                for match in e.matches
            ],
            missing=list(e.missing),
            pairs=list(e.pairs),
            sentence=e.sentence,
            sentence_share=round(e.sentence_share, 4),
            marks=list(e.marks),
            why=[text(f"why.{reason.key}", language=None, **reason.values) for reason in e.reasons],
        )


class HitModel(Schema):
    """One hit of a search, in the command line's JSON; `explain` stands there only where it was asked for."""

    id: str
    source: str
    heading: list[str]
    start_line: int
    end_line: int
    start: int
    end: int
    score: float
    text: str
    page: int | None = None
    explain: ExplainModel | None = None

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        if self.explain is None:
            fields.pop("explain", None)
        return fields

    @classmethod
    def of(cls, hit: Hit) -> "HitModel":
        """From the inner shape."""
        p = hit.passage
        return cls(
            id=p.id,
            source=p.source,
            heading=list(p.heading),
            start_line=p.start_line,
            end_line=p.end_line,
            start=p.start,
            end=p.end,
            score=hit.score,
            text=p.text,
            page=p.page(),
            explain=ExplainModel.of(hit, hit.explanation) if hit.explanation else None,
        )


class SearchResult(Schema):
    """What a search gave, best first.

    `suggestions` are other spellings of the query, where words of it stand in no note.
    """

    query: str
    hits: list[HitModel]
    arms: list[str] = []
    suggestions: list[str] = []

    @classmethod
    def of(cls, ranking: Ranking) -> "SearchResult":
        """From the inner shape."""
        return cls(
            query=ranking.query,
            hits=[HitModel.of(h) for h in ranking.hits],
            arms=list(ranking.arms),
            suggestions=list(ranking.suggestions),
        )
