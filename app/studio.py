"""The graph for people to look at: in LangGraph Studio (`langgraph.json`), and as the picture of its page.

`python -m app.studio` draws the compiled graph into `docs/workflow.md`.
"""

import re
import sys
from pathlib import Path
from typing import Final

from app.settings import load_settings
from app.tracing import NoTracer
from app.wiring import open_installation
from terakoya.text.analyser import Analyser
from workflows.graph import Graph, build_graph
from workflows.nodes import Parts
from workflows.testing import ScriptedAnswerer, ScriptedRetriever
from workflows.tools.nodes import ToolParts
from workflows.tools.testing import RememberedIntents, ScriptedToolbox

PAGE: Final = Path(__file__).parents[1] / "docs" / "workflow.md"
_DRAWN: Final = re.compile(r"(<!-- drawn by python -m app\.studio -->\n```mermaid\n).*?(```\n)", re.DOTALL)
_HIDDEN: Final = "__default_error_handler__"


def graph() -> Graph:
    """The graph over the installation of `TERAKOYA_HOME`, without its conversations: Studio keeps its own.

    Raises:
        Unavailable: There is no store yet.
        Busy: The service of the home is up and holds it.
    """
    wiring = open_installation(load_settings(), tracer=NoTracer()).wiring
    return build_graph(wiring.parts())


def mermaid() -> str:
    """The graph as it is compiled, in Mermaid's language; the handler behind every node is left out."""
    parts = Parts(
        retriever=ScriptedRetriever(),
        answerers=[ScriptedAnswerer()],
        analyser=Analyser(),
        tracer=NoTracer(),
        passages=1,
        tools=ToolParts(toolbox=ScriptedToolbox(), intents=RememberedIntents(), tracer=NoTracer()),
    )
    drawn = build_graph(parts).get_graph()
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


def _id(name: str) -> str:
    return name.strip("_") + ("_" if name in ("__start__", "__end__") else "")


def _box(name: str) -> str:
    return f"{_id(name)}([{name.strip('_')}])" if name.startswith("__") else f"{_id(name)}[{name}]"


if __name__ == "__main__":
    before = PAGE.read_text(encoding="utf-8")
    after = redrawn(before)
    PAGE.write_text(after, encoding="utf-8")
    sys.stdout.write(f"{PAGE}: {'redrawn' if after != before else 'unchanged'}\n")
