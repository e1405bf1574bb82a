"""Runs a graph through its approvals: stops where a person is asked, and goes on with what they say."""

from collections.abc import Generator
from typing import Any

from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from terakoya.protocols import Decide
from workflows.tools.state import approval_from_json, decision_to_json

INTERRUPT = "__interrupt__"


def stream_asking(
    graph: CompiledStateGraph[Any, Any, Any, Any],
    given: Any,
    config: Any,
    *,
    decide: Decide,
    durability: Any = "exit",
    **options: Any,
) -> Generator[tuple[str, Any], None, None]:
    """`graph.stream` with several stream modes, `updates` among them, through all approvals to the end.

    `decide` blocks until a person has decided. The checkpoint at which the graph waits is on disk before they are
    asked, whatever the durability; what comes after a decision may have an effect and runs with `sync`. Whoever stops
    before the end closes it, which waits for the nodes that run: left to the garbage collector, they would go on
    while the next question of the thread begins.
    """
    while True:
        asked: Any = None
        for mode, event in graph.stream(given, config, durability=durability, **options):
            if isinstance(event, dict) and INTERRUPT in event:
                asked = event[INTERRUPT][0]
                continue
            yield mode, event
        if asked is None:
            return
        decision = decide(approval_from_json(asked.value))
        given, durability = Command(resume=decision_to_json(decision)), "sync"
