"""The tools that come with the product: none of them changes anything."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Final

from terakoya.catalogue import text as sentence
from terakoya.errors import BadInput
from terakoya.protocols import Journal, Retriever, Tool
from terakoya.types import Citation, Entry, Language, ToolResult
from workflows.composing import cite
from workflows.tools.arithmetic import LONGEST, calculate
from workflows.tools.periods import Period, find_period
from workflows.tools.wanting import CALCULATOR, CALENDAR, READ, SEARCH

_SHOWN: Final = 12
"""Entries of the log that an answer shows."""
_YEARS_BACK: Final = 10
_HITS: Final = 5
_LINES: Final = 60

ReadNote = Callable[[str], str]
"""The text of a note by its source; raises NotFound."""


def _schema(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object with these properties, all needed but those that have a default."""
    needed = [name for name, schema in properties.items() if "default" not in schema]
    return {
        "type": "object",
        "properties": dict(properties),
        "required": needed,
        "additionalProperties": False,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Builtin:
    """Implements `terakoya.protocols.Tool` around a function."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    work: Callable[[Mapping[str, Any], Language], ToolResult]
    server: str = ""
    changes: bool = False
    asks: bool = False

    def call(self, arguments: Mapping[str, Any], *, language: Language) -> ToolResult:
        """What its function gives."""
        return self.work(arguments, language)


def calculator() -> Tool:
    """Works out an expression."""

    def work(arguments: Mapping[str, Any], language: Language) -> ToolResult:
        expression = str(arguments["expression"])
        value = calculate(expression)
        relation = "" if value.startswith("≈") else "= "
        shown = " ".join(expression.split()).replace("*", "\\*").replace("_", "\\_")
        return ToolResult(text=f"{shown} {relation}{value}")

    return Builtin(
        name=CALCULATOR,
        description="Works out an arithmetic expression such as 3 * (4 + 5) or sqrt(2)",
        parameters=_schema(expression={"type": "string", "minLength": 1, "maxLength": LONGEST}),
        work=work,
    )


def calendar(journal: Journal, today: Callable[[], date] = date.today) -> Tool:
    """What the learning log has of some days."""

    def work(arguments: Mapping[str, Any], language: Language) -> ToolResult:
        when = str(arguments["when"])
        period = _period(when, today())
        if period is None:
            raise BadInput("period_unknown", when=when[:80])
        found = journal.entries(period.since, period.until)
        # "in July" of someone whose log is of last year means that July
        for back in range(1, _YEARS_BACK + 1) if period.yearly else ():
            if found:
                break
            earlier = _period(when, date(today().year - back, 12, 31))
            if earlier and (found := journal.entries(earlier.since, earlier.until)):
                period = earlier
        return _told(found, period, language)

    return Builtin(
        name=CALENDAR,
        description="Lists what the learning log has of some days, such as last week, 2025-07-14 or 5月の第2週",
        parameters=_schema(when={"type": "string", "minLength": 1, "maxLength": 80}),
        work=work,
    )


def _period(when: str, today: date) -> Period | None:
    return find_period(when, today) or find_period(f"in {when}", today)


def _told(entries: Sequence[Entry], period: Period, language: Language) -> ToolResult:
    days = (
        str(period.since)
        if period.since == period.until
        else sentence("answer.days", language=language, since=period.since, until=period.until)
    )
    if not entries:
        return ToolResult(text=sentence("answer.log_empty", language=language, days=days), failed=True)
    parts = [sentence("answer.log", language=language, days=days)]
    citations: list[Citation] = []
    for day, of_day in groupby(entries[:_SHOWN], key=lambda entry: entry.day):
        parts.append(f"**{day.removeprefix('--')}**")
        for entry in of_day:
            citation = cite(entry.passage, entry.start, entry.end, len(citations) + 1)
            citations.append(citation)
            joint = "\n\n" if citation.quote.rstrip().endswith(("```", "|", "$$")) else " "
            parts.append(f"{citation.quote.rstrip()}{joint}[{citation.marker}]")
    if len(entries) > _SHOWN:
        parts.append(sentence("answer.log_more", language=language, count=len(entries) - _SHOWN))
    return ToolResult(text="\n\n".join(parts), citations=tuple(citations))


def search_notes(retriever: Retriever) -> Tool:
    """Finds passages of the notes."""

    def work(arguments: Mapping[str, Any], language: Language) -> ToolResult:
        ranking = retriever.search(str(arguments["query"]), k=_HITS)
        citations = tuple(
            cite(hit.passage, 0, len(hit.passage.text), marker)
            for marker, hit in enumerate(ranking.hits, start=1)
            if hit.passage.text.strip()
        )
        if not citations:
            return ToolResult(text=sentence("answer.nothing", language=language), failed=True)
        parts = [f"{c.quote.rstrip()}\n\n[{c.marker}]" for c in citations]
        return ToolResult(text="\n\n".join(parts), citations=citations)

    return Builtin(
        name=SEARCH,
        description="Searches the user's notes and gives the best passages",
        parameters=_schema(query={"type": "string", "minLength": 1, "maxLength": 400}),
        work=work,
    )


def read_note(read: ReadNote) -> Tool:
    """Reads lines of one note."""

    def work(arguments: Mapping[str, Any], language: Language) -> ToolResult:
        lines = read(str(arguments["source"])).split("\n")
        first = min(int(arguments.get("line", 1)), len(lines))
        shown = "\n".join(lines[first - 1 : first - 1 + _LINES])
        left = len("\n".join(lines[first - 1 + _LINES :]))
        return ToolResult(text=shown, left_out=left)

    return Builtin(
        name=READ,
        description=f"Reads {_LINES} lines of one note of the user, from a line on",
        parameters=_schema(
            source={"type": "string", "minLength": 1, "maxLength": 400},
            line={"type": "integer", "minimum": 1, "maximum": 10_000_000, "default": 1},
        ),
        work=work,
    )
