"""From the calls of a question to its answer. What a server said is shown as data: in a fence, where nothing acts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from terakoya.catalogue import text as sentence
from terakoya.text.normalise import printable
from terakoya.types import Citation, Draft, Language, ToolResult
from workflows.guarding.suspicion import suspicions
from workflows.tools.calls import FINISHED, REFUSED
from workflows.tools.state import result_from_json

MODEL: Final = "tools"
_TICKS: Final = re.compile(r"`{3,}")


def tell(calls: Sequence[Mapping[str, Any]], language: Language) -> Draft:
    """An answer of all calls in their order; answered where one of them gave something."""
    parts: list[str] = []
    citations: list[Citation] = []
    answered = False
    for entry in calls:
        name = str(entry["tool"])
        if entry["status"] == FINISHED:
            result = result_from_json(entry["result"])
            answered = answered or not result.failed
            if entry["server"]:
                parts.append(_quoted(name, result, language))
            else:
                text, more = _renumbered(result, len(citations))
                citations += more
                parts.append(text + _left_out(result, language))
        elif entry["status"] == REFUSED:
            key = "answer.tool_refused" if entry.get("asked", True) else "answer.tool_unasked"
            parts.append(sentence(key, language=language, tool=name))
        else:
            parts.append(str(entry["error"]))
    model = str(calls[0]["tool"]) if len(calls) == 1 else MODEL
    return Draft(
        text="\n\n".join(parts),
        answered=answered,
        citations=tuple(citations),
        model=model,
        confidence=1.0 if answered else 0.0,
    )


def _quoted(name: str, result: ToolResult, language: Language) -> str:
    key = "answer.tool_failed" if result.failed else "answer.tool_said"
    said = printable(result.text).strip("\n")
    fence = max(_TICKS.findall(said), key=len, default="``") + "`"
    frame = sentence(key, language=language, tool=name)
    warned = f"\n\n{sentence('guard.result', language=language)}" if suspicions(said) else ""
    return f"{frame}\n\n{fence}\n{said}\n{fence}{_left_out(result, language)}{warned}"


def _left_out(result: ToolResult, language: Language) -> str:
    if not result.left_out:
        return ""
    return "\n\n" + sentence("answer.tool_cut", language=language, count=result.left_out)


def _renumbered(result: ToolResult, before: int) -> tuple[str, list[Citation]]:
    """A text and its citations, with numbers that go on behind those `before`."""
    if not before:
        return result.text, list(result.citations)
    known = {citation.marker for citation in result.citations}
    text = re.sub(
        r"\[(\d{1,3})\]",
        lambda m: f"[{int(m[1]) + before}]" if int(m[1]) in known else m[0],
        result.text,
    )
    return text, [replace(c, marker=c.marker + before) for c in result.citations]
