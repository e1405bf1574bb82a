"""The client against a server over streamable HTTP."""

import socket
from pathlib import Path

import pytest
from running import Processes, until

from app.mcp.configuration import ServerConfig
from terakoya.errors import NotSent, Unavailable

SERVER = Path(__file__).with_name("web_server.py")
TOKEN = "token-4711"


class Web:
    def __init__(self, port, file):
        self.port, self.file, self.processes = port, file, Processes()
        self.start()

    def start(self):
        self.process = self.processes.start(SERVER, self.port, TOKEN, self.file)

        def listens():
            assert self.process.poll() is None, self.process.communicate()[1]
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        until(listens)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def config(self, token=TOKEN):
        headers = {"Authorization": f"Bearer {token}"}
        return ServerConfig(name="web", url=f"http://127.0.0.1:{self.port}/mcp", headers=headers)


@pytest.fixture
def web(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Web(port, tmp_path / "put.txt")
    yield made
    made.processes.end()


def test_a_call_carries_the_headers_of_the_settings(box, web):
    toolbox = box(web.config())
    assert toolbox.named("web__add").call({"a": 2, "b": 3}, language="en").text == "5"


def test_a_wrong_token_is_said_without_showing_it(box, web):
    toolbox = box(web.config("wrong-token-0815"))
    assert toolbox.tools() == []
    (trouble,) = toolbox.troubles()
    assert trouble.key == "mcp_start"
    assert "0815" not in trouble.message("en")


def test_a_server_that_was_started_anew_is_reached_again(box, web):
    add = box(web.config()).named("web__add")
    web.kill()
    web.start()
    assert add.call({"a": 2, "b": 3}, language="en").text == "5"


def test_what_changes_something_is_not_sent_twice_where_the_server_died(box, web):
    toolbox = box(web.config())
    put = toolbox.named("web__put_and_die")
    with pytest.raises(Unavailable) as lost:
        put.call({"line": "once"}, language="en")
    assert lost.value.key == "mcp_lost"
    assert web.file.read_text() == "once\n"


def test_a_server_that_is_away_was_not_called(box, web):
    put = box(web.config(), start=5.0).named("web__put")
    web.kill()
    with pytest.raises(NotSent) as away:
        put.call({"line": "never"}, language="en")
    assert away.value.key == "mcp_away"
    assert not web.file.exists()
