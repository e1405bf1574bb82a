"""The graph for people to look at: in LangGraph Studio (`langgraph.json`), and as the picture of its page.

`python -m app.studio` draws the compiled graph into `docs/workflow.md`.
"""

import asyncio
import re
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.settings import load_settings
from app.tracing import NoTracer
from app.wiring import open_installation
from terakoya.errors import TerakoyaError
from terakoya.text.analyser import Analyser
from workflows.graph import Graph, build_graph
from workflows.nodes import Parts
from workflows.testing import ScriptedAnswerer, ScriptedRetriever
from workflows.tools.nodes import ToolParts
from workflows.tools.testing import RememberedIntents, ScriptedToolbox

if TYPE_CHECKING:
    from langgraph_sdk.runtime import ServerRuntime

PAGE: Final = Path(__file__).parents[1] / "docs" / "workflow.md"
_DRAWN: Final = re.compile(r"(<!-- drawn by python -m app\.studio -->\n```mermaid\n).*?(```\n)", re.DOTALL)
_HIDDEN: Final = "__default_error_handler__"


class _Opened:
    """The graph over one home, opened at the first run and kept: a model that is loaded should serve the next."""

    def __init__(self) -> None:
        self._opening = threading.Lock()
        self._graph: Graph | None = None

    def graph(self) -> Graph:
        with self._opening:
            if self._graph is None:
                parts = open_installation(load_settings(), tracer=NoTracer()).wiring.parts()
                self._graph = build_graph(parts)
            return self._graph


_opened: Final = _Opened()


async def graph(runtime: "ServerRuntime[Any]") -> Graph:
    """The graph over the installation of `TERAKOYA_HOME`, without its conversations: Studio keeps its own.

    Studio asks for it at every look at picture, schema and threads, which need no store; only a run opens one. In a
    thread, as Studio's server refuses what blocks its event loop.

    Raises:
        RuntimeError: There is no store yet, or the service of the home is up and holds it. Of other errors Studio's
            server keeps the message to itself.
    """
    try:
        return await asyncio.to_thread(_opened.graph if runtime.execution_runtime else _unopened)
    except TerakoyaError as error:
        raise RuntimeError(error.message()) from error


def mermaid() -> str:
    """The graph as it is compiled, in Mermaid's language; the handler behind every node is left out."""
    drawn = _unopened().get_graph()
    lines = ["flowchart TD"]
    lines += [f"    {_box(name)}" for name in drawn.nodes if name != _HIDDEN]
    for edge in drawn.edges:
        if _HIDDEN not in (edge.source, edge.target):
            lines.append(f"    {_id(edge.source)} {'-.->' if edge.conditional else '-->'} {_id(edge.target)}")
    return "\n".join(lines) + "\n"


def redrawn(page: str) -> str:
    """`page` with the picture of now in its place.

    Raises:
        ValueError: It has no place for it.
    """
    if not _DRAWN.search(page):
        raise ValueError("the page has no place for the picture")
    return _DRAWN.sub(lambda found: found[1] + mermaid() + found[2], page)


def _unopened() -> Graph:
    """The graph with all its nodes, over nothing."""
    return build_graph(
        Parts(
            retriever=ScriptedRetriever(),
            answerers=[ScriptedAnswerer()],
            analyser=Analyser(),
            tracer=NoTracer(),
            passages=1,
            tools=ToolParts(toolbox=ScriptedToolbox(), intents=RememberedIntents(), tracer=NoTracer()),
        )
    )


def _id(name: str) -> str:
    return name.strip("_") + ("_" if name in ("__start__", "__end__") else "")


def _box(name: str) -> str:
    return f"{_id(name)}([{name.strip('_')}])" if name.startswith("__") else f"{_id(name)}[{name}]"


if __name__ == "__main__":
    before = PAGE.read_text(encoding="utf-8")
    after = redrawn(before)
    PAGE.write_text(after, encoding="utf-8")
    sys.stdout.write(f"{PAGE}: {'redrawn' if after != before else 'unchanged'}\n")
