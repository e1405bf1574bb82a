"""Printing: JSON lines for programs, readable text for people, progress on stderr."""

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Final

from app.cli.cells import one_line
from terakoya.catalogue import text
from terakoya.text.normalise import printable

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console

    from app.cli.progress import Meter

MARKED: Final = "bold yellow not dim"


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

    @property
    def coloured(self) -> bool:
        """Whether that person sees colours."""
        return self.interactive and not os.environ.get("NO_COLOR")

    @property
    def columns(self) -> int | None:
        """Cells of a line where a person watches stdout, else None: then nothing is cut."""
        return shutil.get_terminal_size().columns if self.interactive else None

    def record(self, shape: "BaseModel") -> None:
        """Prints one object as a line of JSON."""
        self.values(shape.model_dump(mode="json"))

    def values(self, values: Mapping[str, object]) -> None:
        """Prints one object as a line of JSON."""
        # json.dumps and not pydantic's own: it writes an unpaired surrogate instead of raising.
        self._out(json.dumps(values, ensure_ascii=False) + "\n")

    def say(self, line: str = "", *, style: str = "") -> None:
        """Prints a line for people: on stdout, or on stderr where stdout is for JSON."""
        if self.json:
            self.note(line)
        elif style and self.coloured:
            from rich.text import Text

            self._console().print(Text(printable(line), style=style), soft_wrap=True)
        else:
            self._out(printable(line) + "\n")

    def marked(self, passage: str, spans: Sequence[tuple[int, int]], *, indent: str) -> None:
        """Prints a passage with its lines indented; `spans` of it stand out where a person sees colours."""
        body = passage.strip("\n")
        if not self.coloured:
            self.say("\n".join(indent + line if line.strip() else line for line in body.split("\n")))
            return
        from rich.text import Text

        shown, at = Text(style="dim"), passage.find(body)
        for line in body.split("\n"):
            shown.append(indent if line.strip() else "")
            done = at
            for start, end in spans:
                first, last = max(start, done), min(end, at + len(line))
                if first < last:
                    shown.append(printable(passage[done:first]))
                    shown.append(printable(passage[first:last]), style=MARKED)
                    done = last
            shown.append(printable(passage[done : at + len(line)]) + "\n")
            at += len(line) + 1
        self._console().print(shown, soft_wrap=True, end="")

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

    def names(self, names: Sequence[str], *, at_most: int | None = None) -> None:
        """Prints names one a line, those of a long list only at its beginning."""
        for name in names[:at_most]:
            self.say(f"  {one_line(name)}")
        if at_most is not None and len(names) > at_most:
            self.say(f"  {text('cli.more', count=len(names) - at_most)}")

    def progress(self, what: str) -> "AbstractContextManager[Meter]":
        """Shows on stderr how far something is."""
        from app.cli.progress import metered

        return metered(what, self.note)
