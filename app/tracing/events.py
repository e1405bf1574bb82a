"""The lines of the trace files, and how they are read back.

Each line is one JSON object with `type`: `start` (a trace began; written so that a trace that a crash cut
short still has a root), `span` (a step ended), `trace` (a root ended, always the last span of its trace) or
`score`. Times are nanoseconds since the epoch, UTC.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal, get_args

from terakoya.types import SpanKind

Level = Literal["DEBUG", "DEFAULT", "WARNING", "ERROR"]
KINDS: frozenset[str] = frozenset(get_args(SpanKind))
LEVELS: frozenset[str] = frozenset(get_args(Level))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRecord:
    """One step of a trace.

    Attributes:
        type: `start` for a root that is open, `trace` for a root that ended, `span` for all others.
        trace_id: 32 hexadecimal digits.
        span_id: 16 hexadecimal digits.
        parent_id: The step it stands under; empty for a root.
        name: What the step does.
        kind: Its kind.
        start: Nanoseconds since the epoch.
        end: Nanoseconds since the epoch; for `start`, when the process that wrote it began.
        input: What went in.
        output: What came out.
        model: Name of the model, for a `generation` or `embedding`.
        usage: Tokens by kind (`input`, `output`).
        level: How serious it is.
        status: A sentence about the level: the error's type and message.
        metadata: Everything else.
        tags: Tags of the trace.
        thread_id: The conversation, a session in Langfuse.
        environment: Name of the deployment.
        release: Version of the product.
        writer: The process that wrote it (`app.tracing.process.identity`); on roots only.
        user: Who asked; on roots only.
        mask: The rules that it was masked by (`Masker.mark`).
        part: How many processes had been at the trace before the one that wrote it, and were gone.
    """

    type: Literal["start", "span", "trace"]
    trace_id: str
    span_id: str
    parent_id: str = ""
    name: str
    kind: SpanKind = "span"
    start: int
    end: int
    input: Any = None
    output: Any = None
    model: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    level: Level = "DEFAULT"
    status: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    thread_id: str = ""
    environment: str = ""
    release: str = ""
    writer: str = ""
    user: str = ""
    mask: str = ""
    part: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRecord:
    """A score on a trace.

    Attributes:
        score_id: The same id replaces an earlier score.
        trace_id: The trace it judges.
        name: What is judged.
        value: The score.
        comment: Words beside it.
        time: Nanoseconds since the epoch.
        environment: Name of the deployment.
        mask: The rules that it was masked by (`Masker.mark`).
    """

    score_id: str
    trace_id: str
    name: str
    value: float
    comment: str = ""
    time: int
    environment: str = ""
    mask: str = ""


Record = SpanRecord | ScoreRecord


def parse(line: bytes) -> Record | None:
    """The record in a line of a trace file; None for a line that a crash or a full disk left broken."""
    try:
        data = json.loads(line)
        match data["type"]:
            case "start" | "span" | "trace":
                return _span(data)
            case "score":
                return _score(data)
            case _:
                return None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _hex(value: object, digits: int) -> str:
    if isinstance(value, str) and len(value) == digits and int(value, 16):
        return value.lower()
    raise ValueError(value)


def _time(value: object) -> int:
    if isinstance(value, int) and 0 <= value < 2**63:
        return value
    raise ValueError(value)


def _part(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**31 else 0


def _map(value: object) -> dict[str, Any]:
    return {str(key): item for key, item in value.items()} if isinstance(value, Mapping) else {}


def _span(data: dict[str, Any]) -> SpanRecord:
    kind, level, tags = data.get("kind"), data.get("level"), data.get("tags")
    start = _time(data["start"])
    return SpanRecord(
        type=data["type"],
        trace_id=_hex(data["trace_id"], 32),
        span_id=_hex(data["span_id"], 16),
        parent_id=_hex(data["parent_id"], 16) if data.get("parent_id") else "",
        name=str(data["name"]),
        kind=kind if kind in KINDS else "span",
        start=start,
        end=max(start, _time(data.get("end", start))),
        input=data.get("input"),
        output=data.get("output"),
        model=str(data.get("model") or ""),
        usage=_map(data.get("usage")),
        level=level if level in LEVELS else "DEFAULT",
        status=str(data.get("status") or ""),
        metadata=_map(data.get("metadata")),
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
        thread_id=str(data.get("thread_id") or ""),
        environment=str(data.get("environment") or ""),
        release=str(data.get("release") or ""),
        writer=str(data.get("writer") or ""),
        user=str(data.get("user") or ""),
        mask=str(data.get("mask") or ""),
        part=_part(data.get("part", 0)),
    )


def _score(data: dict[str, Any]) -> ScoreRecord:
    if not isfinite(data["value"]):
        raise ValueError(data["value"])
    return ScoreRecord(
        score_id=str(data["score_id"]),
        trace_id=_hex(data["trace_id"], 32),
        name=str(data["name"]),
        value=float(data["value"]),
        comment=str(data.get("comment") or ""),
        time=_time(data["time"]),
        environment=str(data.get("environment") or ""),
        mask=str(data.get("mask") or ""),
    )
