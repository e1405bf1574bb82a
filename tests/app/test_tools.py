import json
from contextlib import closing
from pathlib import Path

import pytest

from app.settings import load_settings
from app.wiring import open_installation
from terakoya.errors import BadInput
from tests.app.mcp.npm_servers import node, script
from workflows.tools.choosing import NativeChooser

LOG = "# Log\n\n## 2025-07-07\n\n- 表計算\n\n## 2025-07-08\n\n- VLOOKUP\n"


@pytest.fixture
def opened(tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "log.md").write_text(LOG, encoding="utf-8")

    def open_with(document=None):
        settings = load_settings(tmp_path / "home", embedder="none")
        if document is not None:
            settings.home.mkdir(exist_ok=True)
            settings.mcp_path.write_text(json.dumps(document), encoding="utf-8")
        installation = open_installation(settings, write=True)
        installation.ingest([notes])
        return closing(installation)

    return open_with


def test_an_installation_has_the_built_in_tools(opened):
    with opened() as installation:
        box = installation.wiring.tools.toolbox
        assert [tool.name for tool in box.tools()] == ["calculator", "calendar", "search_notes", "read_note"]
        result = box.named("calendar").call({"when": "2025-07-08"}, language="en")
        assert [citation.quote for citation in result.citations] == ["- VLOOKUP"]
        assert "## 2025-07-07" in box.named("read_note").call({"source": "log.md"}, language="en").text
        assert "VLOOKUP" in box.named("search_notes").call({"query": "VLOOKUP"}, language="en").text


def test_it_has_the_tools_of_the_servers_in_its_home(opened):
    memory = {"command": str(node()), "args": [script("memory")]}
    with opened({"mcpServers": {"memory": memory}}) as installation:
        assert installation.wiring.tools.toolbox.servers() == ["memory"]
        assert installation.wiring.tools.toolbox.named("memory__read_graph")


def test_a_configuration_that_cannot_be_read_is_named(opened):
    with opened([]) as installation, pytest.raises(BadInput) as refused:
        _ = installation.wiring.tools
    assert refused.value.key == "mcp_config"


def test_the_settings_may_name_another_file(tmp_path):
    assert load_settings(tmp_path, mcp="~/other.json").mcp_path == Path("~/other.json").expanduser()
    assert load_settings(tmp_path).mcp_path == tmp_path / "mcp.json"


def test_a_model_behind_a_server_calls_tools_in_its_own_way(tmp_path):
    settings = load_settings(tmp_path / "home", embedder="none", models=["openai:big@http://127.0.0.1:9/v1"])
    with closing(open_installation(settings, write=True)) as installation:
        chooser = installation.wiring.tools.chooser
        assert isinstance(chooser, NativeChooser)
        assert chooser.name.startswith("big")
