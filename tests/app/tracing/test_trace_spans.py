import asyncio
import operator
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.errors import GraphInterrupt
from langgraph.graph import END, START, StateGraph

from app.tracing import NoTracer, ScoreRecord, SpanRecord, SpoolTracer, read_trace
from terakoya.protocols import Tracer

Tree = dict[str, str]


def spans(tracer: SpoolTracer, trace_id: str) -> dict[str, SpanRecord]:
    assert tracer.flush(10)
    records = read_trace(tracer.spool.folder, trace_id)
    return {record.name: record for record in records if isinstance(record, SpanRecord)}


def tree(tracer: SpoolTracer, trace_id: str) -> Tree:
    """Names of all steps with the names of the steps above them."""
    found = spans(tracer, trace_id)
    names = {span.span_id: name for name, span in found.items()}
    return {name: names.get(span.parent_id, "") for name, span in found.items()}


def test_a_trace_keeps_what_it_was_given(tracer: SpoolTracer) -> None:
    with tracer.trace(
        "ask", thread_id="t-1", input="光合成とは?", tags=["ja"], metadata={"effort": "fast"}
    ) as root:
        with tracer.span("generate", "generation", input={"prompt": "p"}) as step:
            step.set(output="答え", model="tiny", usage={"input": 3, "output": 2}, temperature=0.1)
        root.set(output={"answer": "答え"}, level="warning", status="thin")
    found = spans(tracer, root.trace_id)
    ask, generate = found["ask"], found["generate"]
    assert (ask.type, ask.kind, ask.parent_id, ask.thread_id) == ("trace", "agent", "", "t-1")
    assert (ask.input, ask.output, ask.tags) == ("光合成とは?", {"answer": "答え"}, ("ja",))
    assert (ask.level, ask.status, ask.metadata) == ("WARNING", "thin", {"effort": "fast"})
    assert (generate.type, generate.kind, generate.parent_id) == ("span", "generation", ask.span_id)
    assert (generate.input, generate.output, generate.model) == ({"prompt": "p"}, "答え", "tiny")
    assert (generate.usage, generate.metadata) == ({"input": 3, "output": 2}, {"temperature": 0.1})
    assert ask.start <= generate.start <= generate.end <= ask.end
    assert ask.environment == "local"
    assert ask.release


def test_siblings_stand_beside_each_other_and_children_below(tracer: SpoolTracer) -> None:
    with tracer.trace("ask") as root:
        with tracer.span("a"), tracer.span("b"):
            pass
        with tracer.span("c"):
            pass
    assert tree(tracer, root.trace_id) == {"ask": "", "a": "ask", "b": "a", "c": "ask"}


def test_a_step_without_an_open_trace_is_not_recorded(tracer: SpoolTracer) -> None:
    with tracer.span("lonely") as step:
        step.set(output=1)
    assert tracer.flush(10)
    assert read_trace(tracer.spool.folder, step.trace_id) == []
    assert len(bytes.fromhex(step.trace_id)) == 16


class State(TypedDict, total=False):
    seen: Annotated[list[str], operator.add]


def test_langgraph_nodes_nest_under_the_question_also_when_they_run_in_threads(tracer: SpoolTracer) -> None:
    def node(name: str) -> Any:
        def run(state: State) -> State:
            with tracer.span(name, "chain"):
                context = copy_context()
                with ThreadPoolExecutor(2) as pool:
                    pool.submit(context.run, work, name).result()
            return {"seen": [name]}

        return run

    def work(name: str) -> None:
        with tracer.span(f"{name}.work", "tool"):
            pass

    graph = StateGraph(State)
    for name in ("plan", "left", "right"):
        graph.add_node(name, node(name))
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "left")
    graph.add_edge("plan", "right")
    graph.add_edge(["left", "right"], END)
    with tracer.trace("ask") as root:
        graph.compile().invoke({"seen": []})
    assert tree(tracer, root.trace_id) == {
        "ask": "",
        "plan": "ask",
        "left": "ask",
        "right": "ask",
        "plan.work": "plan",
        "left.work": "left",
        "right.work": "right",
    }


def test_questions_asked_at_once_do_not_mix(tracer: SpoolTracer) -> None:
    barrier = threading.Barrier(8)

    def ask(number: int) -> str:
        with tracer.trace("ask") as root:
            barrier.wait(10)
            with tracer.span(f"outer-{number}"), tracer.span(f"inner-{number}"):
                pass
        return root.trace_id

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(ask, range(8)))
    for number, trace_id in enumerate(ids):
        assert tree(tracer, trace_id) == {
            "ask": "",
            f"outer-{number}": "ask",
            f"inner-{number}": f"outer-{number}",
        }


