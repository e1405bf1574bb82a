"""The quick way of encoding gives the vectors that the plain one gives."""

import copy
import threading
from typing import Any

import numpy as np
import pytest

from ingest import encoder
from ingest.embedder import SentenceTransformerEmbedder, embedder_named
from ingest.encoder import EQUAL, PROBED, Encoder

TEXTS = [
    f"Lecture {n}: " + "the optimizer moves every weight against its gradient. " * (n % 9)
    for n in range(PROBED)
]


@pytest.fixture(scope="module")
def embedder() -> SentenceTransformerEmbedder:
    found = embedder_named("all-MiniLM-L6-v2")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def expected(embedder: SentenceTransformerEmbedder) -> np.ndarray:
    """From sentence-transformers itself, one text at a time."""
    return np.asarray(embedder._model.encode(TEXTS, batch_size=1, normalize_embeddings=True))


def test_few_texts_are_encoded_as_sentence_transformers_does(
    embedder: SentenceTransformerEmbedder, expected: np.ndarray
) -> None:
    fresh = Encoder(embedder._model, 256)
    assert fresh.encode(TEXTS[: PROBED - 1]) == pytest.approx(expected[: PROBED - 1], abs=1e-5)
    assert fresh.encode_one(TEXTS[5]) == pytest.approx(expected[5], abs=1e-5)
    assert len(fresh.encode([])) == 0


def test_many_texts_are_encoded_in_the_quickest_way_that_is_equal(
    embedder: SentenceTransformerEmbedder, expected: np.ndarray
) -> None:
    found = Encoder(embedder._model, 256).encode(TEXTS)
    assert found.dtype == np.float32
    assert np.linalg.norm(found, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert float((found * expected).sum(axis=1).min()) >= EQUAL


def test_a_way_that_changes_vectors_or_fails_is_not_taken(
    embedder: SentenceTransformerEmbedder, expected: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model: Any, limit: int | None) -> Any:
        raise RuntimeError("a layer that it does not know")

    def other(model: Any, limit: int | None) -> Any:
        made = copy.deepcopy(model)
        for parameter in made.parameters():
            parameter.data.mul_(1.1)
        return made

    monkeypatch.setattr(encoder, "_WAYS", (broken, other))
    assert Encoder(embedder._model, 256).encode(TEXTS) == pytest.approx(expected, abs=1e-5)


def test_queries_may_come_while_documents_are_encoded(embedder: SentenceTransformerEmbedder) -> None:
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            for text in TEXTS[:20]:
                embedder.embed_query(text)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    embedder.embed_documents(TEXTS)
    for thread in threads:
        thread.join()
    assert not failures
