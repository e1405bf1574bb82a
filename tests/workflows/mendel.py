"""A question about Mendel on its way through the graph: its state, and what answers it, made by hand."""

from typing import Any

from langgraph.runtime import Runtime

from terakoya.types import Draft
from workflows.context import Context
from workflows.testing import citation, passage

PEAS = passage("Mendel grew peas.", id="p1")
BEANS = passage("Others grew beans.", id="p2")
GOOD = Draft(text="Peas [1].", answered=True, citations=(citation(PEAS, "Mendel grew peas."),), model="m")
NOTHING = Draft(text="Not there.", answered=False, citations=(), model="m")
STATE: dict[str, Any] = {
    "question": "What did he grow?",
    "standalone": "What did Mendel grow?",
    "effort": "fast",
    "trace_id": "t" * 32,
    "parts": ["What did Mendel grow?"],
    "queries": ["What did Mendel grow?"],
    "passages": {"p2": 0.5, "p1": 1.0},
}


def runtime(events: list[Any]) -> Runtime[Context | None]:
    return Runtime(stream_writer=events.append)
