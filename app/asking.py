"""Asks one question: opens the trace, runs the graph, streams what happens, and returns the outcome."""

import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from app.checkpoints import UNKEPT, ThreadsAway
from app.deciding import nobody
from app.ending import ending
from app.floor import Floor, Place
from app.question import checked_question
from app.threads import Threads
from terakoya.catalogue import text as sentence
from terakoya.errors import Cancelled, Unavailable
from terakoya.protocols import Decide, Tracer
from terakoya.text.language import language_of
from terakoya.types import Approval, Decision, Effort, Outcome, SecondMessage
from workflows.context import Context
from workflows.graph import Graph, build_graph
from workflows.nodes import Parts
from workflows.state import BETWEEN, citation_from_json
from workflows.tools.approving import stream_asking

Listen = Callable[[str, dict[str, Any]], None]
_DURABILITY: Final[Mapping[Effort, Any]] = {"fast": "exit", "normal": "exit", "deep": "sync"}
"""A plain question is asked again as quickly as it is resumed; a long one is worth a checkpoint a step."""
_LOOK: Final = 0.05
"""Seconds between two looks at whether a question was cancelled while a person decides."""


def never() -> bool:
    """Nobody cancels."""
    return False


@dataclass(slots=True)
class _Run:
    """One question on its way through the graph."""

    question: str
    thread: str
    effort: Effort
    trace_id: str
    listen: Listen
    context: Context
    said: str = ""
    state: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)

    def custom(self, event: Mapping[str, Any]) -> None:
        """Passes on what a node streams, and keeps the text so far."""
        if event["type"] == "token":
            self.said += event["text"]
        elif event["type"] == "replace":
            self.said = event["text"]
        self.listen(event["type"], {k: value for k, value in event.items() if k != "type"})


