"""`terakoya trace`: what happened behind an answer, read from the trace files; no server is needed."""

import argparse
import difflib
import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.cli.cells import cut, one_line
from app.cli.session import Session
from app.cli.terminal import Terminal
from app.tracing.events import Record, ScoreRecord, SpanRecord
from app.tracing.reader import known_id, latest, read_trace
from terakoya.api import MAX_QUESTION
from terakoya.catalogue import text
from terakoya.errors import BadInput, NotFound

_SHOWN: Final = 12
"""Characters of an id in a list."""
_WRITTEN_WITHIN: Final = 30.0
_POLL: Final = 0.05
_WORDS: Final = 90


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Lists traces, shows one, or asks its question again."""
    folder = session.settings.traces_path
    if arguments.action == "list":
        _list(session.terminal, latest(folder, arguments.number))
        return 0
    records = read_trace(folder, _one(folder, arguments.id))
    if arguments.action == "show":
        _show(session.terminal, records)
    else:
        _replay(session, records)
    return 0


def _one(folder: Path, beginning: str) -> str:
    """The only trace whose id begins so.

    Raises:
        NotFound: There is none.
        BadInput: There are several.
    """
    found = known_id(folder, beginning) if beginning.strip() else []
    if not found:
        raise NotFound("trace_unknown", trace=one_line(beginning))
    if len(found) > 1:
        raise BadInput("trace_several", trace=one_line(beginning), ids=", ".join(found[:5]))
    return found[0]


def _list(terminal: Terminal, roots: Sequence[SpanRecord]) -> None:
    for root in roots:
        if terminal.json:
            terminal.values({**_json(root), "milliseconds": _milliseconds(root)})
            continue
        took = text("cli.trace_open") if root.type == "start" else f"{_milliseconds(root):,.0f} ms"
        mark = "!" if root.level == "ERROR" else " "
        line = f"{root.trace_id[:_SHOWN]}  {_time(root.start)}  {took:>10} {mark} {','.join(root.tags):<34}  "
        terminal.say(line + one_line(_words(root.input)))


def _show(terminal: Terminal, records: Sequence[Record]) -> None:
    if terminal.json:
        for record in records:
            terminal.values(_json(record))
        return
    spans = [record for record in records if isinstance(record, SpanRecord)]
    root, width = spans[0], terminal.columns
    terminal.say(f"{root.trace_id}  {root.name}", style="bold")
    facts = {"start": _time(root.start), "environment": root.environment, "release": root.release}
    terminal.say(text("cli.trace_facts", language=None, **facts, thread=root.thread_id))
    if root.tags:
        terminal.say(text("cli.trace_tags", tags=", ".join(root.tags)))
    prints = root.metadata.get("fingerprints")
    if isinstance(prints, dict):
        values = ", ".join(f"{name} {value}" for name, value in sorted(prints.items()))
        terminal.say(text("cli.trace_fingerprints", values=one_line(values)))
    terminal.say()
    for line in draw(spans):
        terminal.say(cut(line, width) if width else line)
    for record in records:
        if isinstance(record, ScoreRecord):
            score = {"name": record.name, "value": f"{record.value:g}", "comment": one_line(record.comment)}
            terminal.say(text("cli.trace_score", language=None, **score))


def draw(spans: Sequence[SpanRecord]) -> Iterator[str]:
    """The steps as a tree, each with kind, time, model, tokens, what went wrong, and how its output begins."""
    below: dict[str, list[SpanRecord]] = {}
    known = {span.span_id for span in spans}
    root = spans[0]
    for span in spans[1:]:
        below.setdefault(span.parent_id if span.parent_id in known else root.span_id, []).append(span)
    yield _line(root, "")
    yield from _branches(root, below, "", {root.span_id})


def _branches(
    above: SpanRecord, below: dict[str, list[SpanRecord]], indent: str, seen: set[str]
) -> Iterator[str]:
    steps = [span for span in below.get(above.span_id, ()) if span.span_id not in seen]
    for number, span in enumerate(steps, 1):
        seen.add(span.span_id)
        last = number == len(steps)
        yield _line(span, f"{indent}{'└─ ' if last else '├─ '}")
        yield from _branches(span, below, f"{indent}{'   ' if last else '│  '}", seen)


def _line(span: SpanRecord, branch: str) -> str:
    parts = [f"{branch}{one_line(span.name)} [{span.kind}]"]
    parts.append(text("cli.trace_open") if span.type == "start" else f"{_milliseconds(span):,.1f} ms")
    if span.model and span.kind in ("generation", "embedding"):
        parts.append(one_line(span.model))
    parts.extend(f"{name} {count}" for name, count in sorted(span.usage.items()))
    if span.level != "DEFAULT":
        parts.append(f"{span.level}: {one_line(span.status)}")
    words = one_line(_words(span.output))
    return "  ".join([*parts, cut(words, _WORDS)] if words else parts)


def _replay(session: Session, records: Sequence[Record]) -> None:
    before = [record for record in records if isinstance(record, SpanRecord)]
    root, terminal = before[0], session.terminal
    question, followed = _question(session, root)
    if not question or len(question) > MAX_QUESTION:
        raise BadInput("trace_question", trace=root.trace_id)
    if followed:
        terminal.note(text("cli.trace_followup", question=one_line(question)))
    effort: Any = next((tag for tag in root.tags if tag in ("fast", "normal", "deep")), "normal")
    with session.backend() as backend:
        result = backend.ask(question, effort=effort, thread_id=None, listen=None)
    deadline = time.monotonic() + _WRITTEN_WITHIN
    after: list[SpanRecord] = []
    while not (after and after[0].type == "trace") and time.monotonic() < deadline:
        read = read_trace(session.settings.traces_path, result.trace_id)
        after = [record for record in read if isinstance(record, SpanRecord)]
        if not after or after[0].type != "trace":
            time.sleep(_POLL)
    changes = {
        name: (one, other)
        for name, one, other in (
            (key, _facts(before).get(key), _facts(after).get(key)) for key in _facts(before)
        )
        if one != other
    }
    if terminal.json:
        shown = {name: {"before": one, "after": other} for name, (one, other) in changes.items()}
        terminal.values({"before": root.trace_id, "after": result.trace_id, "differs": shown})
        return
    terminal.say(text("cli.trace_replayed", before=root.trace_id, after=result.trace_id), style="bold")
    if not changes:
        terminal.say(text("cli.trace_same"))
    for name, (one, other) in changes.items():
        terminal.say(text("cli.trace_differs", what=text(f"cli.trace_what_{name}")))
        for line in difflib.unified_diff(_lines(one), _lines(other), lineterm="", n=1):
            if not line.startswith(("---", "+++", "@@")):
                terminal.say(f"  {line}")


def _question(session: Session, root: SpanRecord) -> tuple[str, bool]:
    """The question as it was typed, from its conversation where that is kept; standing alone if it followed one."""
    from app.checkpoints import ThreadsAway
    from app.threads import Threads

    asked = root.input if isinstance(root.input, str) else ""
    settings = session.settings
    if (settings.threads or settings.threads_path.exists()) and root.thread_id:
        threads = Threads(settings.threads_path, server=settings.threads)
        try:
            for turn in threads.turns(root.thread_id):
                if turn.get("trace_id") == root.trace_id:
                    alone = str(turn.get("standalone") or turn["question"])
                    return alone, alone != turn["question"]
        except (NotFound, ThreadsAway):
            pass
        finally:
            threads.close()
    return asked, False


def _facts(spans: Sequence[SpanRecord]) -> dict[str, Any]:
    """What of a trace is compared."""
    root = spans[0] if spans else None
    if root is None:
        return {}
    tags = set(root.tags)
    hits = [
        f"{hit.get('id', '')}  {hit.get('source', '')}:{hit.get('line', '')}  {_score(hit.get('score'))}"
        for span in spans
        if span.kind == "retriever" and isinstance(span.output, list)
        for hit in span.output
        if isinstance(hit, dict)
    ]
    return {
        "answer": root.output,
        "answered": "answered" in tags,
        "citations": root.metadata.get("cited", root.metadata.get("citations")),
        "ranking": hits,
        "fingerprints": dict(sorted(dict(root.metadata.get("fingerprints") or {}).items())),
        "model": next((span.model for span in spans if span.model and span.kind != "embedding"), ""),
    }


def _score(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _lines(value: object) -> list[str]:
    if isinstance(value, dict):
        return [f"{key} {item}" for key, item in value.items()]
    if isinstance(value, list):
        return [str(item) for item in value]
    return str(value).splitlines()


def _words(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _milliseconds(span: SpanRecord) -> float:
    return round((span.end - span.start) / 1e6, 3)


def _time(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _json(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in type(record).__dataclass_fields__ if name != "mask"}
