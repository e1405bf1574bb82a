"""The picture of the graph, and the graph that LangGraph Studio opens."""

import importlib.util
import json
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from langgraph.store.memory import InMemoryStore
from langgraph_sdk.runtime import _ExecutionRuntime, _ReadRuntime

from app.settings import load_settings
from app.studio import PAGE, mermaid, redrawn
from app.wiring import open_installation

ROOT = Path(__file__).parents[2]


def test_the_picture_on_the_page_is_that_of_the_graph() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert redrawn(page) == page, "run: python -m app.studio"
    assert "standalone -.-> plan" in mermaid()
    with pytest.raises(ValueError, match="no place"):
        redrawn("# a page without one")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TERAKOYA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TERAKOYA_EMBEDDER", "none")
    return tmp_path / "home"


@pytest.fixture
def studio(home: Path) -> ModuleType:
    """The module as Studio's server imports it: from the file that `langgraph.json` names."""
    named = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))["graphs"]["terakoya"]
    path, name = named.split(":")
    assert name == "graph"
    spec = importlib.util.spec_from_file_location("studio", ROOT / path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ingested(home: Path) -> None:
    notes = home.parent / "notes"
    notes.mkdir()
    (notes / "peas.md").write_text("# 遺伝\n\nメンデルはエンドウを育てた。\n", encoding="utf-8")
    opened = open_installation(load_settings(home, embedder="none"), write=True)
    opened.ingest([notes])
    opened.close()


def running() -> _ExecutionRuntime[None]:
    return _ExecutionRuntime(access_context="threads.create_run", store=InMemoryStore(), context=None)


async def test_the_graph_that_studio_is_told_of_answers(home: Path, studio: ModuleType) -> None:
    ingested(home)
    graph = await studio.graph(running())
    state = await graph.ainvoke({"question": "メンデルは何を育てた？"})
    assert state["turns"][-1]["answered"]
    assert await studio.graph(running()) is graph


async def test_the_store_is_not_opened_in_the_event_loop_of_studios_server(
    home: Path, studio: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingested(home)
    opening = []

    def seen(*given: Any, **named: Any) -> Any:
        opening.append(threading.current_thread())
        return open_installation(*given, **named)

    monkeypatch.setattr(studio, "open_installation", seen)
    await studio.graph(running())
    assert opening
    assert threading.current_thread() not in opening


async def test_picture_and_schema_need_no_store(home: Path, studio: ModuleType) -> None:
    looking: _ReadRuntime[None] = _ReadRuntime(access_context="assistants.read", store=InMemoryStore())
    graph = await studio.graph(looking)
    assert "tools" in graph.get_graph().nodes
    assert set(graph.get_input_jsonschema()["properties"]) == {"question", "effort", "trace_id"}
    assert "turns" in graph.get_output_jsonschema()["properties"]
    assert not home.exists()


async def test_studio_is_told_in_a_sentence_what_is_missing(home: Path, studio: ModuleType) -> None:
    with pytest.raises(RuntimeError, match="terakoya ingest"):  # of others its server shows no message
        await studio.graph(running())
