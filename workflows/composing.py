"""From chosen units to an answer that reads well, with its citations."""

import re
import textwrap
from collections.abc import Sequence
from typing import Final

from terakoya.catalogue import text as sentence
from terakoya.text.question import Question
from terakoya.types import Citation, Passage
from workflows.guarding.suspicion import trusted_path
from workflows.units import Unit, shortened

OUTLINE_LINES: Final = 14
"""A list with more lines is shown by its first two levels; the quote keeps all of it."""
STEPS: Final = 4
STEP_LENGTH: Final = 40
_ITEM: Final = re.compile(r"^(\s*)(?:[・●•▪◦]|(?:[-*+]|\d{1,9}[.)])\s)")


def cite(passage: Passage, start: int, end: int, marker: int) -> Citation:
    """The citation of `passage.text[start:end]`."""
    first, last = passage.lines(start, end)
    return Citation(
        marker=marker,
        passage_id=passage.id,
        source=passage.source,
        heading=passage.heading,
        start_line=first,
        end_line=last,
        start=passage.source_offset(start),
        end=passage.source_offset(max(start, end - 1)) + 1,
        quote=passage.text[start:end],
        page=passage.page(start),
    )


def compose(asked: Question, units: Sequence[Unit]) -> tuple[str, tuple[Citation, ...]]:
    """A short frame in the question's language, then the units in reading order, each with its mark."""
    order = {unit.passage.source: position for position, unit in reversed(list(enumerate(units)))}
    ordered = sorted(units, key=lambda u: (order[u.passage.source], u.passage.start, u.start))
    citations = tuple(cite(u.passage, u.start, u.end, marker) for marker, u in enumerate(ordered, start=1))
    parts: list[str] = []
    shown_path: str | None = None
    for unit, citation in zip(ordered, citations, strict=True):
        path = " › ".join(_path(unit))
        if path != shown_path:
            key = "answer.frame" if path else "answer.frame_plain"
            parts.append(sentence(key, language=asked.language, path=path))
            shown_path = path
        parts.append(_marked(_shown(unit), citation.marker, unit))
    return "\n\n".join(parts), citations


def nearest(units: Sequence[Unit]) -> tuple[Citation, ...]:
    """Citations of what comes nearest, for an answer that declines."""
    return tuple(cite(u.passage, u.start, u.end, marker) for marker, u in enumerate(units, start=1))


def _path(unit: Unit) -> tuple[str, ...]:
    """The way to the unit, short: of a heading with aliases the first, of a long way the last steps."""
    above = trusted_path((*unit.headings, *unit.ancestors))
    path = [part.split("|")[0].split("｜")[0].strip() for part in above]
    steps = [shortened(part, STEP_LENGTH) for part in path if part]
    return tuple(steps if len(steps) <= STEPS else ["…", *steps[-STEPS:]])


def _shown(unit: Unit) -> str:
    text = _dedented(unit.text)
    match unit.kind:
        case "row" if unit.header:
            rule = "|".join("---" for _ in unit.header)
            return f"| {' | '.join(unit.header)} |\n|{rule}|\n{text.strip()}"
        case "item" | "section":
            return _outline(text)
        case "code" if not text.lstrip().startswith(("```", "~~~")):
            return f"```\n{text}\n```"
        case _:
            return text


def _dedented(text: str) -> str:
    """Without the indent of the first line, on all lines that have it."""
    first = text.split("\n", 1)[0]
    indent = first[: len(first) - len(first.lstrip())]
    if not indent:
        return text
    return textwrap.dedent("\n".join(line.removeprefix(indent) for line in text.split("\n")))


def _outline(text: str) -> str:
    """All lines of a short list; the first two levels of a long one."""
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) <= OUTLINE_LINES or "```" in text:
        return text
    indents = sorted({len(m.group(1)) for line in lines if (m := _ITEM.match(line))})
    if len(indents) < 3:
        return text
    kept = [line for line in lines if (m := _ITEM.match(line)) and len(m.group(1)) <= indents[1]]
    return "\n".join(kept)


def _marked(text: str, marker: int, unit: Unit) -> str:
    mark = f"[{marker}]"
    text = text.rstrip()
    last = text.rsplit("\n", 1)[-1]
    if unit.kind in ("row", "table", "code", "formula") or last.lstrip().startswith(
        ("|", "```", "$$", "~~~")
    ):
        return f"{text}\n\n{mark}"
    return f"{text} {mark}"
