"""The turns of a thread as a prompt tells them: in a form that stays the same for all questions after them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from terakoya.types import Turn
from workflows.guarding.delimiting import asked_words
from workflows.guarding.passages import trusted_text
from workflows.guarding.tokens import inert
from workflows.routing import COURTESY
from workflows.state import State
from workflows.tools.telling import MODEL
from workflows.tools.wanting import SEPARATOR

LONGEST: Final = 700
"""Code points of an earlier answer that a prompt tells; it says what was spoken of, and is no source."""
BEFORE: Final = "What have we spoken of before?"
"""Stands in front of a summary, as templates want a question before each answer."""
SUMMARY: Final = "(Summary of {count} earlier questions and their answers)"
_MARK: Final = re.compile(r"[ \t]{0,3}\[\d{1,3}\]")
_GAPS: Final = re.compile(r"\n\s*\n\s*")


def told(turn: Turn) -> tuple[str, str]:
    """The two messages of a turn: what was asked, and what was answered.

    Marks of citations are left out, since the numbers mean other passages now, and so is what reads like an order:
    an answer holds words of notes and tools.
    """
    asked = asked_words(turn.standalone or turn.question)
    return asked, _answer(turn.answer) or "…"


def told_summary(turn: Turn) -> tuple[str, str]:
    """The two messages of a summary."""
    return BEFORE, f"{SUMMARY.format(count=turn.covers)}\n{_clean(turn.answer)}"


def _answer(text: str) -> str:
    said = _clean(text)
    return said if len(said) <= LONGEST else f"{said[:LONGEST].rstrip()}…"


def _clean(text: str) -> str:
    return inert(_GAPS.sub("\n", trusted_text(_MARK.sub("", text)))).strip()


def conversation_of(state: State) -> tuple[Turn, ...]:
    """All turns before this question, in front of them the summary of the first ones where there is one."""
    turns = [
        Turn(
            question=t["question"],
            answer=t["answer"],
            standalone=t.get("standalone", ""),
            checked=not (t.get("interrupted") or t.get("model") in COURTESY or _from_server(t)),
        )
        for t in state.get("turns", [])
    ]
    summary = state.get("summary") or {}
    covers = int(summary.get("summarised", 0))
    if not 0 < covers <= len(turns):
        return tuple(turns)
    return Turn(question="", answer=str(summary["text"]), covers=covers), *turns


def _from_server(turn: Mapping[str, Any]) -> bool:
    """Whether it is what tools of servers said: words of others, and nothing that the notes hold."""
    named = str(turn.get("model", ""))
    return not turn.get("usage") and (named == MODEL or SEPARATOR in named)


def apart(history: Sequence[Turn]) -> tuple[Turn | None, tuple[Turn, ...]]:
    """The summary, and the turns."""
    if history and history[0].covers:
        return history[0], tuple(history[1:])
    return None, tuple(history)


def messages_of(turns: Sequence[Turn]) -> list[tuple[str, ...]]:
    """The messages of each turn; none of one that was cut short, or that the notes have no part in."""
    return [told(turn) if turn.checked else () for turn in turns]


def sources_of(turns: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The notes that turns of a thread cite, so that forgetting one of them finds what was made of it."""
    found = {str(c["source"]) for turn in turns for c in turn.get("citations", [])}
    return [{"source": source} for source in sorted(found)]
