"""`terakoya up`: service and page together."""

import argparse
from typing import Any

from app.cli.session import Session


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Starts both, prints the address, and stops both on Ctrl-C or SIGTERM."""
    from app.supervise import up

    wanted: dict[str, Any] = {"port": arguments.port, "page_port": arguments.page_port}
    settings = session.settings.model_copy(update={k: v for k, v in wanted.items() if v is not None})
    terminal = session.terminal
    return up(settings, page=not arguments.no_page, ready=terminal.address, say=terminal.note)
