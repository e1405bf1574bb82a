import json
import socket
import stat
import subprocess
import sys

import httpx
import pytest
from fakes import WORDS
from running import FAKES, clean_environment, until

from terakoya.client import ServiceClient, ServiceRecord
from terakoya.errors import BadInput, Busy, NotFound, TerakoyaError

ANSWER = "".join(WORDS)


@pytest.fixture
def raw(service):
    """The service without the client's manners."""
    record = ServiceRecord.read(service.home)
    with httpx.Client(
        base_url=record.address, headers={"Authorization": f"Bearer {record.token}"}, trust_env=False
    ) as client:
        yield client


def text_of(events):
    return "".join(event.data["text"] for event in events if event.type == "token")


@pytest.mark.parametrize("path", ["/ready", "/api/notes", "/api/openapi.json", "/docs", "/nothing"])
@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer wrong", "Basic abc"])
def test_nothing_but_health_is_told_without_the_token(raw, path, shown):
    reply = raw.get(path, headers={"Authorization": shown})
    assert reply.status_code == 401
    assert reply.json()["code"] == "token"


def test_health_needs_no_token_and_tells_nothing(raw):
    reply = raw.get("/health", headers={"Authorization": ""})
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/health", "/api/notes"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "127.0.0.1", "localhost.evil:{port}"]
)
def test_a_name_that_was_bound_to_loopback_is_refused(raw, path, host):
    reply = raw.get(path, headers={"Host": host.format(port=raw.base_url.port)})
    assert (reply.status_code, reply.json()["code"]) == (403, "foreign_host")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_the_names_of_loopback_are_answered(raw, name):
    assert raw.get("/api/notes", headers={"Host": f"{name}:{raw.base_url.port}"}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", ""])
def test_other_web_pages_are_refused(raw, origin):
    reply = raw.post("/api/search", json={"query": "x"}, headers={"Origin": origin})
    assert (reply.status_code, reply.json()["code"]) == (403, "foreign_origin")


def test_our_own_origin_is_answered(raw):
    origin = f"http://127.0.0.1:{raw.base_url.port}"
    reply = raw.post("/api/search", json={"query": "x"}, headers={"Origin": origin})
    assert reply.status_code == 200
    assert "access-control-allow-origin" not in reply.headers


def test_every_reply_forbids_caching_sniffing_and_framing(raw):
    for path in ("/health", "/api/notes", "/nothing"):
        headers = raw.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_limit_is_refused_with_or_without_its_length(raw, chunked):
    body = b'{"query": "' + b"x" * 2_000_000 + b'"}'
    content = iter([body[:1_500_000], body[1_500_000:]]) if chunked else body
    reply = raw.post("/api/search", content=content, headers={"Content-Type": "application/json"})
    assert (reply.status_code, reply.json()["code"]) == (413, "body_too_large")


def test_errors_come_in_the_language_of_the_reader(raw):
    replies = {
        accepted: raw.get("/api/note", params={"source": "x"}, headers={"Accept-Language": accepted}).json()
        for accepted in ("ja", "en-GB,ja;q=0.1", "fr, ja;q=0.5")
    }
    assert "見つかりません" in replies["ja"]["message"]
    assert "There is no" in replies["en-GB,ja;q=0.1"]["message"]
    assert "見つかりません" in replies["fr, ja;q=0.5"]["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 422),
        ('{"query": 1}', 422),
        ('{"query": "x", "kk": 1}', 422),
        ('{"query": ""}', 422),
        ("[]", 422),
    ],
)
def test_a_request_that_makes_no_sense_gets_an_error_body(raw, body, status):
    reply = raw.post("/api/search", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == status
    assert reply.json().keys() == {"code", "message"}


def test_an_unknown_route_gets_an_error_body(raw):
    assert raw.get("/api/nothing").json()["code"] == "route_unknown"
    assert raw.put("/api/search").status_code == 405


def test_a_run_gives_its_pieces_and_then_its_result(service):
    started = service.ask("How?", effort="fast")
    events = list(service.events(started.run_id))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert text_of(events) == ANSWER
    assert events[-1].type == "done"
    assert events[-1].data["result"]["answer"] == ANSWER
    assert events[-1].data["result"]["thread_id"] == started.thread_id
    assert service.run(started.run_id).status == "done"


def test_a_second_reader_who_joins_halfway_gets_the_same_text(service, tmp_path):
    gate = tmp_path / "gate"
    run = service.ask(f"gate:{gate}").run_id
    first = service.events(run)
    seen = [next(first) for _ in range(3)]
    gate.touch()
    rest = list(service.events(run, after=seen[-1].seq))
    assert text_of(seen + rest) == ANSWER
    assert list(service.events(run)) == seen + rest


def test_the_last_event_id_of_a_browser_is_heeded(service, raw):
    run = service.ask("q").run_id
    list(service.events(run))
    reply = raw.get(f"/api/runs/{run}/events", headers={"Last-Event-ID": "4"})
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.text.startswith("id: 5\nevent: token\ndata: ")


@pytest.mark.parametrize("header", ["9" * 5000, "-1", "x", "²"])
def test_a_last_event_id_that_is_none_of_ours_begins_anew(service, raw, header):
    run = service.ask("q").run_id
    list(service.events(run))
    reply = raw.get(f"/api/runs/{run}/events", headers={"Last-Event-ID": header.encode("latin-1")})
    assert reply.text.startswith("id: 1\n")


def test_a_reader_who_leaves_does_not_stop_the_run(service, raw, tmp_path):
    gate = tmp_path / "gate"
    run = service.ask(f"gate:{gate}").run_id
    with raw.stream("GET", f"/api/runs/{run}/events") as reply:
        next(reply.iter_bytes())
    gate.touch()
    assert service.result(run)["answer"] == ANSWER


def test_a_run_under_way_stands_at_the_end_of_its_thread(service, tmp_path):
    gate = tmp_path / "gate"
    service.answer("before", thread_id="t1")
    run = service.ask(f"gate:{gate}", thread_id="t1").run_id
    turns = service.thread("t1").turns
    assert [turn.question for turn in turns] == ["before", f"gate:{gate}"]
    assert (turns[-1].result, turns[-1].run_id) == (None, run)
    gate.touch()
    service.result(run)
    assert [turn.result is not None for turn in service.thread("t1").turns] == [True, True]


def test_a_thread_that_has_just_begun_can_be_found_after_a_reload(service, tmp_path):
    gate = tmp_path / "gate"
    started = service.ask(f"gate:{gate}")
    assert service.threads()[0].thread_id == started.thread_id
    assert service.thread(started.thread_id).turns[0].run_id == started.run_id
    gate.touch()
    service.result(started.run_id)
    assert [t.thread_id for t in service.threads()].count(started.thread_id) == 1


def test_a_failure_ends_the_run_with_a_sentence_and_leaves_no_question_in_the_log(service):
    run = service.ask("forget").run_id
    with pytest.raises(TerakoyaError) as caught:
        service.result(run)
    assert caught.value.key == "internal"
    assert str(service.home / "logs" / "service.log") in str(caught.value)
    lines = [json.loads(line) for line in (service.home / "logs" / "service.log").read_text().splitlines()]
    failed = next(line for line in lines if line["event"] == "run failed")
    assert (failed["run_id"], failed["error"], failed["level"]) == (run, "RuntimeError", "ERROR")
    assert "secret question text" not in (service.home / "logs" / "service.log").read_text()


def test_the_log_has_ids_and_neither_token_nor_question(service):
    started = service.ask("What did Mendel grow?")
    service.result(started.run_id)
    path = service.home / "logs" / "service.log"
    log = path.read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    done = next(x for x in lines if (x["event"], x.get("run_id")) == ("run done", started.run_id))
    assert done["thread_id"] == started.thread_id
    assert done["trace_id"] == "0" * 32
    assert done["request_id"]
    assert "Mendel" not in log
    assert ServiceRecord.read(service.home).token not in log
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_second_ingest_is_refused_while_one_is_under_way(service, tmp_path):
    folder = tmp_path / "gate"
    folder.mkdir()
    (folder / "a.md").write_text("a")
    run = service.ingest([folder]).run_id
    with pytest.raises(Busy) as caught:
        service.ingest([folder])
    assert caught.value.key == "ingest_busy"
    with pytest.raises(Busy):
        service.upload([("a.md", b"x")])
    (folder / "open").touch()
    assert service.result(run)["added"] == ["a.md"]
    service.result(service.ingest([folder]).run_id)


def test_an_ingest_stops_when_it_is_asked_to(service, tmp_path):
    folder = tmp_path / "gate"
    folder.mkdir()
    run = service.ingest([folder]).run_id
    service.cancel(run)
    assert list(service.events(run))[-1].type == "done"


def test_an_ingest_wants_absolute_paths(service):
    with pytest.raises(BadInput):
        service.ingest(["notes"])
    with pytest.raises(BadInput):
        service.ingest([])


def test_uploads_are_kept_and_taken_in(service):
    started = service.upload([("細胞.md", b"# one"), ("b.TXT", b"two")])
    assert service.result(started.run_id)["added"] == ["b.TXT", "細胞.md"]
    assert (service.home / "uploads" / "細胞.md").read_bytes() == b"# one"


def test_an_unexpected_name_of_a_run_thread_or_note_is_not_found(service):
    for call in (service.run, service.thread, service.note, lambda name: next(service.events(name))):
        with pytest.raises(NotFound):
            call("../no/such?thing")


def test_the_record_is_for_its_owner_and_goes_with_the_service(own_service, home):
    path = home / "service.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    record = json.loads(path.read_text())
    assert record["pid"] == own_service.process.pid
    assert len(record["token"]) >= 43  # 256 bits in base 64
    own_service.process.terminate()
    assert own_service.process.wait(10) == 0
    assert not path.exists()
    assert (home / "closed").exists()


def test_a_run_under_way_does_not_keep_the_service_from_ending_and_keeps_what_it_said(own_service, tmp_path):
    run = own_service.ask(f"gate:{tmp_path / 'never'}").run_id
    events = own_service.events(run)
    next(events)
    own_service.process.terminate()
    last = list(events)[-1]
    assert (last.type, last.data["result"]["interrupted"]) == ("done", True)
    assert own_service.process.wait(10) == 0


def test_a_home_has_one_service(service, processes):
    second = processes.start("-c", SERVE, service.home, 0)
    out, err = second.communicate(timeout=30)
    assert (second.returncode, out) == (3, "")
    assert "running already" in err
    assert service.ready()


SERVE = f"""
import sys; sys.path.insert(0, {str(FAKES.parent)!r})
from fakes import FakeInstallation; from app.cli import main
sys.exit(main(["serve", "--home", sys.argv[1], "--port", sys.argv[2]], open_installation=FakeInstallation))
"""


def test_a_port_in_use_is_told_with_the_option_that_mends_it(home, processes):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        out, err = processes.start("-c", SERVE, home, port).communicate(timeout=30)
    assert f"Port {port} is in use" in err
    assert "--port" in err
    assert out == ""
    assert not (home / "service.json").exists()


def test_a_service_that_was_killed_leaves_a_record_that_nobody_believes(own_service, home, processes):
    own_service.process.kill()
    own_service.process.wait(10)
    assert (home / "service.json").exists()
    assert ServiceClient.discover(home) is None
    again = processes.start(FAKES, "serve", home)
    with until(lambda: ServiceClient.discover(home)) as client:
        assert client.ready()
    again.terminate()
    assert again.wait(10) == 0


def test_a_record_that_names_another_service_is_not_believed(service, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    record = ServiceRecord.read(service.home).model_copy(update={"token": "another"})
    (other / "service.json").write_text(record.model_dump_json())
    assert ServiceClient.discover(other) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "example.org"])
def test_the_service_does_not_listen_to_other_machines(home, host):
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(home), "0"],
        env=clean_environment(TERAKOYA_HOST=host),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert host in done.stderr


def test_a_conversation_s_name_is_bounded(service, raw):
    reply = raw.post("/api/ask", json={"question": "q", "thread_id": "t" * 201})
    assert (reply.status_code, reply.json()["code"]) == (422, "request_invalid")
    assert service.ask("q", thread_id="t" * 200).thread_id == "t" * 200
