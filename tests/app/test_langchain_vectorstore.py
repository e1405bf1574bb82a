"""The vector store for LangChain programs: the standard suite, and what the suite leaves open."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_core.indexing import InMemoryRecordManager, index
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_tests.integration_tests import VectorStoreIntegrationTests
from running import clean_environment

from app.langchain import TerakoyaVectorStore
from ingest.store import Store
from terakoya.errors import BadInput, Busy, Unavailable

COLOURS = {"red": [1, 0, 0], "pink": [0.9, 0.1, 0], "green": [0, 1, 0], "away": [-1, 0, 0]}


class Colours(Embeddings):
    """Vectors that a person can check, of any length."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[7.0 * x for x in COLOURS[text]] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return COLOURS[text]


class AsyncOnly(Colours):
    """An embedding that is called asynchronously alone, as some servers' are."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise AssertionError

    def embed_query(self, text: str) -> list[float]:
        raise AssertionError

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        return super().embed_documents(texts)

    async def aembed_query(self, text: str) -> list[float]:
        return super().embed_query(text)


class TestStandardSuiteInMemory(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self) -> Iterator[TerakoyaVectorStore]:
        with TerakoyaVectorStore(self.get_embeddings()) as store:
            yield store


class TestStandardSuiteInAFile(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, tmp_path: Path) -> Iterator[TerakoyaVectorStore]:
        with TerakoyaVectorStore(self.get_embeddings(), tmp_path / "documents.duckdb") as store:
            yield store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "documents.duckdb"


@pytest.fixture
def store(path: Path) -> Iterator[TerakoyaVectorStore]:
    with TerakoyaVectorStore(Colours(), path) as opened:
        yield opened


def texts(documents: list[Document]) -> list[str]:
    return [document.page_content for document in documents]


def test_documents_are_there_when_the_file_is_opened_again(store: TerakoyaVectorStore, path: Path) -> None:
    ids = store.add_texts(["red", "green"], [{"n": 1, "tags": ["a", "ü"]}, {"n": None}])
    store.close()
    with TerakoyaVectorStore(Colours(), path, read_only=True) as again:
        assert again.get_by_ids(ids) == [
            Document(id=ids[0], page_content="red", metadata={"n": 1, "tags": ["a", "ü"]}),
            Document(id=ids[1], page_content="green", metadata={"n": None}),
        ]


def test_scores_are_cosine_similarities_whatever_length_the_vectors_have(store: TerakoyaVectorStore) -> None:
    store.add_texts(list(COLOURS))
    found = store.similarity_search_with_score("red", k=4)
    assert [(document.page_content, round(score, 3)) for document, score in found] == [
        ("red", 1.0),
        ("pink", 0.994),
        ("green", 0.0),
        ("away", -1.0),
    ]


def test_relevance_lies_between_0_and_1_and_a_threshold_holds(store: TerakoyaVectorStore) -> None:
    store.add_texts(list(COLOURS))
    relevance = store.similarity_search_with_relevance_scores("red", k=4)
    assert [round(score, 3) for _, score in relevance] == [1.0, 0.994, 0.0, 0.0]
    near = store.as_retriever(
        search_type="similarity_score_threshold", search_kwargs={"score_threshold": 0.9, "k": 4}
    )
    assert texts(near.invoke("red")) == ["red", "pink"]


def test_documents_that_are_as_near_keep_the_order_of_their_coming(store: TerakoyaVectorStore) -> None:
    store.add_texts(["red"] * 5, ids=["e", "a", "d", "b", "c"])
    store.add_texts(["red"], ids=["a"])
    assert [document.id for document in store.similarity_search("red", k=5)] == ["e", "a", "d", "b", "c"]


def test_diversity_takes_what_is_unlike_before_what_is_nearer(store: TerakoyaVectorStore) -> None:
    store.add_texts(["red", "pink", "green"])
    diverse = store.as_retriever(search_type="mmr", search_kwargs={"k": 2, "lambda_mult": 0.3})
    assert texts(diverse.invoke("red")) == ["red", "green"]
    assert texts(store.max_marginal_relevance_search("red", k=2, lambda_mult=1.0)) == ["red", "pink"]
    assert texts(store.max_marginal_relevance_search("red", k=9, lambda_mult=0.3)) == [
        "red",
        "green",
        "pink",
    ]
    assert texts(store.max_marginal_relevance_search_by_vector([0, 1, 0], k=1)) == ["green"]


@pytest.mark.parametrize("lambda_mult", [0.0, 0.4, 1.0])
def test_it_finds_what_langchains_store_in_memory_finds(lambda_mult: float) -> None:
    embedding = DeterministicFakeEmbedding(size=8)
    documents = [Document(id=str(n), page_content=f"text {n}") for n in range(60)]
    peer = InMemoryVectorStore(embedding)
    peer.add_documents(documents)
    with TerakoyaVectorStore.from_documents(documents, embedding) as store:
        for query in ("one", "two", "三"):
            ours, theirs = (each.similarity_search_with_score(query, k=7) for each in (store, peer))
            assert [document for document, _ in ours] == [document for document, _ in theirs]
            assert [score for _, score in ours] == pytest.approx([score for _, score in theirs], abs=1e-6)
            ours, theirs = (
                each.max_marginal_relevance_search(query, k=7, fetch_k=30, lambda_mult=lambda_mult)
                for each in (store, peer)
            )
            assert ours == theirs


def test_a_filter_leaves_the_full_number_of_those_it_lets_through(store: TerakoyaVectorStore) -> None:
    store.add_texts(["red"] * 200, [{"even": n % 2 == 0, "n": n} for n in range(200)])
    store.add_texts(["green"] * 3, [{"even": True, "n": n} for n in (1000, 1001, 1002)])
    for filter in ({"n": {"$gte": 1000}}, lambda document: document.metadata["n"] >= 1000):
        found = store.similarity_search("red", k=3, filter=filter)
        assert [document.metadata["n"] for document in found] == [1000, 1001, 1002]
        assert len(store.max_marginal_relevance_search("red", k=3, filter=filter)) == 3
    by_filter = store.as_retriever(search_kwargs={"k": 150, "filter": {"even": True}})
    assert len(by_filter.invoke("red")) == 103


def test_of_one_id_twice_in_a_call_the_last_counts(store: TerakoyaVectorStore) -> None:
    assert store.add_texts(["red", "green"], ids=["x", "x"]) == ["x", "x"]
    assert texts(store.get_by_ids(["x", "x"])) == ["green"]


def test_deleting_without_ids_deletes_all_and_of_no_ids_none(store: TerakoyaVectorStore) -> None:
    store.add_texts(["red", "green"])
    store.delete([])
    assert len(store.similarity_search("red", k=9)) == 2
    store.delete()
    assert store.similarity_search("red", k=9) == []


def test_what_cannot_be_kept_is_refused_by_name_and_nothing_of_the_call_is_kept(
    store: TerakoyaVectorStore,
) -> None:
    for wrong in (
        {"metadatas": [{}, {"when": {1, 2}}]},
        {"metadatas": [{}, {"nan": float("nan")}]},
        {"metadatas": [{}, {"text": "\ud800"}]},
        {"ids": ["fine", "\udc00"]},
        {"ids": ["one"]},
        {"metadatas": [{}]},
    ):
        with pytest.raises(ValueError, match=r"fine|document|ids|metadatas"):
            store.add_texts(["red", "green"], **wrong)
    assert store.similarity_search("red", k=9) == []


def test_an_embedding_of_another_length_is_refused_until_the_store_is_empty(
    store: TerakoyaVectorStore, path: Path
) -> None:
    store.add_texts(["red"], ids=["1"])
    with TerakoyaVectorStore(DeterministicFakeEmbedding(size=5), path) as other:
        for call in (lambda: other.add_texts(["x"]), lambda: other.similarity_search("x")):
            with pytest.raises(ValueError, match="vectors of 5 numbers"):
                call()
        other.delete(["1"])
        other.add_texts(["x"])
        assert texts(other.similarity_search("x")) == ["x"]


def test_a_query_of_nothing_but_zeros_finds_documents_all_the_same(store: TerakoyaVectorStore) -> None:
    store.add_texts(["red", "green"])
    assert texts(store.similarity_search_by_vector([0, 0, 0], k=2)) == ["red", "green"]


def test_numbers_that_are_none_are_refused(store: TerakoyaVectorStore) -> None:
    store.add_texts(["red"])
    with pytest.raises(ValueError, match="finite"):
        store.similarity_search_by_vector([float("nan"), 0, 0])


def test_the_notes_of_an_installation_are_not_opened_as_documents(tmp_path: Path) -> None:
    path = tmp_path / "terakoya.duckdb"
    Store(path, read_only=False).close()
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(BadInput, match="TerakoyaRetriever"):
            TerakoyaVectorStore(Colours(), path, read_only=read_only)
    assert path.read_bytes() == before


def test_documents_are_not_opened_as_the_notes_of_an_installation(path: Path) -> None:
    TerakoyaVectorStore(Colours(), path).close()
    for read_only in (False, True):
        with pytest.raises(Unavailable, match="documents 1"):
            Store(path, read_only=read_only)
    TerakoyaVectorStore(Colours(), path).close()


def test_a_file_that_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"no\.duckdb"):
        TerakoyaVectorStore(Colours(), tmp_path / "no.duckdb", read_only=True)
    (tmp_path / "bad.duckdb").write_bytes(b"no database" * 1000)
    with pytest.raises(Unavailable, match=r"bad\.duckdb"):
        TerakoyaVectorStore(Colours(), tmp_path / "bad.duckdb")


def test_a_store_opened_for_reading_is_not_changed(store: TerakoyaVectorStore, path: Path) -> None:
    store.add_texts(["red"], ids=["1"])
    store.close()
    with TerakoyaVectorStore(Colours(), path, read_only=True) as reading:
        for call in (lambda: reading.add_texts(["green"]), lambda: reading.delete(["1"]), reading.delete):
            with pytest.raises(BadInput, match="read_only"):
                call()
        assert texts(reading.similarity_search("red")) == ["red"]


def test_while_one_process_writes_another_is_told_that_the_file_is_in_use(
    store: TerakoyaVectorStore, path: Path
) -> None:
    program = (
        "import sys; from app.langchain import TerakoyaVectorStore; "
        "from langchain_core.embeddings import DeterministicFakeEmbedding; "
        "TerakoyaVectorStore(DeterministicFakeEmbedding(size=3), sys.argv[1])"
    )
    run = [sys.executable, "-c", program, str(path)]
    done = subprocess.run(run, env=clean_environment(), capture_output=True, text=True, check=False)
    assert "Busy" in done.stderr
    assert "is in use by another process" in done.stderr
    with pytest.raises(Busy, match="in use"):
        TerakoyaVectorStore(Colours(), path, read_only=True)


def test_threads_add_and_search_at_one_time(store: TerakoyaVectorStore) -> None:
    def work(name: int) -> None:
        for n in range(5):
            store.add_texts(["red", "green"], ids=[f"{name}-{n}-r", f"{name}-{n}-g"])
            assert texts(store.similarity_search("red", k=1)) == ["red"]

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.similarity_search("red", k=99)) == 40


def test_asynchronous_calls_use_the_embedding_s_own() -> None:
    async def use() -> None:
        with TerakoyaVectorStore(AsyncOnly()) as store:
            await store.aadd_documents([Document(page_content=text) for text in ("red", "pink", "green")])
            assert texts(await store.asimilarity_search("red", k=1)) == ["red"]
            assert texts(await store.amax_marginal_relevance_search("red", k=2, lambda_mult=0.3)) == [
                "red",
                "green",
            ]
            assert texts(await store.as_retriever(search_kwargs={"k": 1}).ainvoke("green")) == ["green"]

    asyncio.run(use())


def test_langchains_indexing_adds_skips_and_deletes(store: TerakoyaVectorStore) -> None:
    records = InMemoryRecordManager("test")
    records.create_schema()
    first = [Document(page_content=text, metadata={"source": text}) for text in ("red", "green")]
    added = index(first, records, store, cleanup="full", source_id_key="source", key_encoder="blake2b")
    again = index(first[:1], records, store, cleanup="full", source_id_key="source", key_encoder="blake2b")
    assert (added["num_added"], again["num_skipped"], again["num_deleted"]) == (2, 1, 1)
    assert texts(store.similarity_search("red", k=9)) == ["red"]


def test_from_texts_and_documents_make_a_store_in_memory_or_in_a_file(path: Path) -> None:
    with TerakoyaVectorStore.from_texts(["red"], Colours(), [{"n": 1}], ids=["1"]) as store:
        assert store.similarity_search("red") == [Document(id="1", page_content="red", metadata={"n": 1})]
    document = Document(id="2", page_content="green")
    with TerakoyaVectorStore.from_documents([document], Colours(), path=path) as store:
        assert store.similarity_search("green") == [document]
    with pytest.raises(ValueError, match="ids"):
        TerakoyaVectorStore.from_texts(["red"], Colours(), ids=[], path=path)
    with TerakoyaVectorStore(Colours(), path) as store:
        assert store.get_by_ids(["2"]) == [document]
