"""`terakoya mcp`: the notes for programs that speak MCP, over stdin and stdout."""

import argparse

from app.cli.session import Session


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Serves until stdin ends."""
    settings = session.settings  # wrong settings show before the protocol begins
    from app.mcp.own import make_server

    make_server(settings).run("stdio")
    return 0
