"""Who uses how much of the key-value cache that all sequences of a context share."""

from array import array

import numpy as np
from numpy.typing import NDArray


class Cells:
    """Counts the cells of a unified key-value cache.

    llama.cpp lets several sequences share the cells of a common beginning, and does not tell how many are
    left. Here each evaluated token gets a number, and a number is free again when no sequence holds it.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._holders: NDArray[np.int32] = np.zeros(total, dtype=np.int32)
        self._free = array("i", range(total - 1, -1, -1))

    @property
    def free(self) -> int:
        """Cells that no sequence holds."""
        return len(self._free)

    def take(self, count: int) -> "array[int]":
        """Numbers of `count` free cells, each held once now."""
        if count == 0:
            return array("i")
        taken = self._free[-count:]
        del self._free[-count:]
        self._holders[_view(taken)] = 1
        return taken

    def take_one(self) -> int:
        """Number of a free cell, held once now; quicker than `take`."""
        number = self._free.pop()
        self._holders[number] = 1
        return number

    def share(self, numbers: "array[int]") -> None:
        """One more sequence holds these."""
        if numbers:
            self._holders[_view(numbers)] += 1

    def drop(self, numbers: "array[int]") -> None:
        """One sequence fewer holds these."""
        if not numbers:
            return
        view = _view(numbers)
        self._holders[view] -= 1
        self._free.frombytes(view[self._holders[view] == 0].tobytes())


def _view(numbers: "array[int]") -> NDArray[np.int32]:
    return np.frombuffer(numbers, dtype=np.int32)
