"""Builds the parts that the tools' nodes work with."""

from typing import TYPE_CHECKING

from app.intents import SqliteIntents
from app.mcp.configuration import read_configuration
from app.mcp.server import Limits
from app.mcp.toolbox import McpToolbox
from app.settings import Settings
from ingest.journal import NoteJournal
from terakoya.protocols import Retriever, Tracer
from workflows.tools.builtin import calculator, calendar, read_note, search_notes
from workflows.tools.choosing import Chooser
from workflows.tools.nodes import ToolParts

if TYPE_CHECKING:
    from ingest.store import Store


def make_tool_parts(
    settings: Settings, store: "Store", retriever: Retriever, tracer: Tracer, chooser: Chooser | None
) -> ToolParts:
    """The tools of an installation: those that are built in, and those of the servers of its configuration.

    Raises:
        BadInput: The configuration of MCP servers cannot be read.
    """
    builtin = [
        calculator(),
        calendar(NoteJournal(store)),
        search_notes(retriever),
        read_note(lambda source: store.note(source).view.text),
    ]
    limits = Limits(start=settings.mcp_seconds, call=settings.mcp_seconds, characters=settings.mcp_characters)
    path = settings.mcp_path
    toolbox = McpToolbox(builtin, read_configuration(path), path=path, limits=limits)
    return ToolParts(
        toolbox=toolbox, intents=SqliteIntents(settings.threads_path), tracer=tracer, chooser=chooser
    )