class Asker:
    """Runs questions through the graph. Safe in several threads.

    Args:
        parts: What the nodes work with.
        threads: The conversations.
        tracer: Records each question.
        second_message: What becomes of a message while another one of its thread is being answered, where neither
            the message nor the thread says it.
    """

    def __init__(
        self, parts: Parts, threads: Threads, tracer: Tracer, *, second_message: SecondMessage = "queue"
    ) -> None:
        self._tracer = tracer
        self._open = threads.open_questions
        self._threads = threads
        self._second_message = second_message
        self._parts = parts
        self._graph = build_graph(parts, threads.saver)
        self._floor = Floor()

    def line_up(
        self,
        question: str,
        *,
        effort: Effort,
        thread_id: str | None = None,
        second_message: SecondMessage | None = None,
    ) -> Place:
        """A place in the line of a thread, new if None, for `ask`; what is never asked has to be given up.

        Raises:
            BadInput: The question is empty or too long.
            Busy: Another question of the thread is being answered, and it is said to give up then.
        """
        place = Place(thread_id or uuid.uuid4().hex, checked_question(question), effort)
        chosen = second_message
        if chosen is None:
            with suppress(*UNKEPT):
                chosen = self._threads.second_message(place.thread)
        self._floor.join(place, chosen or self._second_message)
        place.entry = self._open.add(place.thread, place.question, effort)
        return place

    def adopt(self, id: str) -> Place:
        """A place for an open question whose process has ended; `ask` goes on from its last checkpoint.

        Raises:
            NotFound: There is no such question, or somebody else goes on with it.
        """
        left = self._open.adopt(id)
        place = Place(left.thread_id, left.question, left.effort, adopted=True)
        place.entry = left.id
        self._floor.join(place, "queue")
        return place

    def give_up(self, place: Place) -> None:
        """Leaves the line without an answer."""
        self._floor.release(place)
        self._open.remove(place.entry)

    def leave(self, place: Place) -> None:
        """Notes a question again whose turn did not come before this process ends."""
        self._open.add(place.thread, place.question, place.effort)

    def ask(
        self,
        place: Place,
        *,
        listen: Listen,
        cancelled: Callable[[], bool] = never,
        decide: Decide = nobody,
    ) -> Outcome:
        """Answers the message at `place` when its turn comes; blocks until it is answered.

        `decide` asks a person whether a tool that changes something may be called. What `cancelled`
        or a later message cuts short is kept as far as it came, as an interrupted turn. A message that waits for
        another one, or was merged into a later one, tells so as the step `waiting` or `merged`.

        Raises:
            Cancelled: It was cancelled before its turn came.
        """
        outcome: Outcome | None = None
        error: BaseException | None = None
        try:
            if self._floor.waits(place):
                listen("step", {"name": "waiting"})
            self._floor.wait(place, cancelled)
            if place.heir is None:
                outcome = self._answered(place, listen, cancelled, decide)
        except BaseException as raised:
            error = raised
            raise
        finally:
            self.give_up(place)
            if place.heir is None or outcome is not None:
                place.end(outcome, error)
        if outcome is not None:
            return outcome
        if place.heir is None:
            raise RuntimeError("a message that was not answered has an heir")
        listen("step", {"name": "merged"})
        listen("replace", {"text": ""})
        try:
            outcome = place.heir.result(cancelled)
        except BaseException as raised:
            place.end(None, raised)
            raise
        place.end(outcome, None)
        return outcome

    def drop(self, id: str) -> None:
        """Gives up a question whose process has ended; a conversation without another goes.

        Raises:
            NotFound: There is no such question, or somebody goes on with it.
        """
        left = self._open.adopt(id)
        self._threads.drop_unfinished(self._graph, left.thread_id)
        self._open.remove(id)

    def branch(self, thread_id: str, turns: int) -> str:
        """A new thread that begins with the first `turns` turns of this one; its id.

        Raises:
            NotFound: No such thread, or it has no such turn.
        """
        return self._threads.branch(self._graph, thread_id, turns)

    def _answered(
        self, place: Place, listen: Listen, cancelled: Callable[[], bool], decide: Decide
    ) -> Outcome | None:
        """The outcome; None where the question was merged into a later one."""
        left = None
        with suppress(*UNKEPT):  # it is asked anew, and told that it cannot be kept
            left = self._threads.unfinished(self._graph, place.thread) if place.adopted else None
        if (
            left and left["question"] != place.question
        ):  # it waited behind that one, or another was asked since
            left = None
        try:
            return self._run(place, listen, cancelled, decide, left=left)
        except Cancelled:
            if place.heir is None:
                raise
            return None

    def _run(
        self,
        place: Place,
        listen: Listen,
        cancelled: Callable[[], bool],
        decide: Decide,
        *,
        left: Mapping[str, Any] | None,
    ) -> Outcome:
        asked, thread, effort = place.question, place.thread, place.effort
        started = time.perf_counter()
        tags = [effort, language_of(asked)]
        begun = str(left["trace_id"]) if left else ""
        with self._tracer.trace("ask", thread_id=thread, input=asked, tags=tags, trace_id=begun) as trace:
            context = Context(
                cancelled=lambda: cancelled() or place.cancelled.is_set(), begin=place.begun.set
            )
            run = _Run(asked, thread, effort, begun or trace.trace_id, listen, context)
            asking = _asking(decide, context, place)
            self._stream(run, asking, resumed=left is not None)
            interrupted = isinstance(context.failure, Cancelled)
            if context.failure and (place.heir is not None or not interrupted):
                raise context.failure
            if interrupted:
                self._keep_partial(run)
            if self._threads.trouble:
                self._tell_unkept(self._threads.trouble, asked, listen)
            run.timings["total"] = round((time.perf_counter() - started) * 1000, 3)
            outcome = outcome_of(run.state["turns"][-1], thread, run.timings)
            listen("replace", {"text": outcome.answer})
            trace.set(
                output=outcome.answer,
                tags=[*tags, outcome.model, ending(outcome)],
                metadata={
                    "citations": len(outcome.citations),
                    "cited": [f"{c.source}:{c.start_line}-{c.end_line}" for c in outcome.citations],
                    "timings": run.timings,
                },
            )
        self._threads.prune(thread)
        return outcome

    def _stream(self, run: _Run, decide: Decide, *, resumed: bool) -> None:
        try:
            self._pass(self._graph, run, decide, resumed=resumed)
        except UNKEPT as error:
            turns = run.state.get("turns")  # the checkpoint is written when all is done
            if not turns or turns[-1]["trace_id"] != run.trace_id:
                if run.state.get("tool_calls"):  # a tool may have had its effect
                    raise
                self._answer_aside(run, decide)
            self._tell_unkept(error, run.question, run.listen)

    def _answer_aside(self, run: _Run, decide: Decide) -> None:
        """Answers without the conversation, which can neither be read nor kept: the answer matters more."""
        from langgraph.checkpoint.memory import InMemorySaver

        run.said, run.state = "", {}
        run.listen("replace", {"text": ""})
        self._pass(build_graph(self._parts, InMemorySaver()), run, decide, resumed=False)

    def _pass(self, graph: Graph, run: _Run, decide: Decide, *, resumed: bool) -> None:
        since = time.perf_counter()
        given = {"question": run.question, "effort": run.effort, "trace_id": run.trace_id}
        events = stream_asking(
            graph,
            None if resumed else given,
            {"configurable": {"thread_id": run.thread}},
            decide=decide,
            stream_mode=["custom", "updates", "values"],
            durability=_DURABILITY[run.effort],
            context=run.context,
        )
        with closing(events):
            for mode, event in events:
                if mode == "custom":
                    run.custom(event)
                elif mode == "values":
                    run.state = event
                else:
                    now = time.perf_counter()
                    for name in event:
                        run.timings[name] = round(run.timings.get(name, 0.0) + (now - since) * 1000, 3)
                        run.listen("step", {"name": name})
                    since = now

    def _keep_partial(self, run: _Run) -> None:
        """Adds what was said until it was cut short to the thread; it is not checked, so it cites nothing."""
        said = run.said.strip() or sentence("answer.stopped", language=language_of(run.question))
        turn = {
            "question": run.question,
            "standalone": run.state.get("standalone", ""),
            "answer": said,
            "answered": False,
            "citations": [],
            "model": "",
            "effort": run.effort,
            "trace_id": run.trace_id,
            "interrupted": True,
        }
        config: Any = {"configurable": {"thread_id": run.thread}}
        try:
            self._graph.update_state(config, {**BETWEEN, "turns": [turn]}, as_node="finish")
        except UNKEPT as error:
            self._tell_unkept(error, run.question, run.listen)
        run.state = {"turns": [turn]}

    def _tell_unkept(self, reason: Exception, question: str, listen: Listen) -> None:
        language = language_of(question)
        if isinstance(reason, ThreadsAway):
            error = Unavailable("thread_unkept_server", reason=reason.message(language))
        else:
            full = isinstance(reason, sqlite3.OperationalError)
            key = "thread_unkept" if full else "thread_unkept_damaged"
            error = Unavailable(key, path=self._threads.path, reason=reason)
        listen("notice", {"code": error.key, "message": error.message(language)})


