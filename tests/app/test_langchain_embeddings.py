"""The embeddings for LangChain programs: the standard suite, and what is refused."""

import numpy as np
import pytest
from langchain_core.embeddings import Embeddings
from langchain_tests.integration_tests import EmbeddingsIntegrationTests

from app.langchain import TerakoyaEmbeddings
from terakoya.errors import BadInput


class TestStandardSuite(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return TerakoyaEmbeddings


def test_vectors_have_unit_length_and_what_is_alike_is_near() -> None:
    vectors = np.array(TerakoyaEmbeddings().embed_documents(["a car", "an automobile", "a poem"]))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_no_texts_give_no_vectors() -> None:
    assert TerakoyaEmbeddings().embed_documents([]) == []


def test_an_embedder_that_is_not_there_is_named() -> None:
    for name in ("nonesuch", "none"):
        with pytest.raises(BadInput, match="There is no embedder"):
            TerakoyaEmbeddings(name)
