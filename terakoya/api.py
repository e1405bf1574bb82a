"""The shapes of the HTTP API and of the command line's JSON: one definition for both."""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from terakoya.catalogue import text
from terakoya.types import BlockKind, Citation, Effort, Explanation, Filter, Hit, Language, Outcome, Ranking

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)
"""Between these are the days that a filter takes."""
MAX_QUESTION = 20_000
"""Code points of the longest question that is taken."""


def page_name(source: str, page: int | None, *, language: str | None = None) -> str:
    """Where in `source` a person looks, such as `slide 3`; empty for a note without pages."""
    if page is None:
        return ""
    lower = source.lower()
    if lower.endswith(".pptx"):
        return text("answer.on_slide", language=language, number=page)
    if lower.endswith(".epub"):
        return text("answer.in_chapter", language=language, number=page)
    return text("answer.on_page", language=language, number=page)


class Schema(BaseModel):
    """Base of all API shapes: unknown fields are refused, so that a typing error is not lost."""

    model_config = ConfigDict(extra="forbid")


class AskRequest(Schema):
    """A question. Without `thread_id` a new thread begins."""

    question: str
    effort: Effort = "normal"
    thread_id: str | None = None


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


class IngestRequest(Schema):
    """Folders or files on the service's machine, as absolute paths."""

    paths: list[str]
    dry_run: bool = False


class FeedbackRequest(Schema):
    """A thumb on an answer: 1 up, 0 down."""

    trace_id: str
    value: Literal[0, 1]
    comment: str = Field(default="", max_length=4000)


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


class CitationModel(Schema):
    """Where a part of an answer stands; `marks` are the terms of the question, as offsets in `quote`."""

    marker: int
    source: str
    heading: list[str]
    start_line: int
    end_line: int
    start: int
    end: int
    quote: str
    page: int | None = None
    marks: list[tuple[int, int]] = []

    @classmethod
    def of(cls, c: Citation) -> "CitationModel":
        """From the inner shape."""
        return cls(
            marker=c.marker,
            source=c.source,
            heading=list(c.heading),
            start_line=c.start_line,
            end_line=c.end_line,
            start=c.start,
            end=c.end,
            quote=c.quote,
            page=c.page,
            marks=list(c.marks),
        )


class AskResult(Schema):
    """What a question gave."""

    question: str
    answer: str
    answered: bool
    citations: list[CitationModel]
    model: str
    effort: Effort
    thread_id: str
    trace_id: str
    timings: dict[str, float]

    @classmethod
    def of(cls, o: Outcome) -> "AskResult":
        """From the inner shape."""
        return cls(
            question=o.question,
            answer=o.answer,
            answered=o.answered,
            citations=[CitationModel.of(c) for c in o.citations],
            model=o.model,
            effort=o.effort,
            thread_id=o.thread_id,
            trace_id=o.trace_id,
            timings=dict(o.timings),
        )


class RunStarted(Schema):
    """A run was begun; its events stand at `/api/runs/{run_id}/events`."""

    run_id: str
    thread_id: str


RunKind = Literal["ask", "ingest"]
EventType = Literal["step", "token", "replace", "notice", "progress", "done", "error"]


class RunEvent(Schema):
    """One event of a run, numbered from 1 without gaps.

    `step` {name}: a node began. `token` {text}: append. `replace` {text}: the whole text so far is this.
    `notice` {code, message}: something failed and the run goes on without it, as when a model is away.
    `progress` {done, total, what}: of an ingest. `done` {result}: AskResult or IngestReport, the last event.
    `error` {code, message}: the run failed, the last event.
    """

    seq: int
    type: EventType
    data: dict[str, Any]


class RunState(Schema):
    """A run as it stands."""

    run_id: str
    kind: RunKind
    thread_id: str
    status: Literal["running", "done", "error"]
    question: str = ""
    events: int


class Problem(Schema):
    """A file that could not be read, or could be read only in part."""

    path: str
    code: str
    message: str


class IngestReport(Schema):
    """What an ingest did.

    Lists hold sources. `dry_run` says that nothing was written, `cancelled` that it was asked to stop before
    its end: what is listed then is in the store, and the same ingest goes on from there.
    """

    added: list[str] = []
    changed: list[str] = []
    renamed: list[str] = []
    deleted: list[str] = []
    unchanged: int = 0
    chunks: int = 0
    problems: list[Problem] = []
    dry_run: bool = False
    cancelled: bool = False
    seconds: float = 0.0


class NoteProblem(Schema):
    """Something worth telling about a note that was read all the same."""

    code: str
    message: str


class NoteSummary(Schema):
    """One note in the store."""

    source: str
    title: str
    language: str
    encoding: str
    repair: str | None
    chunks: int
    characters: int
    problems: list[NoteProblem] = []


class AlikeNote(Schema):
    """A note of a group of notes that are alike; `similarity` is that to the first of the group, 0 to 1."""

    source: str
    title: str
    characters: int
    similarity: float


class AlikeNotes(Schema):
    """Notes that say almost the same, the longest first."""

    notes: list[AlikeNote]


class NoteText(Schema):
    """The whole view of a note, for showing a citation in its place: line n of `text` is line n of the file."""

    source: str
    title: str
    text: str


class NoteBlock(Schema):
    """One block of a note's tree, with what is nested in it.

    `start_line`, `end_line`, `start` and `end` reach to the end of what is nested, for a heading to the end of
    its section; lines and code points count in the source, as those of a citation do. `text` is the block's
    own. `passages` are the numbers, from 1, of the passages in which its own text stands.
    """

    kind: BlockKind
    level: int = 0
    start_line: int
    end_line: int
    start: int
    end: int
    date: str = ""
    passages: list[int] = []
    text: str
    children: list["NoteBlock"] = []


class NoteTree(Schema):
    """A note as its blocks, in reading order; blocks below a heading are its children."""

    source: str
    title: str
    passages: int
    blocks: list[NoteBlock]


class ForgetRequest(Schema):
    """What goes out of the store: a note or a folder of notes by its source, else by its path on disk.

    `path` is absolute; the file or folder need not be there any more.
    """

    source: str
    path: str = ""
    dry_run: bool = False


class ForgetReport(Schema):
    """What went out of the store.

    `sources` are notes, `folders` the ingested folders of which nothing is left, `on_disk` those of the
    sources whose file is still there: an ingest of its folder takes it in again.
    """

    sources: list[str]
    folders: list[str] = []
    on_disk: list[str] = []
    dry_run: bool = False


class TurnModel(Schema):
    """One question and its answer in a thread."""

    question: str
    result: AskResult | None
    run_id: str | None = None


class ThreadSummary(Schema):
    """One conversation."""

    thread_id: str
    title: str
    updated: str


class Thread(Schema):
    """A conversation with its turns, oldest first; a run still under way comes last, without a result."""

    thread_id: str
    turns: list[TurnModel]


class Check(Schema):
    """One line of `doctor`: a part, whether it works, and what mends it."""

    name: str
    status: Literal["ok", "off", "building", "problem"]
    detail: str
    remedy: str = ""


class Status(Schema):
    """State of the installation."""

    version: str
    home: str
    notes: int
    chunks: int
    checks: list[Check]


class ErrorBody(Schema):
    """Every error reply of the service."""

    code: str
    message: str
