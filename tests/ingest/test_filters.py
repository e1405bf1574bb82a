"""Filters: each condition lets through what it says, they compose, and the full number comes all the same."""

import os
from datetime import date, datetime
from typing import Any

import numpy as np
import pytest

from ingest.filters import Chunks, chunks_of, require_known
from ingest.related import Related
from ingest.search import HybridRetriever
from ingest.store import Store
from ingest.vectors import Vectors
from terakoya.errors import BadInput, NotFound
from terakoya.text.analyser import Analyser
from terakoya.types import Filter

NOTES = {
    "biology/cell.md": "---\ntags: [exam/2025, life]\n---\n# Cell\n\nA cell is a unit of life.\n",
    "biology/cell-walls.md": "# Walls\n\nA cell wall. #Exam\n",
    "biology2/other.md": "# Other\n\nAnother cell of something else.\n",
    "生物/細胞.md": "# 細胞\n\n細胞 (cell) は生命の単位である。\n",
    "dated.md": "---\ndate: 2023-05-06\n---\n# Dated\n\nA cell of the sixth of May.\n",
    "log.md": "# Learning log\n\n## 2025-07-01\n\n- cell division\n\n## 2025-08-15\n\n- cell membranes\n",
}


@pytest.fixture
def filtered(store: Store, analyser: Analyser, write, sync):
    folder = write(NOTES)
    for path in folder.rglob("*.md"):
        stamp = datetime(2024, 3, 10, 12).timestamp()
        os.utime(path, (stamp, stamp))
    sync(folder)
    retriever = HybridRetriever(store, analyser, None)

    def found(**conditions: Any) -> set[str]:
        return {hit.passage.source for hit in retriever.search("cell", filter=Filter(**conditions)).hits}

    return found


@pytest.mark.parametrize(
    ("conditions", "sources"),
    [
        ({}, set(NOTES)),
        ({"folders": ("biology",)}, {"biology/cell.md", "biology/cell-walls.md"}),
        ({"folders": ("./Biology/",)}, {"biology/cell.md", "biology/cell-walls.md"}),
        ({"folders": ("biology/cell.md",)}, {"biology/cell.md"}),
        ({"folders": ("biology/cell",)}, set()),
        ({"folders": ("生物", "log.md")}, {"生物/細胞.md", "log.md"}),
        ({"folders": ("生物\u0301",)}, set()),
        ({"tags": ("life",)}, {"biology/cell.md"}),
        ({"tags": ("#EXAM",)}, {"biology/cell.md", "biology/cell-walls.md"}),
        ({"tags": ("exam", "life")}, {"biology/cell.md"}),
        ({"tags": ("exam/2025",)}, {"biology/cell.md"}),
        ({"tags": ("exa",)}, set()),
        ({"languages": ("ja",)}, {"生物/細胞.md"}),
        ({"languages": ("ja", "en")}, set(NOTES)),
        ({"since": date(2024, 3, 10), "until": date(2024, 3, 10)}, set(NOTES) - {"log.md", "dated.md"}),
        ({"since": date(2024, 3, 11)}, {"log.md"}),
        ({"until": date(2024, 3, 9)}, {"dated.md"}),
        ({"since": date(2023, 5, 6), "until": date(2023, 5, 6)}, {"dated.md"}),
        ({"until": date(2023, 5, 5)}, set()),
        (
            {"folders": ("biology",), "tags": ("exam",), "languages": ("en",)},
            {"biology/cell.md", "biology/cell-walls.md"},
        ),
        ({"folders": ("biology",), "languages": ("ja",)}, set()),
    ],
)
def test_a_filter_lets_through_what_it_says(filtered, conditions: dict[str, Any], sources: set[str]) -> None:
    assert filtered(**conditions) == sources


def test_a_learning_log_is_dated_by_its_days_and_not_by_its_file(filtered) -> None:
    for since, until, inside in (
        (date(2025, 7, 1), date(2025, 7, 1), True),
        (date(2025, 7, 2), date(2025, 8, 14), False),
        (date(2025, 8, 1), None, True),
        (None, date(2025, 6, 30), False),
        (date(2025, 8, 16), None, False),
    ):
        assert ("log.md" in filtered(folders=("log.md",), since=since, until=until)) == inside


