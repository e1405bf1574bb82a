"""What is passed between the parts: frozen, typed, and small.

Positions: `start_line` and `end_line` count from 1 and include both ends. `start` and `end` are half-open
offsets in code points. Both count in the *source*: the decoded, repaired text of the note, whose line
numbers equal the file's; of a file that is no text (PDF, Word), the text taken out of it. What a person
reads is the *view*: the source without HTML tags, comments and base64 data (their line breaks stay).
`Passage.text` is a piece of the view.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

Language = Literal["ja", "en"]
Effort = Literal["fast", "normal", "deep"]
SecondMessage = Literal["queue", "merge", "interrupt", "reject"]
"""What becomes of a message while another one of its thread is being answered."""
Arm = Literal["lexical", "vector", "reranker"]
BlockKind = Literal[
    "heading", "paragraph", "item", "table", "row", "code", "formula", "quote", "image", "metadata"
]
Verdict = Literal["approve", "edit", "refuse"]
SpanKind = Literal[
    "agent", "chain", "retriever", "generation", "tool", "guardrail", "evaluator", "embedding", "span"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something worth telling about a note that was read all the same.

    Attributes:
        key: Of the sentence in group `note` of the catalogues.
        values: What the sentence names.
    """

    key: str
    values: Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One unit of structure inside a passage, in offsets of the passage's text.

    Attributes:
        kind: What it is. An `item` covers its first paragraph only; deeper blocks follow it in order.
        start: Offset of its first character, list marker and indent included.
        end: Offset behind its last character.
        extent: Offset behind the last character of everything nested in it (`end` where nothing is).
        depth: Nesting depth: 0 for what stands at the top, 1 for an item of a top-level list.
        header: Cells of the table's header row, for a `row`.
        date: The day this stands under in a learning log, else that of its note: ISO 8601 or `--MM-DD`, of a month
            `YYYY-MM`; empty where there is none.
    """

    kind: BlockKind
    start: int
    end: int
    extent: int
    depth: int = 0
    header: tuple[str, ...] = ()
    date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A chunk of a note as search returns it, with all that is needed to quote from it.

    Attributes:
        id: Stable for the same note path and the same content.
        source: Path for people: relative to the ingested folder, with `/`.
        heading: Headings above, outermost first.
        ancestors: List items above the first block, outermost first, as plain text.
        start_line: First line in the source, from 1.
        end_line: Last line in the source.
        start: First code point in the source.
        end: Behind the last code point in the source.
        text: The piece of the view, contiguous.
        blocks: Its structure, in reading order.
        cuts: What the view leaves out: (offset in `text`, number of source code points left out before it).
        pages: (offset in `text`, page, slide or chapter from 1 that begins there), for notes that have pages.
        language: Language of the text.
        doubtful: The text holds characters that a repair could restore only by likelihood.
    """

    id: str
    source: str
    heading: tuple[str, ...]
    ancestors: tuple[str, ...]
    start_line: int
    end_line: int
    start: int
    end: int
    text: str
    blocks: tuple[Block, ...] = ()
    cuts: tuple[tuple[int, int], ...] = ()
    pages: tuple[tuple[int, int], ...] = ()
    language: Language = "en"
    doubtful: bool = False

    def source_offset(self, offset: int) -> int:
        """Where the character at `offset` of `text` stands in the source, in code points."""
        return self.start + offset + sum(length for at, length in self.cuts if at <= offset)

    def page(self, offset: int = 0) -> int | None:
        """The page of the character at `offset` of `text`, None where the note has no pages."""
        return next((page for at, page in reversed(self.pages) if at <= offset), None)

    def lines(self, start: int, end: int) -> tuple[int, int]:
        """First and last source line of `text[start:end]`, from 1."""
        first = self.start_line + self.text.count("\n", 0, start)
        return first, first + self.text.count("\n", start, max(start, end - 1))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """The place in the notes that a part of an answer stands on.

    Attributes:
        marker: The number in the answer's `[1]`.
        passage_id: The passage that was given to the answerer.
        source: See `Passage.source`.
        heading: Headings above.
        start_line: First line, from 1.
        end_line: Last line.
        start: First code point in the source.
        end: Behind the last code point in the source.
        quote: One contiguous piece of the view, Markdown marks and indents kept.
        page: Page, slide or chapter where it begins, None for a note without pages.
        marks: What of the quote a reader sees marked, the terms of the question, as offsets in it.
        suspicion: Where the quote reads like an order to the assistant, what it would do (`override`, `tool`,
            `exfiltration` ...); empty where it does not.
    """

    marker: int
    passage_id: str
    source: str
    heading: tuple[str, ...]
    start_line: int
    end_line: int
    start: int
    end: int
    quote: str
    page: int | None = None
    marks: tuple[tuple[int, int], ...] = ()
    suspicion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an answerer made of a question and passages.

    Attributes:
        text: The answer in Markdown, with citation marks `[1]`.
        answered: False where the passages do not support the question; `text` then says so.
        citations: In the order of their markers.
        model: Name of the model, or `extractive`.
        confidence: Support for the question, 0 to 1.
        usage: Token counts of a model (`input`, `output`), where one was called.
        suspicious: What of the passages reads like orders to the assistant, and was neither followed nor quoted.
        prompt: Name, version, hash and source of the prompt that a model was given; empty where none was.
    """

    text: str
    answered: bool
    citations: tuple[Citation, ...]
    model: str
    confidence: float = 0.0
    usage: Mapping[str, int] = field(default_factory=dict)
    suspicious: tuple[Citation, ...] = ()
    prompt: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One question of a thread with its answer."""

    question: str
    answer: str
    standalone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What the person asked to remember.

    Attributes:
        id: Number, for taking it back.
        text: As it was said.
        created: When, in ISO 8601.
    """

    id: int
    text: str
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What asking one question gave, wherever it was asked.

    Attributes:
        question: As the user typed it.
        answer: The text, with citation marks.
        answered: See `Draft.answered`.
        citations: What the answer stands on; where not answered, the nearest passages.
        model: The model that answered.
        effort: The effort that was asked for.
        thread_id: The conversation.
        trace_id: The trace, 32 hexadecimal digits.
        timings: Milliseconds by step; `total` for all.
        usage: Tokens of all calls of a model (`input`, `output`), where that is known.
        interrupted: A person cut it short; `answer` is what had been said by then, unchecked.
        suspicious: See `Draft.suspicious`.
        log_probabilities: Natural logarithm of the probability that the model gave each token of the answer, where
            it tells.
    """

    question: str
    answer: str
    answered: bool
    citations: tuple[Citation, ...]
    model: str
    effort: Effort
    thread_id: str
    trace_id: str
    timings: Mapping[str, float]
    usage: Mapping[str, int] = field(default_factory=dict)
    interrupted: bool = False
    suspicious: tuple[Citation, ...] = ()
    log_probabilities: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a learning log has of one day, as far as it stands in one passage.

    Attributes:
        day: ISO 8601; `YYYY-MM` where the log names a month only, `--MM-DD` where it names no year.
        passage: Where it stands.
        start: Offset of its first character in the passage's text.
        end: Behind its last.
    """

    day: str
    passage: Passage
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call of a tool, as it was chosen from a question.

    Attributes:
        id: The same for the same call of the same question of a thread, whatever process makes it.
        tool: Name of the tool.
        arguments: What it is called with; plain JSON.
    """

    id: str
    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool gave.

    Attributes:
        text: For people, in Markdown; with marks `[1]` where there are citations. The text of an outer tool is
            untrusted data.
        failed: The tool itself said that it failed.
        left_out: Characters that were cut off its end.
        citations: Places of the notes that it stands on.
    """

    text: str
    failed: bool = False
    left_out: int = 0
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What a person is asked before a tool changes something.

    Attributes:
        call: Tool and arguments.
        server: Name of the tool's server, empty for one that is built in.
        about: The tool's description of itself, untrusted.
        reason: `changes`: it may change something. `uncertain`: a run that ended in between may have called it
            already, and nobody knows.
        problem: Why the arguments as they were edited cannot be used, in words; empty at first.
    """

    call: ToolCall
    server: str
    about: str
    reason: Literal["changes", "uncertain"]
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the person said to an `Approval`.

    Attributes:
        verdict: What to do.
        arguments: In place of those shown, for `edit`.
        asked: False where nobody could be asked, so that it is refused.
    """

    verdict: Verdict
    arguments: Mapping[str, Any] | None = None
    asked: bool = True
