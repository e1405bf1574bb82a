import json
import os
import stat
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terakoya.client import CHALLENGE_HEADER, PROOF_HEADER, ServiceClient, ServiceRecord, proof
from terakoya.client.events import parse
from terakoya.errors import Busy, NotFound, TerakoyaError, Unauthorised, Unavailable, rebuild

EVENTS = [{"seq": n, "type": "token", "data": {"text": f"{n}\u2028語\n"}} for n in range(1, 6)]
EVENTS.append({"seq": 6, "type": "done", "data": {"result": {"answer": "x"}}})


def encoded(event):
    return f"id: {event['seq']}\nevent: {event['type']}\ndata: {json.dumps(event['data'])}\n\n".encode()


class Server(ThreadingHTTPServer):
    """Answers with what a test put under a path; drops event streams after two events at a time."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies = {}
        self.seen = []
        self.token = "secret"

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        path, _, query = self.path.partition("?")
        if path == "/health":
            self.answer(200, b"{}", {PROOF_HEADER: proof(self.server.token, self.headers[CHALLENGE_HEADER])})
        elif path == "/api/runs/r/events":
            self.stream(int(query.removeprefix("after=")))
        else:
            self.answer(*self.server.replies[path])

    def stream(self, after):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        pieces = [b": still here\n\n", *(encoded(event) for event in EVENTS[after : after + 2])]
        for piece in pieces:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.write(b"40\r\nid: 9\nevent: to")  # the connection breaks within an event
        self.close_connection = True

    def answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def client(server):
    with ServiceClient(server.address, server.token, language="ja") as made:
        yield made


def leave_record(home, server, **changes):
    record = {"address": server.address, "pid": os.getpid(), "token": server.token, "version": "0", **changes}
    (home / "service.json").write_text(json.dumps(record))


def test_events_are_taken_up_where_the_connection_broke(client, server):
    events = list(client.events("r"))
    assert [event.model_dump() for event in events] == EVENTS
    asked = [path for path, _ in server.seen]
    assert asked == [f"/api/runs/r/events?after={n}" for n in (0, 2, 4)]


def test_events_can_be_joined_at_any_number(client):
    for after in range(6):
        assert [event.seq for event in client.events("r", after=after)] == list(range(after + 1, 7))


def test_a_service_that_is_gone_is_unavailable(server):
    with ServiceClient("http://127.0.0.1:9", "t") as client:
        with pytest.raises(Unavailable) as caught:
            client.notes()
        assert caught.value.key == "service_away"
        assert not client.ready()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Unauthorised), (404, NotFound), (409, Busy), (503, Unavailable), (500, TerakoyaError)],
)
def test_an_error_of_the_service_keeps_its_kind_its_key_and_its_sentence(client, server, status, kind):
    server.replies["/api/notes"] = (status, '{"code": "a_key", "message": "文です。"}'.encode())
    with pytest.raises(kind) as caught:
        client.notes()
    assert (caught.value.key, str(caught.value), caught.value.message("en")) == (
        "a_key",
        "文です。",
        "文です。",
    )


def test_an_error_that_is_no_error_body_is_an_error_all_the_same(client, server):
    server.replies["/api/notes"] = (502, b"<html>")
    with pytest.raises(TerakoyaError, match="502"):
        client.notes()


def test_the_token_and_the_language_go_with_every_request(client, server):
    server.replies["/api/notes"] = (200, b"[]")
    client.notes()
    headers = server.seen[-1][1]
    assert headers["Authorization"] == "Bearer secret"
    assert headers["Accept-Language"] == "ja"


def test_a_proxy_of_the_environment_is_not_used(monkeypatch, server, tmp_path):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    leave_record(tmp_path, server)
    server.replies["/ready"] = (200, b"{}")
    with ServiceClient.discover(tmp_path) as client:
        assert client.ready()


def test_a_service_is_found_by_its_record(server, tmp_path):
    leave_record(tmp_path, server)
    with ServiceClient.discover(tmp_path) as client:
        assert client.address == server.address


def test_a_process_that_cannot_prove_the_token_is_not_shown_it(server, tmp_path):
    leave_record(tmp_path, server)
    server.token = "another"
    assert ServiceClient.discover(tmp_path) is None
    assert all("secret" not in str(headers) for _, headers in server.seen)


def test_a_record_of_a_process_that_ended_is_not_followed(server, tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    leave_record(tmp_path, server, pid=ended.pid)
    assert ServiceClient.discover(tmp_path) is None
    assert server.seen == []


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "\x00", '{"address": 1}'])
def test_a_damaged_record_is_no_record(tmp_path, content):
    (tmp_path / "service.json").write_text(content)
    assert ServiceRecord.read(tmp_path) is None


def test_a_home_without_a_record_has_no_service(tmp_path):
    assert ServiceClient.discover(tmp_path) is None
    (tmp_path / "service.json").mkdir()
    assert ServiceClient.discover(tmp_path) is None
    assert stat.S_ISDIR((tmp_path / "service.json").stat().st_mode)


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3), max_size=5))
def test_what_is_written_as_server_sent_events_is_read_back(datas):
    lines = "".join(
        encoded({"seq": n, "type": "step", "data": data}).decode() + ": heartbeat\n\n"
        for n, data in enumerate(datas, 1)
    ).splitlines()
    assert [(event.seq, event.data) for event in parse(iter(lines))] == list(enumerate(datas, 1))


def test_a_rebuilt_error_exits_as_the_one_that_was_raised():
    assert rebuild("k", "s", 422).exit_code == 2
    assert rebuild("k", "s", 413).exit_code == 2
    assert rebuild("k", "s", 409).exit_code == 3
    assert rebuild("k", "s", 500).exit_code == 1
