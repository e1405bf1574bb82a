"""Follows the trace files and gives out what is complete, remembering what has been delivered."""

import contextlib
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from app.tracing.cursor import Cursor
from app.tracing.events import Record, ScoreRecord, SpanRecord, parse
from app.tracing.process import is_gone
from app.tracing.spool import trace_files

CURSOR_NAME: Final = "langfuse.cursor"
MAX_AGE: Final = 24 * 3600.0
"""Seconds after which a trace that has not ended is given out as it stands."""
_CHUNK: Final = 2**20


@dataclass(slots=True, eq=False)
class Item:
    """A trace or a score on its way out.

    Attributes:
        key: What the cursor calls it: the id of a trace, with the number of its part behind it where a process
            went on with what another had begun; file and offset of a score.
        spans: Steps of a trace by id.
        score: The score, for a score.
        size: Bytes of its lines.
        first: Offset of its first line in each file that it stands in.
        last: Offset of its last line in each.
        gone: The process that was writing it has been seen to be gone.
        returned: It was settled before, and is wanted after all.
        also: Keys of the earlier parts of the trace that go out with it.
    """

    key: str
    spans: dict[str, SpanRecord] = field(default_factory=dict)
    score: ScoreRecord | None = None
    size: int = 0
    first: dict[str, int] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    gone: bool = False
    returned: bool = False
    also: tuple[str, ...] = ()

    @property
    def trace_id(self) -> str:
        """Of a trace, or of the trace that a score is on."""
        return self.score.trace_id if self.score else self.key.partition("/")[0]

    @property
    def part(self) -> int:
        """How many processes had been at the trace before."""
        return int(self.key.partition("/")[2] or 0)

    def take_over(self, former: "Item") -> None:
        """Makes an earlier part of the trace, of which nothing has gone out, part of this one."""
        self.spans = {**former.spans, **self.spans}
        self.first = {**self.first, **former.first}
        self.last = {**former.last, **self.last}
        self.size += former.size
        self.also = (*former.also, former.key)

    def add(self, file: str, offset: int, size: int) -> None:
        """Counts in one more line."""
        self.size += size
        self.first.setdefault(file, offset)
        self.last[file] = offset

    def root(self) -> SpanRecord | None:
        """The root, open or ended."""
        return next((span for span in self.spans.values() if span.type != "span"), None)

    def ordered(self) -> list[SpanRecord]:
        """The steps as one tree, parents first: one root, every other step under one that is there."""
        root = self.root() or self._lost_root()
        spans = {**self.spans, root.span_id: root}
        if root.type == "start":
            spans[root.span_id] = root = replace(
                root,
                type="trace",
                end=max(span.end for span in spans.values()),
                level="ERROR",
                status="The process ended before the answer did.",
            )
        children: dict[str, list[SpanRecord]] = {}
        for span in spans.values():
            if span is not root:
                known = span.parent_id in spans and span.parent_id != span.span_id
                parent = span.parent_id if known else root.span_id
                children.setdefault(parent, []).append(replace(span, parent_id=parent))
        ordered, seen = [root], {root.span_id}
        for parent_span in ordered:
            below = sorted(children.pop(parent_span.span_id, ()), key=lambda span: span.start)
            ordered.extend(span for span in below if span.span_id not in seen)
            seen.update(span.span_id for span in below)
        for span in (span for circle in children.values() for span in circle):
            ordered.append(replace(span, parent_id=root.span_id))
        return ordered

    def _lost_root(self) -> SpanRecord:
        first = min(self.spans.values(), key=lambda span: span.start)
        parents = (span.parent_id for span in self.spans.values())
        missing = next((id for id in parents if id and id not in self.spans), first.trace_id[:16])
        return SpanRecord(
            type="trace",
            trace_id=first.trace_id,
            span_id=missing,
            name=first.name,
            kind="agent",
            start=first.start,
            end=max(span.end for span in self.spans.values()),
            level="WARNING",
            status="The beginning of this trace was lost.",
            environment=first.environment,
            release=first.release,
        )


