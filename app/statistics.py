"""Questions, times, tokens, thumbs and errors by day, from the trace files of this machine."""

import contextlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from app.tracing.events import ScoreRecord, SpanRecord, parse
from app.tracing.sampling import FEEDBACK
from app.tracing.spool import trace_files
from terakoya.api import DayStats, NotedTrace, Statistics, StepStats

NOTED: Final = 20
_SLOWEST: Final = 5
_QUESTION: Final = 120


def statistics(folder: Path, days: int, *, server: str = "", now: datetime | None = None) -> Statistics:
    """Counts the traces of the last `days` days, today included.

    Args:
        folder: Of the trace files.
        days: How many, from 1.
        server: Address of a Langfuse server that the traces go to, for links.
        now: The time to count back from; the present by default.
    """
    today = (now or datetime.now(UTC)).date()
    wanted = [(today - timedelta(days=n)).isoformat() for n in reversed(range(days))]
    by_day = {day: DayStats(day=day) for day in wanted}
    times: defaultdict[str, list[float]] = defaultdict(list)
    roots: dict[str, SpanRecord] = {}
    thumbs: dict[str, float] = {}
    tokens: Counter[tuple[str, str]] = Counter()
    for file in trace_files(folder):
        if file.name[:10] < wanted[0]:
            continue
        with contextlib.suppress(FileNotFoundError), file.open("rb") as lines:
            for line in lines:
                record = parse(line)
                if isinstance(record, ScoreRecord):
                    if record.name == FEEDBACK:
                        thumbs[record.trace_id] = record.value
                elif record is not None:
                    day = _day(record.start)
                    if record.type != "start" and day in by_day:
                        if not (
                            record.type == "trace" and record.part
                        ):  # the time that no process ran counts not
                            times[record.name].append((record.end - record.start) / 1e6)
                        for kind, count in record.usage.items():
                            if type(count) is int:
                                tokens[day, kind] += count
                    if record.type == "trace" or (record.type == "start" and record.trace_id not in roots):
                        roots[record.trace_id] = record
    for root in roots.values():
        if today_stats := by_day.get(_day(root.start)):
            _count(today_stats, root, thumbs.get(root.trace_id))
    for (day, kind), count in tokens.items():
        name = f"{kind}_tokens"
        if name in DayStats.model_fields:
            setattr(by_day[day], name, count)
    inside = [root for root in roots.values() if _day(root.start) in by_day]
    return Statistics(
        days=list(by_day.values()),
        steps=sorted((_step(name, values) for name, values in times.items()), key=lambda step: -step.p50),
        noted=_noted(inside, thumbs, server),
    )


def _count(day: DayStats, root: SpanRecord, thumb: float | None) -> None:
    day.questions += 1
    day.abstained += "abstained" in root.tags
    day.errors += root.level == "ERROR"
    if thumb is not None:
        day.up += thumb > 0
        day.down += thumb <= 0


def _step(name: str, values: Sequence[float]) -> StepStats:
    ordered = sorted(values)

    def within(part: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))], 3)

    return StepStats(name=name, count=len(ordered), p50=within(0.5), p90=within(0.9), p99=within(0.99))


def _noted(roots: Sequence[SpanRecord], thumbs: dict[str, float], server: str) -> list[NotedTrace]:
    """Failures and thumbs down, the latest first, then the slowest."""
    ended = [root for root in roots if root.type == "trace"]
    slow = sorted(ended, key=lambda root: root.start - root.end)[:_SLOWEST]
    chosen: dict[str, NotedTrace] = {}
    for root in sorted(roots, key=lambda root: -root.start):
        why = "error" if root.level == "ERROR" else "down" if thumbs.get(root.trace_id, 1) <= 0 else ""
        if why and len(chosen) < NOTED - _SLOWEST:
            chosen[root.trace_id] = _note(root, why, server)
    for root in slow:
        chosen.setdefault(root.trace_id, _note(root, "slow", server))
    return list(chosen.values())


def _note(root: SpanRecord, why: str, server: str) -> NotedTrace:
    return NotedTrace(
        trace_id=root.trace_id,
        started=datetime.fromtimestamp(root.start / 1e9, UTC).isoformat(timespec="seconds"),
        milliseconds=round((root.end - root.start) / 1e6, 3),
        why=why,
        question=root.input[:_QUESTION] if isinstance(root.input, str) else "",
        link=f"{server}/trace/{root.trace_id}" if server else "",
    )


def _day(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).date().isoformat()