def test_asyncio_tasks_and_their_threads_keep_the_step_above(tracer: SpoolTracer) -> None:
    def in_thread() -> None:
        with tracer.span("thread"):
            pass

    async def task() -> None:
        with tracer.span("task"):
            await asyncio.to_thread(in_thread)

    async def ask() -> str:
        with tracer.trace("ask") as root:
            await asyncio.create_task(task())
        return root.trace_id

    assert tree(tracer, asyncio.run(ask())) == {"ask": "", "task": "ask", "thread": "task"}


def test_an_exception_marks_the_step_and_goes_on_its_way(
    tracer: SpoolTracer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "very-private-value")
    error = ValueError("the server said no to very-private-value, Bearer abcdef123456")
    with pytest.raises(ValueError, match="said no") as caught:  # noqa: PT012, SIM117
        with tracer.trace("ask") as root:
            with tracer.span("call"):
                raise error
    assert caught.value is error
    call = spans(tracer, root.trace_id)["call"]
    assert call.level == "ERROR"
    assert call.status == "ValueError: the server said no to ***, Bearer ***"
    assert spans(tracer, root.trace_id)["ask"].level == "ERROR"


def test_a_graph_that_waits_for_a_person_is_no_error(tracer: SpoolTracer) -> None:
    with pytest.raises(GraphInterrupt), tracer.trace("ask") as root:
        raise GraphInterrupt(())
    assert spans(tracer, root.trace_id)["ask"].level == "DEFAULT"


def test_a_step_that_outlives_its_trace_ends_with_it(tracer: SpoolTracer) -> None:
    release, entered = threading.Event(), threading.Event()

    def slow() -> None:
        with tracer.span("slow"):
            entered.set()
            release.wait(10)
            with tracer.span("too late"):
                pass

    with tracer.trace("ask") as root:
        context = copy_context()
        thread = threading.Thread(target=lambda: context.run(slow))
        thread.start()
        assert entered.wait(10)
    release.set()
    thread.join(10)
    found = spans(tracer, root.trace_id)
    assert set(found) == {"ask", "slow"}
    assert found["slow"].level == "WARNING"
    assert found["slow"].end <= found["ask"].end


def test_a_step_closed_in_another_context_is_recorded(tracer: SpoolTracer) -> None:
    with tracer.trace("ask") as root:
        step = tracer.span("stream")
        copy_context().run(step.__enter__)
        step.__exit__(None, None, None)
    assert tree(tracer, root.trace_id) == {"ask": "", "stream": "ask"}


def test_a_score_stands_once_as_last_given(tracer: SpoolTracer) -> None:
    with tracer.trace("ask") as root:
        pass
    tracer.score(root.trace_id, "user-feedback", 0, comment="引用が違う")
    tracer.score(root.trace_id, "user-feedback", 1)
    tracer.score(root.trace_id, "user-feedback", 1, score_id="mine")
    assert tracer.flush(10)
    scores = [r for r in read_trace(tracer.spool.folder, root.trace_id) if isinstance(r, ScoreRecord)]
    assert [(score.value, score.comment) for score in scores] == [(1.0, ""), (1.0, "")]
    assert scores[1].score_id == "mine"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_counted_not_raised(tracer: SpoolTracer, value: float) -> None:
    tracer.score("0" * 31 + "1", "user-feedback", value)
    assert tracer.failures == 1


def test_a_trace_that_has_not_ended_can_be_read(tracer: SpoolTracer) -> None:
    with tracer.trace("ask", input="q") as root:
        assert spans(tracer, root.trace_id)["ask"].type == "start"
    assert spans(tracer, root.trace_id)["ask"].type == "trace"


def test_no_tracer_gives_valid_ids_and_keeps_nothing() -> None:
    tracer: Tracer = NoTracer()
    with tracer.trace("ask", input="q") as root, tracer.span("step", "tool") as step:
        root.set(output=1)
        step.set(output=2)
    tracer.score(root.trace_id, "user-feedback", 1)
    tracer.close()
    assert len(bytes.fromhex(root.trace_id)) == 16
    assert int(root.trace_id, 16)


def test_a_seeded_random_does_not_repeat_ids(tracer: SpoolTracer) -> None:
    import random

    ids = []
    for _ in range(2):
        random.seed(0)
        with tracer.trace("ask") as root:
            ids.append(root.trace_id)
    assert ids[0] != ids[1]
