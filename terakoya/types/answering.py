"""Questions with their answers, and the places these stand on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from terakoya.types.notes import Remark

Effort = Literal["fast", "normal", "deep"]
SecondMessage = Literal["queue", "merge", "interrupt", "reject"]
"""What becomes of a message while another one of its thread is being answered."""


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
        window: What of the model's context the parts of the prompt took, in tokens (`context`, `system`, `history`,
            `pinned`, `passages`, `question`, and `read` and `reused`, what was evaluated and what was known), and how
            many of them were left out (`dropped_turns`, `dropped_facts`, `dropped_passages`, `cut`); `estimated` is 1
            where the tokens are.
        notices: What of that the user should know.
    """

    text: str
    answered: bool
    citations: tuple[Citation, ...]
    model: str
    confidence: float = 0.0
    usage: Mapping[str, int] = field(default_factory=dict)
    suspicious: tuple[Citation, ...] = ()
    prompt: Mapping[str, str | int] = field(default_factory=dict)
    window: Mapping[str, int] = field(default_factory=dict)
    notices: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One question of a thread with its answer; or, in front of them, a summary of the first ones.

    Attributes:
        question: As the user typed it; empty for a summary.
        answer: What was answered.
        standalone: The question with what it refers to filled in.
        checked: False where the answer was cut short and so was not checked, or nothing was looked for in the notes.
        covers: Number of the turns that a summary tells of; 0 where this is a turn.
    """

    question: str
    answer: str
    standalone: str = ""
    checked: bool = True
    covers: int = 0


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
        standalone: The question with what it refers to filled in.
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
    standalone: str = ""
