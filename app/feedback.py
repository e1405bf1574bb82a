"""Thumbs with what they are about: the trace names the thread, and the thread has question and answer."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.tracing.events import SpanRecord, parse
from app.tracing.spool import trace_files
from terakoya.api import CitationModel, FeedbackItem
from terakoya.errors import BadInput, NotFound

if TYPE_CHECKING:
    from app.threads import Threads

SHORTEST_ID: Final = 4
_ROOT: Final = (b'"type":"trace"', b'"type":"start"')


def feedback_items(
    given: Sequence[tuple[str, int, str, int]], threads: "Threads", traces: Path
) -> list[FeedbackItem]:
    """Thumbs with their questions, in the order given.

    Args:
        given: Trace, 1 or 0, comment, and milliseconds since the epoch of each.
        threads: The conversations.
        traces: Folder of the trace files, which say in which conversation a trace was.
    """
    roots = _roots(traces, {trace for trace, *_ in given})
    return [
        FeedbackItem(
            trace_id=trace,
            value=1 if value else 0,
            comment=comment,
            given_at=datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds"),
            **_about(trace, roots.get(trace), threads),
        )
        for trace, value, comment, at in given
    ]


def the_one(items: Iterable[FeedbackItem], id: str) -> FeedbackItem:
    """The thumb whose trace begins with `id`.

    Raises:
        NotFound: There is none.
        BadInput: `id` is too short to name one, or names several.
    """
    wanted = id.strip().lower()
    if len(wanted) < SHORTEST_ID:
        raise BadInput("feedback_id", id=id, count=SHORTEST_ID)
    found = [item for item in items if item.trace_id.startswith(wanted)]
    if not found:
        raise NotFound("feedback_unknown", id=id)
    if len(found) > 1:
        raise BadInput("feedback_several", id=id, ids=", ".join(item.trace_id[:12] for item in found))
    return found[0]


def _about(trace: str, root: SpanRecord | None, threads: "Threads") -> dict[str, Any]:
    from workflows.state import citation_from_json

    if root is None:
        return {}
    try:
        turns: Sequence[Mapping[str, Any]] = threads.turns(root.thread_id) if root.thread_id else []
    except NotFound:
        turns = []
    for number, turn in enumerate(turns):
        if turn.get("trace_id") == trace:
            return {
                "thread_id": root.thread_id,
                "question": turn["question"],
                "earlier": [before["question"] for before in turns[:number]],
                "answer": turn["answer"],
                "model": turn["model"],
                "citations": [CitationModel.of(citation_from_json(c)) for c in turn["citations"]],
            }
    # The conversation is gone; the trace says what it was about.
    return {"thread_id": root.thread_id, "question": _words(root.input), "answer": _words(root.output)}


def _words(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def _roots(traces: Path, wanted: set[str]) -> dict[str, SpanRecord]:
    """The roots of traces, in one pass over the files."""
    found: dict[str, SpanRecord] = {}
    for path in trace_files(traces) if wanted else []:
        try:
            with path.open("rb") as lines:
                for line in lines:
                    if not any(mark in line for mark in _ROOT):
                        continue
                    record = parse(line)
                    if isinstance(record, SpanRecord) and record.trace_id in wanted and not record.parent_id:
                        found[record.trace_id] = record
        except FileNotFoundError:  # dropped meanwhile, as the oldest
            continue
    return found
