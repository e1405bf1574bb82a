"""`terakoya search`: the passages themselves."""

import argparse
from itertools import chain, islice
from textwrap import indent

from app.cli.queries import queries
from app.cli.session import Session
from app.cli.terminal import Terminal
from terakoya.api import HitModel, SearchResult, page_name
from terakoya.catalogue import text

MAX_HITS = 1_000_000


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Prints the hits of each query."""
    asked = queries(arguments.query, arguments.batch)
    first = list(islice(asked, 1))  # wrong use shows before anything is opened
    with session.backend() as backend:
        for query in chain(first, asked):
            show(session.terminal, backend.search(query, k=min(arguments.k, MAX_HITS)))
    return 0


def show(terminal: Terminal, result: SearchResult) -> None:
    """Prints one result."""
    if terminal.json:
        terminal.record(result)
        return
    terminal.say(text("cli.hits", query=result.query, count=len(result.hits)), style="bold")
    for number, hit in enumerate(result.hits, 1):
        terminal.say(f"{number:>3}. {place(hit)}  {hit.score:.3f}")
        terminal.say(indent(hit.text.strip("\n"), "     "), style="dim")


def place(hit: HitModel) -> str:
    """Where a hit stands."""
    page = page_name(hit.source, hit.page)
    lines = f"{hit.start_line}-{hit.end_line}" + (f" ({page})" if page else "")
    return f"{hit.source}:{lines}  {' > '.join(hit.heading)}".rstrip()
