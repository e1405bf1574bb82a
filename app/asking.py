"""Asks one question: opens the trace, runs the graph, streams what happens, and returns the outcome."""

import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from app.question import checked_question
from app.threads import Threads
from terakoya.errors import Unavailable
from terakoya.protocols import Tracer
from terakoya.text.language import language_of
from terakoya.types import Effort, Outcome
from workflows.graph import build_graph
from workflows.nodes import Parts
from workflows.state import citation_from_json

Listen = Callable[[str, dict[str, Any]], None]


class Asker:
    """Runs questions through the graph."""

    def __init__(self, parts: Parts, threads: Threads, tracer: Tracer) -> None:
        self._tracer = tracer
        self._threads = threads
        self._graph = build_graph(parts, threads.saver)
        self._busy = [threading.Lock() for _ in range(64)]

    def ask(self, question: str, *, effort: Effort, thread_id: str | None, listen: Listen) -> Outcome:
        """Asks `question` in a thread, new if None; blocks until it is answered.

        Raises:
            BadInput: The question is empty or too long.
        """
        asked = checked_question(question)
        thread = thread_id or uuid.uuid4().hex
        started = time.perf_counter()
        timings: dict[str, float] = {}
        tags = [effort, language_of(asked)]
        # a second question in the same thread waits for the first: both append to one history
        busy = self._busy[hash(thread) % len(self._busy)]
        with busy, self._tracer.trace("ask", thread_id=thread, input=asked, tags=tags) as trace:
            state: dict[str, Any] = {}
            since = started
            events: Iterator[Any] = self._graph.stream(
                {"question": asked, "effort": effort, "trace_id": trace.trace_id},
                {"configurable": {"thread_id": thread}},
                stream_mode=["custom", "updates", "values"],
                durability="exit",
            )
            try:
                for mode, event in events:
                    if mode == "custom":
                        listen(event["type"], {k: value for k, value in event.items() if k != "type"})
                    elif mode == "values":
                        state = event
                    else:
                        now = time.perf_counter()
                        for name in event:
                            timings[name] = round((now - since) * 1000, 3)
                            listen("step", {"name": name})
                        since = now
            except sqlite3.OperationalError as error:
                turns = state.get("turns")  # the checkpoint is written when all is done
                if not turns or turns[-1]["trace_id"] != trace.trace_id:
                    raise
                self._tell_unkept(error, asked, listen)
            if self._threads.trouble:
                self._tell_unkept(self._threads.trouble, asked, listen)
            timings["total"] = round((time.perf_counter() - started) * 1000, 3)
            outcome = outcome_of(state["turns"][-1], thread, timings)
            listen("replace", {"text": outcome.answer})
            trace.set(
                output=outcome.answer,
                tags=[*tags, outcome.model, "answered" if outcome.answered else "abstained"],
                metadata={"citations": len(outcome.citations), "timings": timings},
            )
        return outcome

    def _tell_unkept(self, reason: sqlite3.OperationalError, question: str, listen: Listen) -> None:
        error = Unavailable("thread_unkept", path=self._threads.path, reason=reason)
        listen("notice", {"code": error.key, "message": error.message(language_of(question))})


def outcome_of(turn: Mapping[str, Any], thread_id: str, timings: Mapping[str, float]) -> Outcome:
    """A turn of a thread as the outcome that it was."""
    return Outcome(
        question=turn["question"],
        answer=turn["answer"],
        answered=turn["answered"],
        citations=tuple(citation_from_json(c) for c in turn["citations"]),
        model=turn["model"],
        effort=turn["effort"],
        thread_id=thread_id,
        trace_id=turn["trace_id"],
        timings=timings,
    )
