"""Our own server, driven by the SDK's client as a program such as Claude Desktop does."""

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest
from mcp import Client, StdioServerParameters
from running import Processes, clean_environment, until

from terakoya.client import ServiceClient

NOTE = "# 植物\n\n## メンデル\n\nメンデルはえんどう豆を育てた。\n\n## Roots\n\nRoots take up water.\n"
TOKEN = "terakoya"


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    notes = folder / "notes"
    notes.mkdir()
    (notes / "植物.md").write_text(NOTE, encoding="utf-8")
    command = [sys.executable, "-m", "app.cli.program", "--home", str(folder / "home"), "ingest", str(notes)]
    subprocess.run(command, check=True, env=environment(), capture_output=True, timeout=120)
    return folder / "home"


def environment():
    return clean_environment(TERAKOYA_EMBEDDER="none")


@asynccontextmanager
async def client_of(home):
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "app.cli.program", "--home", str(home), "mcp"],
        env=environment(),
    )
    async with Client(parameters, read_timeout_seconds=120) as client:
        yield client


def calling(home, tool, **arguments):
    async def call():
        async with client_of(home) as client:
            return await client.call_tool(tool, arguments)

    return asyncio.run(call())


def test_it_offers_tools_that_change_nothing(filled):
    async def listed():
        async with client_of(filled) as client:
            return (await client.list_tools()).tools

    tools = asyncio.run(listed())
    assert {tool.name for tool in tools} == {"search_notes", "read_note", "list_notes", "ask_notes"}
    assert all(tool.annotations.read_only_hint for tool in tools)


def test_a_search_names_note_and_lines(filled):
    found = calling(filled, "search_notes", query="えんどう豆", k=1)
    assert not found.is_error
    assert "植物.md:1-5" in found.content[0].text
    assert found.structured_content["hits"][0]["source"] == "植物.md"


def test_a_note_is_read_from_a_line_on(filled):
    read = calling(filled, "read_note", source="植物.md", line=7, lines=3)
    assert read.content[0].text == "## Roots\n\nRoots take up water."


def test_an_answer_cites_its_lines(filled):
    said = calling(filled, "ask_notes", question="メンデルは何を育てた？")
    assert "えんどう豆" in said.content[0].text
    assert "植物.md:5" in said.content[0].text
    assert said.structured_content["answered"]


def test_an_error_is_a_result_in_one_sentence(filled, tmp_path):
    gone = calling(filled, "read_note", source="nothing.md")
    assert gone.is_error
    assert "nothing.md" in gone.content[0].text
    empty = calling(tmp_path / "empty", "search_notes", query="x")
    assert empty.is_error
    assert "terakoya ingest" in empty.content[0].text


def test_what_is_wrong_with_a_call_is_said_in_a_sentence(filled):
    many = calling(filled, "search_notes", query="", k="many").content[0].text
    assert many.startswith("`search_notes` cannot be called so: `query`: ")
    assert "; `k`: " in many
    assert "pydantic" not in many
    missing = calling(filled, "ask_notes")
    assert missing.is_error
    assert "`question`" in missing.content[0].text
    unknown = calling(filled, "delete_notes")
    assert unknown.is_error
    assert unknown.content[0].text.startswith("There is no tool `delete_notes`. There are: search_notes, ")
    beyond = calling(filled, "read_note", source="植物.md", line=99)
    assert beyond.is_error
    assert "99" in beyond.content[0].text


def test_it_asks_the_service_where_that_is_up(filled):
    processes = Processes()
    try:
        program = ["-m", "app.cli.program", "--home", filled, "serve", "--port", "0"]
        serving = processes.start(*program, TERAKOYA_EMBEDDER="none")

        def up():
            assert serving.poll() is None, serving.communicate()[1]
            return ServiceClient.discover(filled)

        with until(up):
            found = calling(filled, "search_notes", query="water")  # the store itself is the service's now
        assert "Roots take up water." in found.content[0].text
    finally:
        processes.end()
