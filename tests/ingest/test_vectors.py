"""The vector arm: it votes on what its embedder can read, and is in step with the notes."""

import re
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ingest.search import HybridRetriever
from ingest.store import Store
from ingest.vectors import Vectors
from terakoya.errors import Unavailable
from terakoya.text.analyser import Analyser
from terakoya.types import Language

SYNONYMS = {"automobile": "car", "physician": "doctor", "purchase": "buy"}
CORPUS = {
    "car.md": "# Garage\n\nThe car is parked outside the house.\n",
    "doctor.md": "# Health\n\nA doctor looked after the patient.\n",
    "shop.md": "# Shopping\n\nYou can buy bread and milk there.\n",
    "bio.md": "# 生物\n\n光合成は葉緑体で行われる。\n\n# 呼吸\n\nミトコンドリアが担う。\n",
    "db.md": "# データベース\n\nインデックスは検索を速くする。サーバーが応える。\n",
}


class Words:
    """Counts words, and two marks around them."""

    limit = 40
    fingerprint = "words-40"

    def count(self, text: str) -> int:
        return len(text.split()) + 2

    def spans(self, text: str) -> list[tuple[int, int]]:
        return [found.span() for found in re.finditer(r"\S+", text)]


class HashingEmbedder:
    """Words hashed into a unit vector, synonyms into the same place. Reads English alone."""

    dimensions = 64
    tokens: Words | None = None
    languages: frozenset[Language] = frozenset({"en"})

    def __init__(self, fingerprint: str = "hashing|1") -> None:
        self.fingerprint = fingerprint
        self.read: list[str] = []

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return self._embed(text)

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.read += texts
        return np.stack([self._embed(text) for text in texts])

    def _embed(self, text: str) -> NDArray[np.float32]:
        vector = np.full(self.dimensions, 1e-3, dtype=np.float32)
        for word in re.findall(r"\w+", text.lower()):
            seed = blake2b(f"{self.fingerprint}{SYNONYMS.get(word, word)}".encode(), digest_size=4).digest()
            vector += np.random.default_rng(int.from_bytes(seed, "big")).standard_normal(self.dimensions)
        return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture
def embedder() -> HashingEmbedder:
    return HashingEmbedder()


@pytest.fixture
def vectors(store: Store, embedder: HashingEmbedder) -> Vectors:
    return Vectors(store, embedder)


def test_a_word_that_stands_nowhere_is_found_by_its_meaning(
    store: Store, analyser: Analyser, write, sync, vectors: Vectors
) -> None:
    sync(write(CORPUS), vectors=vectors)
    ranking = HybridRetriever(store, analyser, vectors).search("automobile")
    assert ranking.hits[0].passage.source == "car.md"
    assert ranking.arms == ("lexical", "vector")
    assert "vector" in ranking.hits[0].arms


