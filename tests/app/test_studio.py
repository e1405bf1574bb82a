"""The picture of the graph, and the graph that LangGraph Studio opens."""

import importlib.util
import json
from pathlib import Path

import pytest

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


def test_the_graph_that_studio_is_told_of_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "peas.md").write_text("# 遺伝\n\nメンデルはエンドウを育てた。\n", encoding="utf-8")
    home = open_installation(load_settings(tmp_path / "home", embedder="none"), write=True)
    home.ingest([notes])
    home.close()
    monkeypatch.setenv("TERAKOYA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TERAKOYA_EMBEDDER", "none")
    named = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))["graphs"]["terakoya"]
    path, name = named.split(":")
    spec = importlib.util.spec_from_file_location("studio", ROOT / path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    state = getattr(module, name)().invoke({"question": "メンデルは何を育てた？"})
    assert state["turns"][-1]["answered"]
