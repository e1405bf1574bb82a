import json

import pytest

from app.mcp.configuration import read_configuration
from terakoya.errors import BadInput


@pytest.fixture
def read(tmp_path):
    def reads(document, **environment):
        path = tmp_path / "mcp.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
        return read_configuration(path, environment)

    return reads


def test_without_a_file_there_are_no_servers(tmp_path):
    assert read_configuration(tmp_path / "mcp.json") == []


def test_a_file_of_claude_desktop_is_read_as_it_is(read):
    (memory, web) = read(
        {
            "globalShortcut": "",
            "mcpServers": {
                "memory": {"command": "npx", "args": ["-y", "server-memory"], "env": {"A": "b"}},
                "my web": {"url": "https://example.org/mcp", "headers": {"Authorization": "Bearer x"}},
            },
        }
    )
    assert (memory.name, memory.command, memory.args) == ("memory", "npx", ("-y", "server-memory"))
    assert memory.env == {"A": "b"}
    assert (web.name, web.url, web.headers) == (
        "my-web",
        "https://example.org/mcp",
        {"Authorization": "Bearer x"},
    )


def test_a_server_that_is_switched_off_is_left_out(read):
    assert read({"mcpServers": {"a": {"command": "x", "disabled": True}}}) == []


def test_variables_are_taken_from_the_environment(read):
    entry = {"command": "x", "env": {"KEY": "${MY_KEY}", "OTHER": "${NOT_SET:-standard}"}}
    (server,) = read({"mcpServers": {"a": entry}}, MY_KEY="secret")
    assert server.env == {"KEY": "secret", "OTHER": "standard"}


def test_secrets_do_not_stand_in_its_representation(read):
    entry = {"url": "https://u:password@example.org/mcp?key=topsecret", "headers": {"X": "Bearer abcdefgh"}}
    (server,) = read({"mcpServers": {"a": entry}})
    assert "abcdefgh" not in repr(server)
    assert {"abcdefgh", "topsecret", "u:password"} <= set(server.secrets)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "Expecting"),
        ("[]", "mcpServers"),
        ({}, "mcpServers"),
        ({"mcpServers": []}, "mcpServers"),
        ({"mcpServers": {"a": 1}}, "a: no object"),
        ({"mcpServers": {"a": {}}}, "either a command or a url"),
        ({"mcpServers": {"a": {"command": "x", "url": "http://h/"}}}, "either a command or a url"),
        ({"mcpServers": {"a": {"url": "file:///etc"}}}, "neither http nor https"),
        ({"mcpServers": {"a": {"url": "http://h/", "type": "sse"}}}, "not sse"),
        ({"mcpServers": {"a": {"command": "x", "args": "y"}}}, "args"),
        ({"mcpServers": {"a": {"command": "x", "env": {"A": 1}}}}, "env"),
        ({"mcpServers": {"a": {"command": "x", "env": {"A": "${NO_SUCH}"}}}}, "NO_SUCH is not set"),
        ({"mcpServers": {"a": {"url": "http://h/", "headers": {"A": "b\r\nC: d"}}}}, "more than one line"),
        ({"mcpServers": {"a b": {"command": "x"}, "a_b": {"command": "y"}}}, "two servers"),
        ({"mcpServers": {"日本": {"command": "x"}}}, "letter"),
        ("[" * 100_000, "Expecting"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(read, document, words):
    with pytest.raises(BadInput) as refused:
        read(document)
    message = refused.value.message("en")
    assert refused.value.key == "mcp_config"
    assert "mcp.json" in message
    if words != "Expecting":
        assert words in message
    assert "\n" not in message
