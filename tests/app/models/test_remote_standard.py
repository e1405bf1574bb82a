"""The standard suites of langchain-tests, over a server that streams."""

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests
from pydantic import SecretStr

from app.models.endpoint import Endpoint
from app.models.remote.chat import RemoteChatModel
from app.models.remote.server import Server
from tests.app.models.openai_server import KEY, OpenAIServer, scripted


@pytest.fixture(scope="module")
def scripted_server() -> Iterator[OpenAIServer]:
    with scripted(OpenAIServer()) as server:
        yield server


class TestUnit(ChatModelUnitTests):
    """Without a server."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return RemoteChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"server": Server(Endpoint.at("http://127.0.0.1:9/v1")), "model": "big"}


class TestIntegration(ChatModelIntegrationTests):
    """Against the scripted server."""

    @pytest.fixture(autouse=True)
    def over(self, scripted_server: OpenAIServer) -> Iterator[None]:
        type(self).server = Server(Endpoint.at(scripted_server.url), SecretStr(KEY))
        yield
        type(self).server.close()

    server: Server

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return RemoteChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"server": getattr(type(self), "server", None), "model": "big"}

    @pytest.fixture
    def model(self, request: Any, over: None) -> BaseChatModel:
        return RemoteChatModel(**{**self.chat_model_params, **getattr(request, "param", {})})

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "another"
