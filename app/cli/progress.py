"""How far a long command is: how fast, and for how long still."""

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from app.cli.cells import cut, one_line, width
from terakoya.catalogue import text

LINE_SECONDS: Final = 10.0
"""How often a line tells of the progress where no person watches."""
WINDOW_SECONDS: Final = 30.0
"""What the moving average is taken over: notes differ in length, and go into the store in batches."""
_BARE: Final = 60
"""Cells of a terminal below which the numbers take the place of the bar."""
_SHORTEST_NAME: Final = 8
_SAMPLE_SECONDS: Final = 0.25
_RATE_SECONDS: Final = 2.0
_LEFT_SECONDS: Final = 5.0
_LEFT_DONE: Final = 3


class Meter(Protocol):
    """Shows how far something is."""

    def __call__(self, done: int, total: int, what: str) -> None:
        """`done` of `total` are done, and `what` is at work."""
        ...

    def begins(self, what: str) -> None:
        """Something begins that may take long before anything more is done."""
        ...

    def stopping(self) -> None:
        """It was asked to stop, and will soon. Safe to call while a signal is handled."""
        ...


class Pace:
    """The rate at which something is done, as a moving average."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._samples: deque[tuple[float, int]] = deque()
        self._began = (0.0, 0)

    def saw(self, done: int) -> None:
        """Takes note that `done` are done by now; fewer than before begins anew."""
        now = self._clock()
        if not self._samples or done < self._samples[-1][1]:
            self._samples.clear()
            self._began = (now, done)
        elif len(self._samples) > 1 and now - self._samples[-2][0] < _SAMPLE_SECONDS:
            self._samples.pop()
        self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[1][0] > WINDOW_SECONDS:
            self._samples.popleft()

    def rate(self) -> float | None:
        """Done in a second; None as long as that would be a guess."""
        if len(self._samples) < 2 or self._clock() - self._began[0] < _RATE_SECONDS:
            return None
        (start, before), (_, done) = self._samples[0], self._samples[-1]
        return (done - before) / (self._clock() - start) if done > before else None

    def left(self, total: int) -> float | None:
        """Seconds until `total` are done; None as long as that would be a guess, and once they are."""
        rate = self.rate()
        if rate is None or self._clock() - self._began[0] < _LEFT_SECONDS:
            return None
        done = self._samples[-1][1]
        return (total - done) / rate if done < total and done - self._began[1] >= _LEFT_DONE else None


@contextmanager
def metered(what: str, note: Callable[[str], None]) -> Iterator[Meter]:
    """A bar where a person watches stderr, else a line through `note` now and then and one at the end."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _bar(what) as bar:
            yield bar
        return
    lines = _Lines(what, note)
    yield lines
    lines.end()


class _Lines:
    def __init__(self, what: str, note: Callable[[str], None]) -> None:
        self._what = what
        self._note = note
        self._pace = Pace()
        self._started = self._told = time.monotonic()
        self._seen = False
        self._begun = ""

    def __call__(self, done: int, total: int, what: str) -> None:
        self._pace.saw(done)
        self._seen = self._seen or total > 0
        if time.monotonic() - self._told >= LINE_SECONDS:
            self._told = time.monotonic()
            parts = (text("cli.progress", what=self._what, done=done, total=total), *_told(self._pace, total))
            self._note(", ".join(part for part in parts if part))

    def begins(self, what: str) -> None:
        if what != self._begun:  # it may begin again with every batch
            self._begun = what
            self._note(text("cli.progress_begins", what=self._what, now=what))

    def stopping(self) -> None:
        """The end tells."""

    def end(self) -> None:
        if self._seen:
            seconds = f"{time.monotonic() - self._started:.1f}"
            self._note(text("cli.progress_end", what=self._what, seconds=seconds))


@contextmanager
def _bar(what: str) -> Iterator[Meter]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task
    from rich.table import Column
    from rich.text import Text

    console = Console(file=sys.stderr, highlight=False, emoji=False)
    columns = console.width - 1  # a full line would wrap on some terminals
    bar = min(40, columns // 4) if columns >= _BARE else 0
    room = columns - width(what) - (bar + 1 if bar else 0) - 1
    pace = Pace()
    now = ""

    class Numbers(ProgressColumn):
        def render(self, task: Task) -> Text:
            if task.total is None:
                return Text(cut(now, room))
            line = f"{round(task.completed)}/{round(task.total)}"
            for part in _told(pace, round(task.total)):
                longer = f"{line}  {part}"
                line = longer if part and width(longer) <= room else line
            left = room - width(line) - 2
            return Text(f"{line}  {cut(now, left)}" if left >= _SHORTEST_NAME else line)

    with Progress(
        "{task.description}",
        *([BarColumn(bar_width=bar)] if bar else []),
        Numbers(Column(no_wrap=True)),
        console=console,
        transient=True,
        redirect_stdout=False,
    ) as progress:
        task = progress.add_task(what, total=None)

        class Bar:
            def __init__(self) -> None:
                self._stopping = False

            def __call__(self, done: int, total: int, what: str) -> None:
                nonlocal now
                pace.saw(done)
                if not self._stopping:
                    now = one_line(what)
                progress.update(task, completed=done, total=total)

            def begins(self, what: str) -> None:
                nonlocal now
                if not self._stopping:
                    now = what

            def stopping(self) -> None:
                nonlocal now
                self._stopping = True
                now = text("cli.stopping")

        yield Bar()


def _told(pace: Pace, total: int) -> tuple[str, str]:
    rate, left = pace.rate(), pace.left(total)
    return (
        "" if rate is None else text("cli.rate", rate=f"{rate:.1f}"),
        "" if left is None else text("cli.left", time=_clock(left)),
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