def _asking(decide: Decide, context: Context, place: Place) -> Decide:
    """`decide`, given up where the question is cancelled while a person thinks: nothing is called then.

    What a person is asked about is under way, so no later message is merged into it.
    """

    def deciding(approval: Approval) -> Decision:
        place.begun.set()
        said: list[Decision] = []
        thread = threading.Thread(target=lambda: said.append(decide(approval)), name="decide", daemon=True)
        thread.start()
        while thread.is_alive() and not context.cancelled():
            thread.join(_LOOK)
        return said[0] if said else nobody(approval)

    return deciding


def outcome_of(turn: Mapping[str, Any], thread_id: str, timings: Mapping[str, float]) -> Outcome:
    """A turn of a thread as the outcome that it was."""
    return Outcome(
        question=turn["question"],
        standalone=turn.get("standalone", ""),
        answer=turn["answer"],
        answered=turn["answered"],
        citations=tuple(citation_from_json(c) for c in turn["citations"]),
        model=turn["model"],
        effort=turn["effort"],
        thread_id=thread_id,
        trace_id=turn["trace_id"],
        timings=timings,
        usage=turn.get("usage", {}),
        interrupted=turn.get("interrupted", False),
        suspicious=tuple(citation_from_json(c) for c in turn.get("suspicious", [])),
    )
