"""`terakoya search`: the passages themselves."""

import argparse
from itertools import chain, islice

from app.cli.cells import one_line
from app.cli.notes import opened
from app.cli.queries import clean, queries
from app.cli.session import Session
from app.cli.terminal import Terminal
from terakoya.api import HitModel, SearchResult, page_name
from terakoya.catalogue import text
from terakoya.errors import BadInput
from terakoya.types import Filter

MAX_HITS = 1_000_000
_INDENT = "     "


def run(session: Session, arguments: argparse.Namespace) -> int:
    """Prints the hits of each query, or what is like a place in a note."""
    if arguments.like is not None:
        return _like(session, arguments)
    asked = queries(arguments.query, arguments.batch)
    first = list(islice(asked, 1))  # wrong use shows before anything is opened
    with session.backend() as backend:
        for query in chain(first, asked):
            # what a person sees in colour comes with the explanation
            explain = arguments.explain or session.terminal.coloured
            result = backend.search(
                query, k=min(arguments.k, MAX_HITS), filter=_filter(arguments), explain=explain
            )
            show(session.terminal, result, explain=arguments.explain)
    return 0


def _like(session: Session, arguments: argparse.Namespace) -> int:
    if arguments.query or arguments.batch is not None:
        raise BadInput("like_or_query")
    terminal = session.terminal
    name, line = _place(clean(arguments.like))
    k, explain = min(arguments.k, MAX_HITS), arguments.explain or terminal.coloured
    with session.backend() as backend:

        def look(source: str) -> SearchResult:
            return backend.related(source, line, k=k, filter=_filter(arguments), explain=explain)

        show(terminal, opened(terminal, backend, name, look), explain=arguments.explain)
    return 0


def _filter(arguments: argparse.Namespace) -> Filter:
    return Filter(
        folders=tuple(clean(folder) for folder in arguments.folder),
        tags=tuple(clean(tag) for tag in arguments.tag),
        languages=tuple(arguments.language),
        since=arguments.since,
        until=arguments.until,
    )


def _place(like: str) -> tuple[str, int | None]:
    name, colon, number = like.rpartition(":")
    return (name, int(number)) if colon and name and number.isdecimal() and len(number) < 10 else (like, None)


def show(terminal: Terminal, result: SearchResult, *, explain: bool = False) -> None:
    """Prints one result; with `explain`, below each hit why it stands where it does."""
    if terminal.json:
        terminal.record(result)
        return
    terminal.say(text("cli.hits", query=result.query, count=len(result.hits)), style="bold")
    for number, hit in enumerate(result.hits, 1):
        terminal.say(f"{number:>3}. {place(hit)}  {hit.score:.3f}")
        terminal.marked(hit.text, hit.explain.marks if hit.explain else (), indent=_INDENT)
        if explain and hit.explain:
            arms = (
                text(f"why.arm_{arm}", score=f"{given.score:.3f}", rank=given.rank)
                for arm, given in hit.explain.arms.items()
            )
            for line in (*arms, *hit.explain.why):
                terminal.say(f"{_INDENT}· {line}")
    if result.suggestions:
        terminal.say(text("cli.suggestions", queries=text("cli.or").join(result.suggestions)))


def place(hit: HitModel) -> str:
    """Where a hit stands."""
    page = page_name(hit.source, hit.page)
    lines = f"{hit.start_line}-{hit.end_line}" + (f" ({page})" if page else "")
    return one_line(f"{hit.source}:{lines}  {' > '.join(hit.heading)}").rstrip()