def test_an_ingest_tells_when_vectors_have_to_be_made(write, sync, vectors: Vectors, notes: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    sync(write({"car.md": CORPUS["car.md"]}), vectors=vectors, progress=lambda *step: seen.append(step))
    assert seen == [(0, 1, "car.md"), (1, 1, ""), (1, 1, "car.md")]
    seen.clear()
    (notes / "car.md").rename(notes / "garage.md")  # its vectors are known
    sync(notes, vectors=vectors, progress=lambda *step: seen.append(step))
    assert seen == [(0, 1, "garage.md"), (1, 1, "garage.md")]


@pytest.mark.parametrize(
    "query", ["光合成", "サーバー", "インデックスの検索", "ミトコンドリア doctor", "葉緑体はどこ"]
)
def test_a_japanese_ranking_is_the_same_with_and_without_an_english_embedder(
    store: Store, analyser: Analyser, write, sync, vectors: Vectors, query: str
) -> None:
    sync(write(CORPUS), vectors=vectors)
    without = HybridRetriever(store, analyser, None).search(query)
    assert HybridRetriever(store, analyser, vectors).search(query) == without
    assert without.arms == ("lexical",)


def test_text_that_the_embedder_cannot_read_has_no_vector(
    store: Store, write, sync, vectors: Vectors, embedder: HashingEmbedder
) -> None:
    sync(write(CORPUS), vectors=vectors)
    assert vectors.count() == 3
    assert not [text for text in embedder.read if "光合成" in text]


def test_an_english_query_still_finds_japanese_notes(
    store: Store, analyser: Analyser, write, sync, vectors: Vectors
) -> None:
    sync(write({**CORPUS, "mixed.md": "# メモ\n\nTCPは順序を守る通信の決まりである。\n"}), vectors=vectors)
    hits = HybridRetriever(store, analyser, vectors).search("TCP").hits
    assert hits[0].passage.source == "mixed.md"


def test_scores_of_the_vector_arm_are_cosines_of_an_exact_scan(
    store: Store, write, sync, vectors: Vectors, embedder: HashingEmbedder
) -> None:
    sync(write(CORPUS), vectors=vectors)
    rows = store.rows("SELECT chunk, vector FROM vectors")
    query = embedder.embed_query("a doctor")
    expected = {chunk: float(np.dot(np.asarray(vector), query)) for chunk, vector in rows}
    found = vectors.search("a doctor", 2).nearest
    assert found == pytest.approx(
        {c: expected[c] for c in sorted(expected, key=lambda c: -expected[c])[:2]}, abs=1e-5
    )


def test_text_that_was_embedded_before_is_not_embedded_again(
    store: Store, write, sync, notes, vectors: Vectors, embedder: HashingEmbedder
) -> None:
    sync(write(CORPUS), vectors=vectors)
    embedder.read.clear()
    (notes / "car.md").rename(notes / "garage.md")
    write({"copy/doctor.md": CORPUS["doctor.md"], "new.md": "Something new.\n"})
    sync(notes, vectors=vectors)
    assert embedder.read == ["Something new."]
    assert vectors.count() == 5


def test_vectors_go_with_their_notes(store: Store, write, sync, notes, vectors: Vectors) -> None:
    sync(write(CORPUS), vectors=vectors)
    (notes / "car.md").unlink()
    write({"shop.md": "# Shopping\n\nNothing to see.\n"})
    sync(notes, vectors=vectors)
    assert vectors.count() == 2
    assert store.rows("SELECT count(*) FROM vectors WHERE chunk NOT IN (SELECT id FROM chunks)") == [(0,)]


def test_another_embedder_is_refused_until_an_ingest_mends_it(
    store: Store, analyser: Analyser, write, sync, notes, vectors: Vectors
) -> None:
    sync(write(CORPUS), vectors=vectors)
    other = HashingEmbedder("other|2")
    other.dimensions = 32
    changed = Vectors(store, other)
    retriever = HybridRetriever(store, analyser, changed)
    with pytest.raises(Unavailable) as caught:
        retriever.search("automobile")
    assert (caught.value.key, caught.value.values) == (
        "store_embedder",
        {"found": "hashing", "wanted": "other"},
    )
    assert retriever.search("光合成").hits
    sync(notes, vectors=changed)
    assert retriever.search("automobile").hits[0].passage.source == "car.md"
    assert changed.count() == 3


def test_an_embedder_set_later_reads_what_is_there_already(
    store: Store, analyser: Analyser, write, sync, notes, vectors: Vectors
) -> None:
    sync(write(CORPUS))
    assert HybridRetriever(store, analyser, vectors).search("automobile").arms == ("lexical",)
    sync(notes, vectors=vectors)
    assert HybridRetriever(store, analyser, vectors).search("automobile").hits[0].passage.source == "car.md"


def test_notes_that_came_in_without_the_embedder_are_read_when_it_is_back(
    store: Store, analyser: Analyser, write, sync, notes, vectors: Vectors
) -> None:
    sync(write({"doctor.md": CORPUS["doctor.md"]}), vectors=vectors)
    sync(write({"car.md": CORPUS["car.md"]}))
    sync(notes, vectors=vectors)
    assert vectors.count() == 2
    assert HybridRetriever(store, analyser, vectors).search("automobile").hits[0].passage.source == "car.md"


def test_a_dry_run_embeds_nothing(write, sync, vectors: Vectors, embedder: HashingEmbedder) -> None:
    sync(write(CORPUS), vectors=vectors, dry_run=True)
    assert (embedder.read, vectors.count()) == ([], 0)


LONG = "# Garage\n\n" + "The house has a wall and a roof. " * 30 + "The automobile stands behind it.\n"


def test_a_unit_over_the_limit_is_found_by_its_end(
    store: Store, analyser: Analyser, write, sync, embedder: HashingEmbedder
) -> None:
    embedder.tokens = Words()
    vectors = Vectors(store, embedder)
    sync(write({"long.md": LONG, **CORPUS}), vectors=vectors)
    ((chunks, windows),) = store.rows(
        """SELECT count(DISTINCT c.id), count(*) FROM vectors v JOIN chunks c ON c.id = v.chunk
           JOIN notes n ON n.id = c.note WHERE n.path = 'long.md'"""
    )
    assert chunks == 1
    assert windows >= 5
    assert all(Words().count(text) <= Words.limit for text in embedder.read)
    found = vectors.search("the automobile stands behind it", 2).nearest
    assert len(found) == 2, "a chunk counts once"
    (number,) = store.rows(
        "SELECT c.id FROM chunks c JOIN notes n ON n.id = c.note WHERE n.path = 'long.md'"
    )[0]
    assert max(found, key=lambda chunk: found[chunk]) == number


def test_the_tokenizer_is_part_of_what_a_note_was_read_with(
    store: Store, write, sync, notes, embedder: HashingEmbedder
) -> None:
    sync(write({"long.md": LONG}), vectors=Vectors(store, embedder))
    embedder.tokens = Words()
    report = sync(notes, vectors=Vectors(store, embedder))
    assert report.changed == ["long.md"]
    assert sync(notes, vectors=Vectors(store, embedder)).unchanged == 1


def test_a_new_embedder_that_is_interrupted_goes_on_where_it_was(
    store: Store, analyser: Analyser, write, sync, notes, vectors: Vectors
) -> None:
    corpus = {f"n{n}.md": f"Note {n} about the car number {n}.\n" for n in range(400)}
    sync(write(corpus), vectors=vectors)
    other = HashingEmbedder("other|2")
    changed = Vectors(store, other)
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    sync(notes, vectors=changed, cancelled=cancelled)
    first = len(other.read)
    assert 0 < first < 400
    assert not changed.search("automobile", 5).nearest, (
        "what is embedded already must not outrank what is not"
    )
    sync(notes, vectors=changed)
    assert len(other.read) == 400, "nothing is embedded twice"
    assert changed.count() == 400
    assert HybridRetriever(store, analyser, changed).search("automobile").arms == ("lexical", "vector")


def test_an_ingest_that_is_stopped_while_embedding_keeps_whole_notes_alone(
    store: Store, write, sync, notes, vectors: Vectors
) -> None:
    folder = write({f"n{n}.md": f"Note {n} about the car number {n}.\n" for n in range(700)})
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 700

    report = sync(folder, vectors=vectors, cancelled=cancelled)
    assert len(report.added) == store.counts()[0] < 700
    assert vectors.count() == store.counts()[1]
    assert len(sync(notes, vectors=vectors).added) == 700 - len(report.added)
    assert vectors.count() == 700
