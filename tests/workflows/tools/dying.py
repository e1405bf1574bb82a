"""A program that ends in the middle of an effect: `python -m tests.workflows.tools.dying FOLDER`."""

import os
import signal
import sqlite3
import sys
from contextlib import closing, contextmanager
from pathlib import Path

from langgraph.checkpoint.sqlite import SqliteSaver

from app.intents import SqliteIntents
from app.tracing import NoTracer
from terakoya.types import Decision, ToolResult
from workflows.tools.approving import stream_asking
from workflows.tools.graph import build_tools_graph
from workflows.tools.nodes import ToolParts
from workflows.tools.testing import ScriptedTool, ScriptedToolbox

PUT = "shelf__put"


class Putting(ScriptedTool):
    """Writes a line, and then may die before anybody hears of it."""

    folder: Path
    die: bool

    def call(self, arguments, *, language):
        with (self.folder / "effects.txt").open("a") as file:
            file.write("put\n")
        if self.die:
            os.kill(os.getpid(), signal.SIGKILL)
        return ToolResult(text="done")


@contextmanager
def make_graph(folder, *, die):
    tool = Putting(name=PUT, server="shelf", changes=True, asks=True)
    tool.folder, tool.die = folder, die
    parts = ToolParts(
        toolbox=ScriptedToolbox(made=[tool]),
        intents=SqliteIntents(folder / "threads.sqlite"),
        tracer=NoTracer(),
    )
    with closing(sqlite3.connect(folder / "threads.sqlite", check_same_thread=False)) as connection:
        yield build_tools_graph(parts, SqliteSaver(connection))


if __name__ == "__main__":
    with make_graph(Path(sys.argv[1]), die=True) as made:
        list(
            stream_asking(
                made,
                {"question": f"@{PUT} {{}}", "trace_id": "trace"},
                {"configurable": {"thread_id": "t"}},
                decide=lambda approval: Decision(verdict="approve"),
                stream_mode=["updates"],
            )
        )
