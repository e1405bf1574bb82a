"""The graph: from a question to an answer that stands in the notes, or to the word that they do not say.

Its picture is in `docs/workflow.md`, drawn by `python -m app.studio`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import NodeError
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, RetryPolicy, Send

from terakoya.errors import Busy, TerakoyaError
from terakoya.protocols import Tracer
from workflows.context import Context
from workflows.edges import after_grade, after_standalone, after_tools, after_verify, answer_or_abstain
from workflows.nodes import Nodes, Parts, Update
from workflows.state import BETWEEN, Asked, State
from workflows.tools.graph import build_tools_graph

Graph = CompiledStateGraph[Any, Any, Any, Any]
SECONDS: Final[Mapping[str, float]] = {"retrieve": 120, "grade": 120, "rewrite": 120, "answer": 1800}
"""How long a node may take that waits for a store, an embedder that loads, or a model; the others only compute."""
_RETRY: Final = RetryPolicy(max_attempts=3, initial_interval=0.05, retry_on=Busy)


def build_graph(parts: Parts, checkpointer: BaseCheckpointSaver[Any] | None = None) -> Graph:
    """Compiles the graph over `parts`; with a checkpointer a thread remembers its turns."""
    nodes = Nodes(parts)
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(State, context_schema=Context, input_schema=Asked)
    steps: Mapping[str, Callable[[State], Update]] = {
        "guard": nodes.guard,
        "standalone": nodes.standalone,
        "talk": nodes.talk,
        "memory": nodes.memory,
        "plan": nodes.plan,
        "verify": nodes.verify,
        "finish": nodes.finish,
        "abstain": nodes.abstain,
    }
    waiting: Mapping[str, Callable[[State, Runtime[Context | None]], Update]] = {
        "retrieve": nodes.retrieve,
        "grade": nodes.grade,
        "rewrite": nodes.rewrite,
        "answer": nodes.answer,
    }
    handler: Any = _failed  # the stubs do not know that a handler may take a NodeError
    graph.set_node_defaults(error_handler=handler)
    for name, step in steps.items():
        graph.add_node(name, _traced(parts.tracer, name, step))
    for name, wait in waiting.items():
        graph.add_node(name, _limited(parts.tracer, name, wait), retry_policy=_RETRY)
    graph.add_edge(START, "guard")
    graph.add_edge("guard", "standalone")
    ways = ["plan", "talk", "memory"]
    if parts.tools:
        graph.add_node("tools", build_tools_graph(parts.tools))
        graph.add_conditional_edges("tools", after_tools, ["plan", "finish", "abstain"])
        ways.append("tools")
    graph.add_conditional_edges("standalone", after_standalone, ways)
    graph.add_conditional_edges("plan", _each_query, ["retrieve"])
    graph.add_edge("retrieve", "grade")
    graph.add_conditional_edges("grade", after_grade, ["answer", "rewrite", "abstain"])
    graph.add_conditional_edges("rewrite", _after_rewrite, ["retrieve", "answer", "abstain"])
    graph.add_edge("answer", "verify")
    graph.add_conditional_edges("verify", after_verify, ["finish", "answer", "abstain"])
    for last in ("talk", "memory", "finish", "abstain"):
        graph.add_edge(last, END)
    return graph.compile(checkpointer=checkpointer)


def _each_query(state: State) -> list[Send]:
    """Edge: every query is retrieved for at once."""
    kept = {key: state[key] for key in ("effort", "standalone") if key in state}
    return [Send("retrieve", {**kept, "queries": [query]}) for query in state["queries"]]


def _after_rewrite(state: State) -> list[Send] | str:
    """Edge: retrieve for the new queries; without any there is nothing more to find."""
    return _each_query(state) or answer_or_abstain(state)


def _failed(state: State, error: NodeError, runtime: Runtime[Context | None]) -> Command[Any]:
    """Whatever a node raised ends the run; the caller raises it again, by its name or as an internal error."""
    cause = error.error
    if runtime.context:
        runtime.context.failure = cause
    code = cause.key if isinstance(cause, TerakoyaError) else "internal"
    return Command(update={**BETWEEN, "failure": {"step": error.node, "code": code}}, goto=END)


class _Plain(Protocol):
    """A node as LangGraph calls it; the name of the parameter is part of its contract."""

    def __call__(self, state: State) -> Update: ...


class _Streaming(Protocol):
    """A node that writes to the stream, or looks whether it is still wanted."""

    def __call__(self, state: State, *, runtime: Runtime[Context | None]) -> Update: ...


def _traced(tracer: Tracer, name: str, node: Callable[[State], Update]) -> _Plain:
    def traced(state: State) -> Update:
        with tracer.span(name, "chain") as span:
            update = node(state)
            span.set(output=_sizes(update))
            return update

    return traced


def _limited(
    tracer: Tracer, name: str, node: Callable[[State, Runtime[Context | None]], Update]
) -> _Streaming:
    def limited(state: State, *, runtime: Runtime[Context | None]) -> Update:
        context = runtime.context or Context()
        context.check()
        with tracer.span(name, "chain") as span:
            update = context.within(
                SECONDS[name], name, lambda mine: node(state, runtime.override(context=mine))
            )
            span.set(output=_sizes(update))
            return update

    return limited


def _sizes(update: Update) -> dict[str, object]:
    """What a node changed, small: the texts stand in the spans below it."""
    return {
        key: value if isinstance(value, str | None) else {"entries": len(value)}
        for key, value in update.items()
        if value
    }
