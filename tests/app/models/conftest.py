from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.models.engine import LocalEngine
from tests.gguf import tiny_bpe_gguf, tiny_gguf

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
