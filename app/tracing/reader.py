"""Reads a trace back from the trace files."""

import contextlib
from pathlib import Path

from app.tracing.events import Record, ScoreRecord, SpanRecord, parse
from app.tracing.spool import trace_files


def latest(folder: Path, most: int) -> list[SpanRecord]:
    """The roots of the latest traces, latest first; one that has not ended is of type `start`."""
    roots: dict[str, SpanRecord] = {}
    for file in reversed(trace_files(folder)):
        for record in _roots(file):
            known = roots.get(record.trace_id)
            if known is None or known.type == "start":
                roots[record.trace_id] = record
        if len(roots) >= most:
            break
    return sorted(roots.values(), key=lambda root: root.start, reverse=True)[:most]


def known_id(folder: Path, beginning: str) -> list[str]:
    """Ids of the traces whose id begins so."""
    wanted = beginning.strip().lower()
    found = {root.trace_id for file in trace_files(folder) for root in _roots(file)}
    return sorted(trace_id for trace_id in found if trace_id.startswith(wanted))


def begun(folder: Path, trace_id: str) -> list[SpanRecord]:
    """What the files hold of the root of a trace, as the newest file that knows it has it."""
    for file in reversed(trace_files(folder)):
        if found := [root for root in _roots(file, trace_id) if root.trace_id == trace_id]:
            return found
    return []


def _roots(file: Path, about: str = "") -> list[SpanRecord]:
    found: list[SpanRecord] = []
    wanted = about.encode()
    with contextlib.suppress(FileNotFoundError), file.open("rb") as lines:
        for line in lines:
            if line.startswith((b'{"type":"trace"', b'{"type":"start"')) and wanted in line:
                record = parse(line)
                if isinstance(record, SpanRecord):
                    found.append(record)
    return found


def read_trace(path: Path, trace_id: str) -> list[Record]:
    """All that the files in the folder `path` (or one file) hold about a trace.

    Returns:
        The root first, then the steps by start time, then the scores, of which each id stands once, as last
        given. A trace that has not ended has a root of type `start`. Empty for an unknown trace.
    """
    wanted = trace_id.strip().lower()
    spans: dict[str, SpanRecord] = {}
    scores: dict[str, ScoreRecord] = {}
    for file in trace_files(path) if path.is_dir() else [path]:
        with contextlib.suppress(FileNotFoundError), file.open("rb") as lines:
            for line in lines:
                if wanted.encode() not in line:
                    continue
                record = parse(line)
                if record is None or record.trace_id != wanted:
                    continue
                if isinstance(record, ScoreRecord):
                    scores[record.score_id] = record
                elif record.type != "start" or record.span_id not in spans:
                    spans[record.span_id] = record
    ordered = sorted(spans.values(), key=lambda span: (bool(span.parent_id), span.start))
    return [*ordered, *sorted(scores.values(), key=lambda score: score.time)]
