"""The retriever for LangChain programs: the standard suite with and without the service, and what it returns."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnablePassthrough
from langchain_tests.integration_tests import RetrieversIntegrationTests
from running import Processes, until

from app.langchain import Filter, TerakoyaRetriever
from app.settings import Settings
from app.wiring import open_installation
from terakoya.client import ServiceClient
from terakoya.errors import BadInput, Unavailable

NOTES = {
    "biology/cell.md": "# 細胞\n\n- ミトコンドリア: 呼吸を担う細胞小器官\n- 葉緑体: 光合成を行う細胞小器官\n",
    "biology/heart.md": "# The heart\n\nThe heart is an organ that pumps blood.\n",
    "network.md": "# Networking\n\n## TCP\n\nTCP is a protocol that guarantees order.\n\n"
    "## UDP\n\nUDP is a protocol that favours speed.\n",
    "http.md": "# HTTP\n\nHTTP is a protocol of requests and replies.\n",
}


@pytest.fixture(scope="module")
def noted_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home, notes = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("notes")
    for path, text in NOTES.items():
        (notes / path).parent.mkdir(exist_ok=True)
        (notes / path).write_text(text, encoding="utf-8")
    (home / "terakoya.toml").write_text('embedder = "none"\nport = 0\n', encoding="utf-8")
    installation = open_installation(Settings(home=home, embedder="none"), write=True)
    installation.ingest([notes])
    installation.close()
    return home


@pytest.fixture(scope="module")
def served_home(noted_home: Path) -> Iterator[Path]:
    processes = Processes()
    process = processes.start("-m", "app.cli.program", "--home", noted_home, "serve")

    def look() -> ServiceClient | None:
        assert process.poll() is None, process.communicate()[1]
        return ServiceClient.discover(noted_home)

    try:
        with until(look):
            yield noted_home
    finally:
        processes.end()


class Suite(RetrieversIntegrationTests):
    home: Path

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return TerakoyaRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"home": self.home}

    @property
    def retriever_query_example(self) -> str:
        return "protocol"


class TestStandardSuiteOverTheStore(Suite):
    @pytest.fixture(autouse=True)
    def _home(self, noted_home: Path) -> None:
        self.home = noted_home


def test_a_document_says_where_its_passage_stands(noted_home: Path) -> None:
    (document,) = TerakoyaRetriever(home=noted_home, k=1).invoke("which protocol guarantees order?")
    score = document.metadata.pop("score")
    assert score > 0
    text = NOTES["network.md"]
    place = document.metadata
    assert place.keys() == {"source", "heading", "start_line", "end_line", "start", "end"}
    assert (place["source"], place["heading"][0]) == ("network.md", "Networking")
    assert document.page_content == text[place["start"] : place["end"]]
    assert document.page_content in "\n".join(text.split("\n")[place["start_line"] - 1 : place["end_line"]])
    assert document.page_content.endswith("TCP is a protocol that guarantees order.")
    installation = open_installation(Settings(home=noted_home, embedder="none"))
    (hit,) = installation.search("which protocol guarantees order?", k=1).hits
    installation.close()
    assert (document.id, score) == (hit.passage.id, hit.score)


def test_a_filter_says_where_to_look(noted_home: Path) -> None:
    found = TerakoyaRetriever(home=noted_home, filter=Filter(folders=("biology",))).invoke("heart protocol")
    assert {document.metadata["source"] for document in found} == {"biology/heart.md"}
    found = TerakoyaRetriever(home=noted_home).invoke("heart protocol", filter=Filter(folders=("http.md",)))
    assert {document.metadata["source"] for document in found} == {"http.md"}


def test_the_store_is_free_between_searches(noted_home: Path) -> None:
    retriever = TerakoyaRetriever(home=noted_home)
    assert retriever.invoke("heart")
    open_installation(Settings(home=noted_home, embedder="none"), write=True).close()
    assert retriever.invoke("heart")


def test_a_chain_gets_the_passages(noted_home: Path) -> None:
    prompts: list[str] = []

    def heard(prompt: Any) -> Any:
        prompts.append(prompt.to_string())
        return prompt

    model = GenericFakeChatModel(messages=iter([AIMessage(content="Order.")]))
    chain = (
        {"notes": TerakoyaRetriever(home=noted_home, k=2), "question": RunnablePassthrough()}
        | ChatPromptTemplate.from_template("{notes}\n{question}")
        | heard
        | model
    )
    assert chain.invoke("What does TCP guarantee?").content == "Order."
    assert "TCP is a protocol that guarantees order." in prompts[0]


def test_what_cannot_be_searched_is_refused(noted_home: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="empty"):
        TerakoyaRetriever(home=noted_home).invoke(" ")
    with pytest.raises(BadInput, match="at least 1"):
        TerakoyaRetriever(home=noted_home).invoke("heart", k=0)
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        TerakoyaRetriever(home=noted_home, k=0)
    with pytest.raises(Unavailable, match="terakoya ingest"):
        TerakoyaRetriever(home=tmp_path / "none").invoke("heart")
    assert not (tmp_path / "none").exists()


class TestStandardSuiteOverTheService(Suite):
    """Last: the service holds the store from here on."""

    @pytest.fixture(autouse=True)
    def _home(self, served_home: Path) -> None:
        self.home = served_home


def test_over_the_service_comes_what_comes_without_it(served_home: Path) -> None:
    documents = TerakoyaRetriever(home=served_home).invoke("protocol")
    with ServiceClient.discover(served_home) as client:
        hits = client.search("protocol", k=10).hits
    assert [(d.id, d.page_content, d.metadata["score"]) for d in documents] == [
        (h.id, h.text, h.score) for h in hits
    ]
    assert len({d.id for d in documents}) == len(documents) > 1
