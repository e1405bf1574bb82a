"""The texts that a context holds: those being worked on, and those kept for whoever comes back to them."""

from array import array
from collections.abc import Iterable
from collections.abc import Sequence as Tokens
from itertools import count

import numpy as np
from numpy.typing import NDArray

from app.models.cells import Cells
from app.models.native import NativeModel
from app.models.shelf import Shelf

_WORTH_KEEPING = 32
"""Tokens below which a text is read again as quickly as it is found."""
_BETTER = 32
"""Tokens that the shelf must save beyond the cache: bringing them back copies megabytes."""
_STALE = 128
"""Tokens of others after which a text that nobody came back to has cost more than its way to the shelf and back.

Each evaluated token looks at each used cell, if only to see that it is another text's: 0.6 microseconds on a core
where copying one out takes 15 to 100, as memory for it is at hand or new, and back 8 (0.6B parameters, Q4_K_M).
"""
_FORGOTTEN = 8192
"""The same where another text has to leave the shelf for it, which would then be read again: 2,800 microseconds."""


class Sequence:
    """One text in the context.

    Attributes:
        number: llama.cpp's number for it.
        tokens: What was evaluated.
        cells: Where in the cache, see `Cells`.
        used: Counts up; the lowest goes first.
        left: What all had evaluated when it was used last.
    """

    __slots__ = ("cells", "left", "number", "tokens", "used")

    def __init__(self, number: int) -> None:
        self.number = number
        self.tokens = array("i")
        self.cells = array("i")
        self.used = 0
        self.left = 0

    def __len__(self) -> int:
        return len(self.tokens)


