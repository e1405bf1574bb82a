"""A trace that one process began and another went on with: one tree, under the root that it had from the start."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from app.tracing import SpanRecord, SpoolTracer, read_trace
from app.tracing.langfuse import LangfuseDelivery
from app.tracing.standin import StandIn

Until = Callable[..., None]
Make = Callable[..., SpoolTracer]
Child = Callable[[str], subprocess.Popen[str]]
DYING = """
import time
with tracer.trace("ask", input="q", thread_id="t-9"{more}) as root:
    with tracer.span("retrieve", "chain"), tracer.span("search", "retriever"):
        pass
    with tracer.span("answer", "chain"):
        tracer.flush(10)
        print(root.trace_id, flush=True)
        time.sleep(600)
"""


def begun(child: Child, *, more: str = "") -> str:
    """A trace whose process was killed in the step `answer`."""
    process = child(DYING.format(more=more))
    assert process.stdout
    trace_id = process.stdout.readline().strip()
    process.kill()
    process.wait()
    return trace_id


def go_on(tracer: SpoolTracer, trace_id: str) -> None:
    with tracer.trace("ask", input="q", thread_id="t-9", trace_id=trace_id) as root:
        with tracer.span("answer", "chain"), tracer.span("tiny", "generation"):
            pass
        root.set(output="the answer")
    assert root.trace_id == trace_id


def tree(server: StandIn, trace_id: str) -> list[tuple[str, str]]:
    names = {one.span_id: one.name for one in server.trace(trace_id)}
    return sorted((one.name, names[one.parent_id] if one.parent_id else "") for one in server.trace(trace_id))


WHOLE = [("answer", "ask"), ("ask", ""), ("retrieve", "ask"), ("search", "retrieve"), ("tiny", "answer")]


def state(tracer: SpoolTracer) -> tuple[int, int]:
    assert isinstance(tracer.delivery, LangfuseDelivery)
    now = tracer.delivery.state()
    return now.delivered, now.waiting


def test_what_two_processes_did_is_one_tree_that_goes_out_once(
    delivering: Make, child: Child, tracer: SpoolTracer, server: StandIn, until: Until
) -> None:
    trace_id = begun(child)
    go_on(tracer, trace_id)
    assert tracer.flush(10)
    sender = delivering()
    until(lambda: state(sender) == (1, 0))
    assert tree(server, trace_id) == WHOLE
    assert server.duplicates() == {}
    root = server.trace(trace_id)[0]
    assert "langfuse.observation.level" not in root.attributes
    assert root.attributes["langfuse.observation.output"] == "the answer"
    assert root.attributes["langfuse.observation.metadata.resumed"] == "1"
    assert all(root.start <= one.start <= one.end <= root.end for one in server.trace(trace_id))


def test_a_root_that_went_out_as_cut_short_is_replaced_and_nothing_else_is_sent_again(
    delivering: Make, child: Child, tracer: SpoolTracer, server: StandIn, until: Until
) -> None:
    sender = delivering()
    trace_id = begun(child)
    until(lambda: server.trace(trace_id))
    (before,) = (one for one in server.trace(trace_id) if not one.parent_id)
    assert before.attributes["langfuse.observation.level"] == "ERROR"
    go_on(tracer, trace_id)
    until(lambda: state(sender) == (2, 0))
    assert tree(server, trace_id) == WHOLE
    (after,) = (one for one in server.trace(trace_id) if not one.parent_id)
    assert "langfuse.observation.level" not in after.attributes
    assert (after.span_id, after.start) == (before.span_id, before.start), "what a server merges them by"
    assert server.duplicates() == {after.key: 2}


def test_the_next_process_that_delivers_knows_what_went_out_of_both_parts(
    delivering: Make, child: Child, tracer: SpoolTracer, server: StandIn, until: Until
) -> None:
    with tracer.trace("open"):  # stands before them in the file, and holds the cursor back
        assert tracer.flush(10)
        trace_id = begun(child)
        go_on(tracer, trace_id)
        assert tracer.flush(10)
        first = delivering()
        until(lambda: state(first)[0] == 1)
        first.close()
        second = delivering()
        go_on(second, begun(child))
        until(lambda: state(second)[0] == 1)
        second.close()
    assert server.duplicates() == {}
    assert server.orphans() == []


def test_a_process_that_dies_over_it_again_leaves_a_part_that_can_be_gone_on_with(
    delivering: Make, child: Child, tracer: SpoolTracer, home: Path, server: StandIn, until: Until
) -> None:
    trace_id = begun(child)
    assert begun(child, more=f", trace_id={trace_id!r}") == trace_id
    go_on(tracer, trace_id)
    assert tracer.flush(10)
    root = read_trace(home / "traces", trace_id)[0]
    assert isinstance(root, SpanRecord)
    assert (root.type, root.part, root.metadata["resumed"]) == ("trace", 2, 2)
    sender = delivering()
    until(lambda: state(sender) == (1, 0))
    assert len(server.trace(trace_id)) == len(WHOLE) + 2
    assert server.orphans() == []
    assert server.duplicates() == {}


def test_a_trace_that_no_file_knows_any_more_keeps_its_id(tracer: SpoolTracer, home: Path) -> None:
    go_on(tracer, "ab" * 16)
    assert tracer.flush(10)
    assert [one.name for one in read_trace(home / "traces", "ab" * 16) if isinstance(one, SpanRecord)] == [
        "ask",
        "answer",
        "tiny",
    ]


@pytest.mark.parametrize("odd", ["", "nothing", "AB" * 16, "ab" * 15 + "\n "])
def test_what_is_no_id_begins_a_new_trace(tracer: SpoolTracer, odd: str) -> None:
    with tracer.trace("ask", trace_id=odd) as root:
        pass
    assert root.trace_id != odd