@pytest.mark.parametrize("place", ["'; DROP TABLE notes; --", "100%", "_", "a\\b", "$only_0"])
def test_a_folder_or_tag_is_taken_letter_for_letter(filtered, store: Store, place: str) -> None:
    assert filtered(folders=(place,)) == set()
    assert filtered(tags=(place,)) == set()
    assert store.counts()[0] == len(NOTES)


def test_of_several_roots_a_folder_begins_with_the_root_s_name(
    store: Store, analyser: Analyser, write, sync, tmp_path
) -> None:
    for root in ("one", "two"):
        folder = tmp_path / root
        folder.mkdir()
        sync(write({"deep/cell.md": "# Cell\n\nA cell.\n"}, folder))
    search = HybridRetriever(store, analyser, None).search

    def found(folder: str) -> set[str]:
        return {hit.passage.source for hit in search("cell", filter=Filter(folders=(folder,))).hits}

    assert found("one") == {"one/deep/cell.md"}
    assert found("one/deep") == {"one/deep/cell.md"}
    assert found("two/deep/cell.md") == {"two/deep/cell.md"}
    assert found("deep") == set()


def test_a_filter_takes_nothing_from_the_number_asked_for(
    store: Store, analyser: Analyser, write, sync
) -> None:
    notes = {f"a/{n}.md": f"# {n}\n\n{'cell ' * 5}\n" for n in range(150)}
    sync(
        write(
            {**notes, **{f"b/{n}.md": f"# {n}\n\nIn part {n} of many a cell is named.\n" for n in range(12)}}
        )
    )
    search = HybridRetriever(store, analyser, None).search
    hits = search("cell", k=10, filter=Filter(folders=("b",))).hits
    assert [hit.passage.source.split("/")[0] for hit in hits] == ["b"] * 10
    scores = {hit.passage.id: hit.score for hit in search("cell", k=200).hits}
    order = [scores[hit.passage.id] for hit in hits]
    assert order == sorted(order, reverse=True)


class Lengths:
    """Embeds a text by its length."""

    fingerprint, dimensions, languages, tokens = "lengths", 2, frozenset({"en"}), None

    def embed_query(self, text: str) -> np.ndarray:
        return self.embed_documents([text])[0]

    def embed_documents(self, texts) -> np.ndarray:
        made = np.array([[len(text), 10.0] for text in texts], dtype=np.float32)
        return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_the_vector_arm_looks_only_at_what_is_let_through(
    store: Store, analyser: Analyser, write, sync
) -> None:
    vectors = Vectors(store, Lengths())
    notes = {f"a/{n}.md": f"# {n}\n\n{'word ' * n}\n" for n in range(1, 40)}
    sync(write({**notes, "b/x.md": "# X\n\nsomething else\n"}), vectors=vectors)
    ranking = HybridRetriever(store, analyser, vectors).search("zebra", filter=Filter(folders=("b",)))
    assert ranking.arms == ("lexical", "vector")
    assert [hit.passage.source for hit in ranking.hits] == ["b/x.md"]
    like = Related(store, analyser).like("a/3.md", None, filter=Filter(folders=("b",)))
    assert [hit.passage.source for hit in like.hits] == ["b/x.md"]


def test_what_a_filter_names_and_is_not_there_is_said(filtered, store: Store) -> None:
    require_known(Filter(folders=("biology",), languages=("ja",)), store)
    with pytest.raises(NotFound, match="`biolgy`"):
        require_known(Filter(folders=("biology", "biolgy")), store)
    with pytest.raises(NotFound, match="`exams`"):
        require_known(Filter(tags=("exams",)), store)


def test_parameters_of_a_filter_are_its_own() -> None:
    chunks = Chunks(
        Filter(folders=("a",), tags=("b",), languages=("ja",), since=date(2025, 1, 1)), {1: "", 2: "x/"}
    )
    assert chunks.values
    assert all(name.startswith("only_") for name in chunks.values)


def test_days_that_end_before_they_begin_are_refused(store: Store) -> None:
    day = date(2026, 4, 1)
    assert chunks_of(Filter(since=day, until=day), store)
    with pytest.raises(BadInput, match="--until"):
        chunks_of(Filter(since=day, until=date(2026, 3, 31)), store)