class Tail:
    """Reads what is new in the trace files of `folder`.

    A trace is ready when its root has ended, or when the process that was writing it is gone. `settle` moves
    the cursor on disk; what was not settled is given out again by the next `Tail`, under the same ids.

    Attributes:
        traces: Complete traces, in the order of their ends.
        scores: Scores, in the order given.
        broken: Lines that could not be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.traces: deque[Item] = deque()
        self.scores: deque[Item] = deque()
        self.broken = 0
        self._pending: dict[str, Item] = {}
        self._settled: dict[str, Item] = {}
        self._cursor = Cursor.load(folder / CURSOR_NAME)
        self._before = frozenset(self._cursor.done)
        self._read_to = dict(self._cursor.offsets)

    def read(self, *, most: int) -> bool:
        """Reads on until the files end (True) or `most` bytes are ready (False)."""
        files = trace_files(self.folder)
        names = {file.name for file in files}
        for name in self._read_to.keys() - names:
            del self._read_to[name]
        for file in files:
            while self.waiting() < most:
                lines, offset = self._lines(file)
                if not lines:
                    break
                for line in lines:
                    self._take(file.name, offset, line)
                    offset += len(line)
                self._read_to[file.name] = offset
            else:
                return False
        self._give_up()
        return True

    def waiting(self) -> int:
        """Bytes of what is ready."""
        return sum(item.size for item in self.traces) + sum(item.size for item in self.scores)

    def bring_back(self, trace_id: str, spans: Iterable[SpanRecord]) -> None:
        """Gives a trace out again that was settled."""
        self.traces.append(Item(trace_id, spans={span.span_id: span for span in spans}, returned=True))

    def settle(self, items: Iterable[Item]) -> None:
        """Records that these are delivered.

        Raises:
            OSError: The cursor cannot be written; the items count as delivered for this `Tail` all the same.
        """
        for item in items:
            (self.scores if item.score else self.traces).remove(item)
            self._settled |= dict.fromkeys((item.key, *item.also), item)
        offsets = dict(self._read_to)
        for item in (*self._pending.values(), *self.traces, *self.scores):
            for file, offset in item.first.items():
                if file in offsets:
                    offsets[file] = min(offsets[file], offset)
        self._settled = {
            key: item
            for key, item in self._settled.items()
            if any(offset >= offsets.get(file, offset + 1) for file, offset in item.last.items())
        }
        held_back = any(offsets.get(file) != offset for file, offset in self._read_to.items())
        done = set(self._settled) | (self._before if held_back else frozenset())
        if offsets != self._cursor.offsets or done != self._cursor.done:
            self._cursor = Cursor(offsets=offsets, done=done)
            self._cursor.save(self.folder / CURSOR_NAME)

    def _lines(self, file: Path) -> tuple[list[bytes], int]:
        """The next whole lines of a file, and where they begin."""
        offset = self._read_to.get(file.name, 0)
        with contextlib.suppress(FileNotFoundError), file.open("rb") as source:
            source.seek(offset)
            data = b""
            while chunk := source.read(_CHUNK):
                data += chunk
                if (end := data.rfind(b"\n")) >= 0:
                    return data[: end + 1].splitlines(keepends=True), offset
        return [], offset

    def _take(self, file: str, offset: int, line: bytes) -> None:
        record = parse(line)
        if record is None:
            self.broken += bool(line.strip())
            return
        key = f"{file}:{offset}" if isinstance(record, ScoreRecord) else _key(record.trace_id, record.part)
        if key in self._before or key in self._settled:
            return
        if key not in self._pending:
            self._pending[key] = self._begun(key)
        item = self._pending[key]
        item.add(file, offset, len(line))
        self._sort_in(item, record)

    def _begun(self, key: str) -> Item:
        """A new item, with the part of its trace before it where that still waits: its root is not the last word."""
        item = Item(key)
        if item.part:
            before = _key(item.trace_id, item.part - 1)
            if before in self._pending:
                item.take_over(self._pending.pop(before))
            elif former := next((one for one in self.traces if one.key == before), None):
                self.traces.remove(former)
                item.take_over(former)
        return item

    def _sort_in(self, item: Item, record: Record) -> None:
        if isinstance(record, ScoreRecord):
            item.score = record
            self.scores.append(self._pending.pop(item.key))
            return
        item.spans[record.span_id] = record
        if record.type == "trace":
            self.traces.append(self._pending.pop(item.key))

    def _give_up(self) -> None:
        """Gives out traces whose process was gone already when the files were last read to their ends."""
        now = time.time_ns()
        for item in list(self._pending.values()):
            root = item.root()
            newest = max(span.end for span in item.spans.values())
            if item.gone or now - newest > MAX_AGE * 1e9:
                self.traces.append(self._pending.pop(item.key))
            else:
                item.gone = root is not None and is_gone(root.writer)


def _key(trace_id: str, part: int) -> str:
    return f"{trace_id}/{part}" if part else trace_id
