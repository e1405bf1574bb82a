"""Marks of citations while an answer is still coming: with the numbers that they will have in the end."""

from collections.abc import Callable
from typing import Final

from terakoya.protocols import Emit
from workflows.claims import MARK, OPEN_MARK
from workflows.resolving import may_say_nothing, says_nothing

_LONGEST: Final = 20_000
"""Code points of an answer up to which marks are resolved; longer ones are rubbish that is replaced at its end."""


class MarkStream:
    """Passes text on, and in place of each mark the number of its citation.

    What may still become a mark is held back, and so is the beginning, as long as it may become `NO ANSWER`. A mark
    at something that the notes do not support is left out: the sentence itself goes when all is checked.

    Args:
        emit: Receives the text.
        resolve: Gives, for all text so far with a mark at its end, the piece that it belongs to and the number of its
            citation, or 0.
    """

    def __init__(self, emit: Emit, resolve: Callable[[str], tuple[int, int]]) -> None:
        self._emit = emit
        self._resolve = resolve
        self._said = ""
        self._held = ""
        self._begun = False
        self._last = (0, 0)

    def feed(self, piece: str) -> None:
        """Takes the next piece."""
        self._held += piece
        if not self._begun and may_say_nothing(self._held):
            return
        self._begun = True
        opened = OPEN_MARK.search(self._held)
        self._pass_on(opened.start() if opened else len(self._held.rstrip(" ")))

    def close(self) -> None:
        """Passes on what was held back, unless it says that there is no answer."""
        if self._begun or not says_nothing(self._held):
            self._pass_on(len(self._held))

    def _pass_on(self, end: int) -> None:
        ready, self._held = self._held[:end], self._held[end:]
        if not ready:
            return
        if len(self._said) > _LONGEST:
            self._emit(ready)
            return
        shown = ""
        at = 0
        for mark in MARK.finditer(ready):
            between = ready[at : mark.start()]
            shown += between
            self._said += between + mark[0]
            at = mark.end()
            found = self._resolve(self._said)
            if found[1] and found != self._last:
                blank = mark[0][0] if mark[0][0].isspace() else ""
                shown += f"{blank}[{found[1]}]"
            self._last = found
        self._said += ready[at:]
        shown += ready[at:]
        if shown:
            self._emit(shown)
