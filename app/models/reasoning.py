"""What a model thinks, apart from what it answers."""

from collections.abc import Iterator, Sequence
from typing import Literal

MARKS = (("<think>", "</think>"), ("[THINK]", "[/THINK]"))

Kind = Literal["reasoning", "answer"]


def answer_begins(tokens: Sequence[str]) -> int:
    """The number of the first token behind the thoughts of a whole output; 0 where it has none."""
    said = "".join(tokens)
    places = [(place, end) for _, end in MARKS if (place := said.find(end)) >= 0]
    if not places:
        return 0
    place, end = min(places)
    position = 0
    for number, token in enumerate(tokens):
        if position >= place + len(end):
            return number
        position += len(token)
    return len(tokens)


class Reasoning:
    """Cuts streamed text at the marks of thoughts; marks may come in parts.

    Thoughts stand before the answer: a mark behind its first words is text like any other.

    Args:
        thinking: Whether the prompt opened the thoughts already, as some chat templates do.
    """

    def __init__(self, *, thinking: bool = False) -> None:
        self._held = ""
        self._ending: tuple[str, ...] = tuple(end for _, end in MARKS) if thinking else ()
        self._answering = False
        self._bare = thinking  # where a mark stood, and nothing but space since

    def feed(self, text: str) -> Iterator[tuple[Kind, str]]:
        """The parts that are certain now."""
        self._held += text
        while self._held:
            if self._answering:
                yield from self._plain("answer", self._take(len(self._held)))
            elif self._ending:
                yield from self._inside()
                if self._ending:
                    return
            elif not self._opened():
                return

    def finish(self) -> Iterator[tuple[Kind, str]]:
        """What was held back."""
        kind: Kind = "reasoning" if self._ending else "answer"
        yield from self._plain(kind, self._take(len(self._held)))

    def _opened(self) -> bool:
        """Looks for the first mark; False while it may still come."""
        start = self._held.lstrip()
        for begin, end in MARKS:
            if start.startswith(begin):
                self._held = start[len(begin) :]
                self._ending = (end,)
                self._bare = True
                return True
        if not start or any(begin.startswith(start) for begin, _ in MARKS):
            return False
        self._answering = True
        return True

    def _inside(self) -> Iterator[tuple[Kind, str]]:
        places = [(place, end) for end in self._ending if (place := self._held.find(end)) >= 0]
        if places:
            place, end = min(places)
            yield from self._plain("reasoning", self._take(place))
            self._take(len(end))
            self._ending, self._answering, self._bare = (), True, True
            return
        keep = max(_overlap(self._held, end) for end in self._ending)
        yield from self._plain("reasoning", self._take(len(self._held) - keep))

    def _take(self, count: int) -> str:
        text, self._held = self._held[:count], self._held[count:]
        return text

    def _plain(self, kind: Kind, text: str) -> Iterator[tuple[Kind, str]]:
        if self._bare:
            text = text.lstrip()
            self._bare = not text
        if text:
            yield kind, text


def _overlap(text: str, mark: str) -> int:
    """Length of the longest end of `text` that begins `mark`."""
    return next((n for n in range(min(len(text), len(mark) - 1), 0, -1) if mark.startswith(text[-n:])), 0)
