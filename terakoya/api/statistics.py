"""How an installation is used: questions, times, tokens, thumbs, errors."""

from terakoya.api.schema import Schema


class DayStats(Schema):
    """One day, UTC: numbers of questions, of those abstained from and failed, of thumbs, and tokens."""

    day: str
    questions: int = 0
    abstained: int = 0
    errors: int = 0
    up: int = 0
    down: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class StepStats(Schema):
    """Times of a step, in milliseconds: how often, and what half, nine tenths and 99 of 100 stay within."""

    name: str
    count: int
    p50: float
    p90: float
    p99: float


class NotedTrace(Schema):
    """A trace worth a look: it failed, got a thumb down, or is among the slowest. `link` leads to Langfuse."""

    trace_id: str
    started: str
    milliseconds: float
    why: str
    question: str
    link: str = ""


class Statistics(Schema):
    """What the trace files of this machine tell; days oldest first."""

    days: list[DayStats]
    steps: list[StepStats]
    noted: list[NotedTrace]
