from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from pydantic import SecretStr

from app.models.endpoint import Endpoint
from app.models.engine import LocalEngine
from app.models.remote.chat import RemoteChatModel
from app.models.remote.server import Server
from tests.app.models.openai_server import KEY, OpenAIServer, scripted
from tests.gguf import tiny_bpe_gguf, tiny_gguf

LEFT_OUT = {
    "test_init_from_env": "a model is made by the wiring, not from environment variables",
    "test_serdes": "a model holds a process or a connection, and is not written to JSON",
    "test_pdf_inputs": "text alone is read",
    "test_audio_inputs": "text alone is read",
    "test_image_inputs": "text alone is read",
    "test_image_tool_message": "text alone is read",
    "test_pdf_tool_message": "text alone is read",
    "test_anthropic_inputs": "messages have the shape of OpenAI's",
    "test_stream_time": "it replays recordings of a server on the net",
}
"""Tests of the standard suites that do not apply to our chat models, and why."""
LEFT_OUT_LOCALLY = {
    **dict.fromkeys(
        (
            "test_invoke_with_model_override",
            "test_ainvoke_with_model_override",
            "test_stream_with_model_override",
            "test_astream_with_model_override",
        ),
        "an engine holds one model",
    ),
    **dict.fromkeys(
        (
            "test_tool_calling",
            "test_tool_calling_async",
            "test_bind_runnables_as_tools",
            "test_agent_loop",
            "test_unicode_tool_call_integration",
        ),
        "random weights do not know which argument is the right one",
    ),
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what does not apply, so that nothing has to be skipped."""
    left = {"test_local_standard": LEFT_OUT | LEFT_OUT_LOCALLY, "test_remote_standard": LEFT_OUT}
    gone = [i for i in items if getattr(i, "originalname", i.name) in left.get(i.path.stem, {})]
    if gone:
        config.hook.pytest_deselected(items=gone)
        items[:] = [item for item in items if item not in gone]


REPLY = "お茶の🍵は sencha と番茶です。Notes say: 42 [1]."


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that says REPLY after any prompt."""
    return tiny_gguf(tmp_path_factory.mktemp("models") / "tiny.gguf", reply=REPLY)


@pytest.fixture(scope="session")
def endless_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights and a long context: it babbles on for many seconds."""
    return tiny_gguf(tmp_path_factory.mktemp("models") / "endless.gguf", context=32_768, layers=4, width=192)


@pytest.fixture(scope="session")
def bpe_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights, another architecture, and a byte-level BPE vocabulary."""
    return tiny_bpe_gguf(tmp_path_factory.mktemp("models") / "bpe.gguf", context=4096)


@pytest.fixture
def open_engine() -> Iterator[Callable[..., LocalEngine]]:
    """Makes engines that are closed after the test."""
    engines: list[LocalEngine] = []

    def make(path: Path, **options: Any) -> LocalEngine:
        engines.append(LocalEngine(path, **{"timeout": 60.0, "threads": 1, **options}))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


@pytest.fixture(scope="module")
def talker(tiny_model: Path) -> Iterator[LocalEngine]:
    """An engine with the model that says REPLY, shared by tests that leave it whole."""
    with LocalEngine(tiny_model, threads=1, timeout=60) as engine:
        yield engine


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with scripted(OpenAIServer()) as made:
        yield made


@pytest.fixture
def waited() -> list[float]:
    return []


@pytest.fixture
def remote(server: OpenAIServer, waited: list[float]) -> Iterator[Callable[..., RemoteChatModel]]:
    made: list[Server] = []

    def make(*, key: str = KEY, name: str = "big", **options: Any) -> RemoteChatModel:
        given = {"read_timeout": 10.0, "timeout": 20.0, "wait": waited.append, **options}
        made.append(Server(Endpoint.at(server.url), SecretStr(key), **given))
        return RemoteChatModel(server=made[-1], model=name)

    yield make
    for each in made:
        each.close()


def streamed(model: RemoteChatModel, **options: Any) -> AIMessage:
    whole: Any = None
    for chunk in model.stream("お茶は？", **options):
        whole = chunk if whole is None else whole + chunk
    return whole  # type: ignore[no-any-return]
