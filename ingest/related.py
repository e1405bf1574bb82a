"""Passages that are about the same as one that is there already."""

from collections.abc import Sequence
from typing import Final

from ingest.filters import Chunks, chunks_of
from ingest.nearest import Nearest
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
_TELLING: Final = """
    WITH mine AS (
        SELECT term, sum(count) AS count FROM postings
        WHERE field = 0 AND chunk IN (SELECT unnest($mine)) GROUP BY term
    ), known AS (
        SELECT term, count(*) AS n FROM postings
        WHERE field = 0 AND term IN (SELECT term FROM mine) GROUP BY term
    )
    SELECT term, ln(1 + ((SELECT count(*) FROM chunks) - n + 0.5) / (n + 0.5)) * (1 + ln(mine.count)) AS weight
    FROM mine JOIN known USING (term) ORDER BY weight DESC, term LIMIT $most
"""
_BY_WORDS: Final = """
    WITH telling AS (SELECT unnest($terms) AS term, unnest($weights) AS weight)
    SELECT p.chunk, sum(weight * p.count / (p.count + 0.5 + c.words / $mean)) AS score
    FROM postings p JOIN telling USING (term) JOIN chunks c ON c.id = p.chunk
    WHERE p.field = 0 AND {condition} GROUP BY p.chunk ORDER BY score DESC, p.chunk LIMIT $k
"""


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
        telling = self._telling(mine)
        only = chunks_of(filter, self._store)
        words = self._by_words(telling, mine, wanted, only)
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

    def _telling(self, mine: Sequence[int]) -> list[tuple[str, float]]:
        rows = self._store.rows(_TELLING, {"mine": list(mine), "most": TELLING}) if mine else []
        return [(str(term), float(weight)) for term, weight in rows]

    def _by_words(
        self, telling: Sequence[tuple[str, float]], mine: Sequence[int], k: int, only: Chunks | None
    ) -> dict[int, float]:
        if not telling:
            return {}
        values = {
            "terms": [term for term, _ in telling],
            "weights": [weight for _, weight in telling],
            "mean": max(float(self._store.rows("SELECT avg(words) FROM chunks")[0][0] or 0.0), 1.0),
        }
        itself = _BY_WORDS.format(condition="p.chunk IN (SELECT unnest($mine))")
        own = float(self._store.rows(itself, {**values, "mine": list(mine), "k": 1})[0][1])
        condition = f"p.chunk IN ({only.sql})" if only else "true"
        rows = self._store.rows(
            _BY_WORDS.format(condition=condition), {**values, **(only.values if only else {}), "k": k}
        )
        return {int(chunk): min(1.0, float(score) / own) for chunk, score in rows}

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