class Sequences:
    """Gives out sequences that begin with what is known already, within the cells that there are."""

    def __init__(self, model: NativeModel, shelf: Shelf) -> None:
        self._model = model
        self._shelf = shelf
        self._cells = Cells(model.cells)
        self._numbers = list(range(model.sequences - 1, -1, -1))
        self._active: list[Sequence] = []
        self._kept: list[Sequence] = []
        self._clock = count(1)
        self._evaluated = 0

    def census(self) -> dict[str, int]:
        """How many sequences are worked on, kept, and free, and how many cells are held by them and free."""
        held: set[int] = set()
        for sequence in (*self._active, *self._kept):
            held.update(sequence.cells)
        return {
            "active": len(self._active),
            "kept": len(self._kept),
            "free": len(self._numbers),
            "cells_held": len(held),
            "cells_free": self._cells.free,
        }

    def known(self, prompt: Tokens[int]) -> tuple[int, int]:
        """How many tokens of a prompt need not be evaluated, and how many of these someone works on now."""
        best, source, shelved = self._best(np.asarray(prompt, dtype=np.int32))
        return best, best if source in self._active and shelved is None else 0

    def fits(self, length: int, promised: int, shared: int) -> bool:
        """Whether a text that may grow to `length` has room beside what is promised to others.

        Args:
            length: Tokens.
            promised: Tokens that the sequences being worked on may still grow by.
            shared: Tokens of it that one of these holds anyway.
        """
        taken = np.zeros(self._cells.total, dtype=bool)
        for sequence in self._active:
            taken[np.asarray(sequence.cells, dtype=np.int32)] = True
        return int(taken.sum()) + promised + length - shared <= self._cells.total

    def open(self, prompt: Tokens[int], room: int) -> Sequence:
        """A sequence that begins as `prompt` does, as far as that is known; at least one token is left to do.

        Args:
            prompt: Tokens.
            room: Cells beyond the active ones that may be used to bring a text back from the shelf.
        """
        wanted = np.asarray(prompt, dtype=np.int32)
        best, source, shelved = self._best(wanted)
        if shelved is not None and shelved.length <= room and self._bring_back(shelved.number):
            best, source, _ = self._best(wanted)
        sequence = self._new()
        self._active.append(sequence)
        if source is not None and best:
            self._use(source)
            self._model.copy(source.number, sequence.number, best if self._model.rewindable else -1)
            sequence.tokens = source.tokens[:best]
            sequence.cells = source.cells[:best]
            self._cells.share(sequence.cells)
        return sequence

    def make_room(self, count: int) -> None:
        """Sees to it that `count` cells are free; the texts that nobody used for longest go."""
        while self._cells.free < count and self._kept:
            self._evict(self._oldest())

    def tidy(self, longest: int) -> bool:
        """Puts one text on the shelf that only slows others down in the cache; False where there is none.

        Args:
            longest: Tokens that it has at most.
        """
        short = [sequence for sequence in self._kept if len(sequence) <= longest]
        if not short or not self._model.rewindable:
            return False
        oldest = min(short, key=lambda sequence: sequence.used)
        stale = self._evaluated - oldest.left
        if stale < _STALE or self._model.starts_at(oldest.number) > 0:
            return False
        size = self._model.state_size(oldest.number)
        if not (self._shelf.has_room(size) or (stale >= _FORGOTTEN and self._shelf.takes(size))):
            return False
        self._evict(oldest)
        return True

    def grew(self, sequence: Sequence, tokens: Tokens[int]) -> None:
        """These tokens were evaluated at the end of a sequence."""
        self._evaluated += len(tokens)
        if len(tokens) == 1:
            sequence.tokens.append(tokens[0])
            sequence.cells.append(self._cells.take_one())
            return
        sequence.tokens.extend(tokens)
        sequence.cells.extend(self._cells.take(len(tokens)))

    def cut(self, sequence: Sequence, length: int) -> None:
        """Brings a sequence back to `length` tokens, or to none where the model cannot go back."""
        if not self._model.cut(sequence.number, length):
            self._model.remove(sequence.number)
            length = 0
        self._cells.drop(sequence.cells[length:])
        del sequence.tokens[length:]
        del sequence.cells[length:]

    def keep(self, sequence: Sequence) -> None:
        """Nobody works on a sequence any more; it stays for those that begin like it."""
        if len(sequence) < _WORTH_KEEPING:
            self.drop(sequence)
            return
        for other in [k for k in self._kept if _common(k.tokens, sequence.tokens) == len(k)]:
            self._kept.remove(other)
            self._free(other)
        self._use(sequence)
        self._kept.append(sequence)
        self._active.remove(sequence)  # last: while none is active, a census from another thread misses none

    def drop(self, sequence: Sequence) -> None:
        """Nobody works on a sequence any more, and what it holds is not to be trusted."""
        self._free(sequence)
        self._active.remove(sequence)

    def _best(self, prompt: NDArray[np.int32]) -> tuple[int, Sequence | None, "Shelved | None"]:
        best, source = 0, None
        for sequence in (*self._active, *self._kept):
            common = self._usable(sequence.tokens, prompt)
            if common > best and self._model.starts_at(sequence.number) <= 0:
                best, source = common, sequence
        shelved = None
        for number, tokens in self._shelf.entries():
            common = self._usable(tokens, prompt)
            if common >= best + _BETTER:
                best, shelved = common, Shelved(number, len(tokens))
        return best, source, shelved

    def _usable(self, tokens: "array[int]", prompt: NDArray[np.int32]) -> int:
        common = min(_common(tokens, prompt), len(prompt) - 1)
        # A recurrent model keeps one state for all that it read, so there is no going back in it.
        return common if self._model.rewindable or common == len(tokens) else 0

    def _bring_back(self, number: int) -> bool:
        tokens, state = self._shelf.take(number)
        self.make_room(len(tokens))
        if state is None or self._cells.free < len(tokens):
            return False
        sequence = self._new()
        if not self._model.restore(state, sequence.number):
            self._free(sequence)
            return False
        sequence.tokens.extend(tokens)
        sequence.cells.extend(self._cells.take(len(tokens)))
        self._use(sequence)
        self._kept.append(sequence)
        return True

    def _new(self) -> Sequence:
        while not self._numbers:
            self._evict(self._oldest())
        return Sequence(self._numbers.pop())

    def _use(self, sequence: Sequence) -> None:
        sequence.used = next(self._clock)
        sequence.left = self._evaluated

    def _oldest(self) -> Sequence:
        return min(self._kept, key=lambda sequence: sequence.used)

    def _evict(self, oldest: Sequence) -> None:
        self._kept.remove(oldest)
        others: Iterable[Sequence] = (*self._active, *self._kept)
        if not any(_common(other.tokens, oldest.tokens) == len(oldest) for other in others):
            size = self._model.state_size(oldest.number)
            self._shelf.put(oldest.tokens, size, lambda: self._model.save(oldest.number))
        self._free(oldest)

    def _free(self, sequence: Sequence) -> None:
        self._model.remove(sequence.number)
        self._cells.drop(sequence.cells)
        self._numbers.append(sequence.number)


class Shelved:
    """A text on the shelf."""

    def __init__(self, number: int, length: int) -> None:
        self.number = number
        self.length = length


def _common(one: "array[int]", other: "array[int] | NDArray[np.int32]") -> int:
    """Tokens that both begin with."""
    length = min(len(one), len(other))
    if not length:
        return 0
    same = np.frombuffer(one, dtype=np.int32)[:length] == np.asarray(other[:length], dtype=np.int32)
    return length if same.all() else int(same.argmin())
