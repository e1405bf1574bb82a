"""The output check while the text is still coming."""

import re
from collections.abc import Iterable
from typing import Final

from terakoya.protocols import Emit
from workflows.guarding.output import checked_output, leaks

_OPEN: Final = re.compile(
    r"""(?:
    !?\[[^\[\]\n]{0,500}(?:\](?:  # an image or a link
        \([^()\n]{0,2000}(?:\([^()\n]{0,500}\)?[^()\n]{0,500})?|
        \[[^\[\]\n]{0,200}|
        :\s{0,3}\S{0,2000}
    )?)?|
    <(?:[a-z/!][^<>]{0,2000})?|  # a tag
    <[|｜][^|｜\n]{0,40}[|｜]?  # a mark of a template
    )\Z""",
    re.VERBOSE | re.IGNORECASE,
)
_WORD: Final = re.compile(r"[^\s<>\"'`|\\^\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]{1,2000}\Z")
_FAR: Final = 4096


class GuardedStream:
    """Passes pieces of an answer on when no later piece can make an image, a link or a mark of them.

    What is passed on has been through `checked_output`, except that a piece of the instructions is known only when it is
    long enough; then nothing more is passed on, and the caller replaces all by the checked answer.
    """

    def __init__(
        self, emit: Emit, allowed: Iterable[str] = (), *, instructions: Iterable[str] = (), border: str = ""
    ) -> None:
        self._emit = emit
        self._allowed = tuple(allowed)
        self._instructions = tuple(instructions)
        self._border = border
        self._said = ""
        self._held = ""
        self.silenced = False
        """The instructions were leaking: the rest is not passed on."""

    def feed(self, piece: str) -> None:
        """Takes the next piece."""
        self._held += piece
        if len(self._held) < _FAR:
            self._pass_on(_ready(self._held))
        else:
            self._pass_on(len(self._held))

    def close(self) -> None:
        """Passes on what was held back; there is no further piece."""
        self._pass_on(len(self._held))

    def _pass_on(self, end: int) -> None:
        ready, self._held = self._held[:end], self._held[end:]
        if self.silenced or not ready:
            return
        self._said += ready
        if self._instructions and leaks(self._said[-_FAR:], self._instructions, self._allowed):
            self.silenced = True
            return
        text = checked_output(ready, self._allowed, border=self._border).text
        if text:
            self._emit(text)


def _ready(text: str) -> int:
    """How much of `text` can be passed on: up to where nothing is open any more."""
    end, before = _open_from(text), len(text)
    while end < before:
        end, before = _open_from(text[:end]), end
    return end


def _open_from(text: str) -> int:
    """Where in `text` something begins that may still become an image, a link or a mark."""
    line = text.rfind("\n") + 1
    starts = [len(text)]
    word = _WORD.search(text, max(line, len(text) - 2000))
    if word:
        starts.append(word.start())
    for mark in ("![", "[", "<"):
        at = text.rfind(mark)
        while at >= 0:
            if _OPEN.match(text, at):
                starts.append(at)
            at = text.rfind(mark, 0, at) if len(text) - at < 600 else -1
    if text.endswith("!"):
        starts.append(len(text) - 1)
    return min(starts)
