"""The graph: standalone -> retrieve -> answer -> verify -> finish, or abstain."""

from collections.abc import Callable
from typing import Any, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from terakoya.protocols import Tracer
from workflows.nodes import Nodes, Parts, Update, found_passages, is_supported
from workflows.state import State

Graph = CompiledStateGraph[Any, Any, Any, Any]


def build_graph(parts: Parts, checkpointer: BaseCheckpointSaver[Any] | None = None) -> Graph:
    """Compiles the graph over `parts`; with a checkpointer a thread remembers its turns."""
    nodes = Nodes(parts)
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    graph.add_node("standalone", _traced(parts.tracer, "standalone", nodes.standalone))
    graph.add_node("retrieve", _traced(parts.tracer, "retrieve", nodes.retrieve))
    graph.add_node("answer", _traced_streaming(parts.tracer, "answer", nodes.answer))
    graph.add_node("verify", _traced(parts.tracer, "verify", nodes.verify))
    graph.add_node("finish", _traced(parts.tracer, "finish", nodes.finish))
    graph.add_node("abstain", _traced(parts.tracer, "abstain", nodes.abstain))
    graph.add_edge(START, "standalone")
    graph.add_edge("standalone", "retrieve")
    graph.add_conditional_edges("retrieve", found_passages, {True: "answer", False: "abstain"})
    graph.add_edge("answer", "verify")
    graph.add_conditional_edges("verify", is_supported, {True: "finish", False: "abstain"})
    graph.add_edge("finish", END)
    graph.add_edge("abstain", END)
    return graph.compile(checkpointer=checkpointer)


class _Plain(Protocol):
    """A node as LangGraph calls it; the name of the parameter is part of its contract."""

    def __call__(self, state: State) -> Update: ...


class _Streaming(Protocol):
    """A node that writes to the stream."""

    def __call__(self, state: State, *, runtime: Runtime[None]) -> Update: ...


def _traced(tracer: Tracer, name: str, node: Callable[[State], Update]) -> _Plain:
    def traced(state: State) -> Update:
        with tracer.span(name, "chain") as span:
            update = node(state)
            span.set(output=_sizes(update))
            return update

    return traced


def _traced_streaming(
    tracer: Tracer, name: str, node: Callable[[State, Runtime[None]], Update]
) -> _Streaming:
    def traced(state: State, *, runtime: Runtime[None]) -> Update:
        with tracer.span(name, "chain") as span:
            update = node(state, runtime)
            span.set(output=_sizes(update))
            return update

    return traced


def _sizes(update: Update) -> dict[str, object]:
    """What a node changed, small: the texts stand in the spans below it."""
    return {
        key: value if isinstance(value, str | None) else {"entries": len(value)}
        for key, value in update.items()
    }
