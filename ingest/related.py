"""Passages that are about the same as one that is there already."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from ingest.filters import Chunks, chunks_of
from ingest.lexical import numbered, places_of
from ingest.nearest import Nearest
from ingest.postings import WORDS, code
from ingest.sequence import TermSequence
from ingest.store import Store
from terakoya.errors import BadInput
from terakoya.text.analyser import Analyser
from terakoya.types import Arm, Filter, Hit, Ranking

TELLING: Final = 30
"""Words of the passage that are looked for: the rarest, by how often it has them."""
NAMED: Final = 8
"""Of these, what the ranking names as its query."""
_CHUNKS: Final = """
    SELECT c.id, c.start_line, c.end_line, c.text FROM chunks c JOIN notes n ON n.id = c.note
    WHERE n.root = $root AND n.path = $path ORDER BY c.ordinal
"""
_SEQUENCES: Final = "SELECT sequence FROM chunks WHERE id IN (SELECT unnest($mine))"
_KNOWN: Final = "SELECT term, count(*) FROM occurrences WHERE term IN (SELECT unnest($codes)) GROUP BY term"
_OCCURRENCES: Final = """
    SELECT term, chunk, count, length FROM occurrences WHERE term IN (SELECT unnest($codes))
"""
_SIZES: Final = "SELECT count(*), avg(words) FROM chunks"


class Related:
    """Finds passages like one of a store.

    By words: the most telling words of the passage, each weighed by its rarity and how often it stands there,
    with a weight that saturates as in BM25; a score of 1 is that of the passage itself. By meaning: the cosine
    similarity to the mean of its vectors, which are in the store already. A passage that has vectors is scored
    by the mean of both, another by words alone.
    """

    def __init__(self, store: Store, analyser: Analyser) -> None:
        self._store = store
        self._analyser = analyser
        self._nearest = Nearest(store)

    def like(self, source: str, line: int | None, *, k: int = 10, filter: Filter | None = None) -> Ranking:
        """The `k` passages most like the one at `line` of a note, or like the whole note.

        Neither the passage itself nor those beside it come; for a whole note none of its own.

        Raises:
            NotFound: No such note.
            BadInput: `line` or `k` is below 1, or the note has fewer lines.
        """
        if k < 1:
            raise BadInput("k_small", k=k)
        if line is not None and line < 1:
            raise BadInput("line_small", line=line)
        chunks, lines = self._chunks(source)
        if line is not None and line > lines:
            raise BadInput("line_beyond", line=line, source=source, lines=lines)
        if line is None:
            chosen = list(range(len(chunks)))
            beside = set(chosen)
        else:
            chosen = sorted(range(len(chunks)), key=lambda at: (_distance(chunks[at], line), at))[:1]
            beside = {at + step for at in chosen for step in (-1, 0, 1)}
        mine = [chunks[at][0] for at in chosen]
        known = {chunks[at][0] for at in beside if 0 <= at < len(chunks)}
        wanted = k + len(known)
        ((size, mean),) = self._store.rows(_SIZES)
        telling = self._telling(mine, size)
        only = chunks_of(filter, self._store)
        words = self._by_words(telling, mine, wanted, only, max(float(mean or 0.0), 1.0))
        meaning = self._by_meaning(mine, wanted, only)
        scores = {
            chunk: (words.get(chunk, 0.0) + meaning[chunk]) / 2 if chunk in meaning else words[chunk]
            for chunk in {**words, **meaning}
            if chunk not in known
        }
        best = sorted(scores, key=lambda chunk: (-scores[chunk], chunk))[:k]
        passages = self._store.passages_by_row(best)
        arms: list[tuple[Arm, dict[int, float]]] = [("lexical", words), ("vector", meaning)]
        return Ranking(
            query=self._named([chunks[at][3] for at in chosen], [term for term, _ in telling]),
            hits=tuple(
                Hit(
                    passage=passages[chunk],
                    score=round(scores[chunk], 6),
                    arms={arm: round(given[chunk], 6) for arm, given in arms if chunk in given},
                )
                for chunk in best
                if chunk in passages
            ),
            arms=tuple(arm for arm, given in arms if given),
        )

    def _chunks(self, source: str) -> tuple[list[tuple[int, int, int, str]], int]:
        """Number, first and last line and text of each passage of a note, in order; and how many lines it has."""
        note = self._store.note(source)
        lines = note.view.text.count("\n") + 1
        for root, name in self._store.root_names().items():
            if source == name + note.path:
                rows = self._store.rows(_CHUNKS, {"root": root, "path": note.path})
                return [(int(row[0]), int(row[1]), int(row[2]), str(row[3])) for row in rows], lines
        return [], lines

    def _telling(self, mine: Sequence[int], size: int) -> list[tuple[str, float]]:
        """The most telling words of these passages with their weights, in a store of so many."""
        counts = Counter[str]()
        for (sequence,) in self._store.rows(_SEQUENCES, {"mine": list(mine)}) if mine else ():
            counts.update(TermSequence.decode(sequence).forms())
        codes = {code(WORDS, term): term for term in counts}
        known = self._store.rows(_KNOWN, {"codes": list(codes)}) if codes else []
        weights = {
            codes[number]: math.log(1 + (size - n + 0.5) / (n + 0.5)) * (1 + math.log(counts[codes[number]]))
            for number, n in known
        }
        return sorted(weights.items(), key=lambda each: (-each[1], each[0]))[:TELLING]

    def _by_words(
        self,
        telling: Sequence[tuple[str, float]],
        mine: Sequence[int],
        k: int,
        only: Chunks | None,
        mean: float,
    ) -> dict[int, float]:
        """The `k` passages with most of these words, among `only` these; `mean` is how many words one has."""
        if not telling:
            return {}
        codes = np.array([code(WORDS, term) for term, _ in telling])
        rows = self._store.columns(_OCCURRENCES, {"codes": codes.tolist()})
        weights = np.array([weight for _, weight in telling])[places_of(codes, rows["term"])]
        chunks, at = numbered(rows["chunk"])
        shares = weights * rows["count"] / (rows["count"] + 0.5 + rows["length"] / mean)
        scores = np.bincount(at, shares, minlength=len(chunks))
        own = scores[np.isin(chunks, mine)].max(initial=0.0)
        if only:
            inside = np.isin(chunks, only.numbers(self._store))
            chunks, scores = chunks[inside], scores[inside]
        order = np.lexsort((chunks, -scores))[:k]
        return dict(zip(chunks[order].tolist(), np.minimum(1.0, scores[order] / own).tolist(), strict=True))

    def _by_meaning(self, mine: Sequence[int], k: int, only: Chunks | None) -> dict[int, float]:
        # while vectors of a new embedder are being made, a ranking must not depend on how far that is
        middle = None if self._store.meta("embedding") else self._nearest.mean(mine)
        if middle is None:
            return {}
        return {chunk: max(0.0, near) for chunk, near in self._nearest.find(middle, k, only).items()}

    def _named(self, texts: Sequence[str], telling: Sequence[str]) -> str:
        """The most telling words as the passage writes them."""
        written: dict[str, str] = {}
        for text in texts:
            for line in text.split("\n"):
                for token in self._analyser.tokens(line):
                    written.setdefault(token.form, token.surface)
        named = dict.fromkeys(written[term] for term in telling if term in written)
        return " ".join(list(named)[:NAMED])


def _distance(chunk: tuple[int, int, int, str], line: int) -> int:
    _, first, last, _ = chunk
    return max(first - line, line - last, 0)
