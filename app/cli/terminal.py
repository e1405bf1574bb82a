"""Printing: JSON lines for programs, readable text for people, progress on stderr."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from terakoya.catalogue import text
from terakoya.text.normalise import printable

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console

Progress = Callable[[int, int, str], None]


class Terminal:
    """Where the output of a command goes.

    Notes and answers are other people's text: control characters, which steer a terminal, are left out.

    Attributes:
        json: One JSON object a line on stdout, everything else on stderr.
    """

    def __init__(self, *, json: bool) -> None:
        self.json = json

    @property
    def interactive(self) -> bool:
        """Whether a person watches stdout."""
        return not self.json and sys.stdout.isatty()

    def record(self, shape: "BaseModel") -> None:
        """Prints one object as a line of JSON."""
        # json.dumps and not pydantic's own: it writes an unpaired surrogate instead of raising.
        self._out(json.dumps(shape.model_dump(mode="json"), ensure_ascii=False) + "\n")

    def say(self, line: str = "", *, style: str = "") -> None:
        """Prints a line for people: on stdout, or on stderr where stdout is for JSON."""
        if self.json:
            self.note(line)
        elif style and self.interactive and not os.environ.get("NO_COLOR"):
            from rich.text import Text

            self._console().print(Text(printable(line), style=style), soft_wrap=True)
        else:
            self._out(printable(line) + "\n")

    def address(self, address: str) -> None:
        """Prints where something can be reached, alone on its line."""
        self._out((json.dumps({"address": address}) if self.json else address) + "\n")

    def piece(self, part: str) -> None:
        """Prints a part of a line at once."""
        self._out(printable(part))

    def note(self, line: str) -> None:
        """Prints a line beside the output."""
        print(printable(line), file=sys.stderr, flush=True)  # noqa: T201

    def _out(self, content: str) -> None:
        sys.stdout.write(content)
        sys.stdout.flush()

    def _console(self) -> "Console":
        from rich.console import Console

        return Console(file=sys.stdout, highlight=False, markup=False, emoji=False)

    @contextmanager
    def progress(self, what: str) -> Iterator[Progress]:
        """A bar with rate and time left where a person watches stderr, else one line at the end."""
        started = time.monotonic()
        seen = 0

        if not sys.stderr.isatty():

            def count(done: int, total: int, current: str) -> None:
                nonlocal seen
                seen = done

            yield count
            self.note(
                text("cli.progress_end", what=what, done=seen, seconds=f"{time.monotonic() - started:.1f}")
            )
            return

        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        with Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}", markup=False),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr, highlight=False),
            transient=True,
        ) as bar:
            task = bar.add_task(what, total=None, rate="")

            def advance(done: int, total: int, current: str) -> None:
                rate = done / max(time.monotonic() - started, 1e-3)
                bar.update(task, completed=done, total=total, rate=text("cli.rate", rate=f"{rate:.1f}"))

            yield advance
