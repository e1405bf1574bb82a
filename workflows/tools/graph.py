"""The graph of the tools: choose -> [approve] -> call -> tell, mounted as one node of the whole."""

from collections.abc import Callable, Hashable
from typing import Any, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from terakoya.protocols import Tracer
from workflows.tools.nodes import ToolNodes, ToolParts, Update, next_step
from workflows.tools.state import ToolState

ToolGraph = CompiledStateGraph[Any, Any, Any, Any]
_STEPS: dict[Hashable, str] = {"approve": "approve", "call": "call", "tell": "tell", "none": END}


def build_tools_graph(parts: ToolParts, checkpointer: BaseCheckpointSaver[Any] | None = None) -> ToolGraph:
    """Compiles the graph over `parts`. As a node of another graph it uses that one's checkpointer.

    In: `question`, `standalone`, `trace_id`. Out: `draft`, None where no tool was chosen, and what it cites in
    `passages`. An approval is an interrupt with the JSON of an `Approval`; it goes on with
    `Command(resume=decision_to_json(decision))`. Resume with durability `sync`: what comes next has an effect.
    """
    nodes = ToolNodes(parts)
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(ToolState)
    graph.add_node("choose", _traced(parts.tracer, "choose", nodes.choose))
    graph.add_node("approve", nodes.approve)  # no span: an interrupt is no error of the node
    graph.add_node("call", _traced(parts.tracer, "call", nodes.call))
    graph.add_node("tell", _traced(parts.tracer, "tell", nodes.tell))
    graph.add_edge(START, "choose")
    for node in ("choose", "approve", "call"):
        graph.add_conditional_edges(node, next_step, _STEPS)
    graph.add_edge("tell", END)
    return graph.compile(checkpointer=checkpointer)


class _Node(Protocol):
    """A node as LangGraph calls it; the name of the parameter is part of its contract."""

    def __call__(self, state: ToolState) -> Update: ...


def _traced(tracer: Tracer, name: str, node: Callable[[ToolState], Update]) -> _Node:
    def traced(state: ToolState) -> Update:
        with tracer.span(name, "chain"):
            return node(state)

    return traced
