"""What the indexes read of a chunk beyond its text: what the view could not keep, and a quote may not hold."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Final

from ingest.chunks import Chunk
from ingest.plain import plain
from ingest.verbatim import Span, regions
from ingest.view import View

_FENCE: Final = re.compile(r"`{3,}|~{3,}")


class Unseen:
    """The chunks of a note, and what stands behind its view.

    Args:
        view: Of the note.
        chunks: In reading order.
    """

    def __init__(self, view: View, chunks: Sequence[Chunk]) -> None:
        self._view = view
        self._chunks = chunks
        self._alternatives: dict[int, list[str]] = {}
        starts = [piece.start for piece in chunks]
        for image in view.images if starts else ():
            if image.alt:
                # one that stands between two goes with the one before it, as a picture goes with its text
                owner = max(0, bisect_right(starts, image.offset) - 1)
                self._alternatives.setdefault(owner, []).append(image.alt)

    def shown(self, number: int) -> str | None:
        """What the indexes read of the text of a chunk, counted from 0; None where that is `plain` of it."""
        piece, apart = self._chunks[number], self._view.apart
        within = apart[bisect_right(apart, piece.start) : bisect_left(apart, piece.end)]
        fence = self._fence_around(piece)
        alternatives = self._alternatives.get(number, ())
        if not (within or fence or alternatives):
            return None
        bounds = [piece.start, *within, piece.end]
        text = " ".join(self._view.text[a:b] for a, b in pairwise(bounds))
        return "\n".join((plain(f"{fence}\n{text}" if fence else text), *alternatives))

    def _fence_around(self, piece: Chunk) -> str:
        """The mark of the code that a chunk begins in the middle of; empty where it begins elsewhere."""
        if not piece.blocks or piece.blocks[0].kind != "code":
            return ""
        index = bisect_left(self._fences, (piece.start, 0)) - 1
        if index < 0 or self._fences[index][1] <= piece.start:
            return ""
        mark = _FENCE.search(self._view.text, self._fences[index][0], piece.start)
        return mark.group() if mark else ""

    @cached_property
    def _fences(self) -> tuple[Span, ...]:
        return regions(self._view.text).fences
