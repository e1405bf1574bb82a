"""LangChain's own tests for chat models, with the real engine and random weights.

What is left out of the suites, and why, stands in `conftest.py`: tests that depend on what the weights know, and
those of pictures, sound and PDF, as the engine reads text.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from app.models.engine import LocalEngine
from app.models.local import LocalChatModel
from tests.gguf import tiny_bpe_gguf


class Engine:
    """The engine of these tests, which the suites make models of by class and parameters."""

    now: ClassVar[LocalEngine]


@pytest.fixture(scope="module", autouse=True)
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    path = tiny_bpe_gguf(tmp_path_factory.mktemp("models") / "standard.gguf", context=8192)
    with LocalEngine(path, threads=1, timeout=120, context_tokens=8192) as Engine.now:
        yield


class Local:
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return LocalChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            "engine": Engine.now,
            "model": "standard",
            "temperature": 0.8,
            "seed": 3,
        }

    @property
    def supports_image_inputs(self) -> bool:
        return False


class TestUnit(Local, ChatModelUnitTests):
    pass


class TestIntegration(Local, ChatModelIntegrationTests):
    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**super().chat_model_params, "max_tokens": 3000}

    @property
    def supports_json_mode(self) -> bool:
        return True
