"""Reads a trace back from the trace files."""

import contextlib
from pathlib import Path

from app.tracing.events import Record, ScoreRecord, SpanRecord, parse
from app.tracing.spool import trace_files


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
