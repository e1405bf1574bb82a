"""A server that fails: what is said, when it is asked again, and that nothing is left open."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.models.endpoint import Endpoint
from app.models.remote.breaker import FIRST_REST, LONGEST_REST, Breaker
from app.models.remote.chat import RemoteChatModel
from app.models.remote.server import Server
from terakoya.errors import BadInput, TerakoyaError, Unavailable
from tests.app.models.conftest import streamed
from tests.app.models.openai_server import ANSWER, KEY, OpenAIServer
from tests.soak.scale import log, size


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


FAULTS: list[tuple[Any, str]] = [
    (401, "remote_key"),
    (404, "remote_unknown"),
    (400, "remote_refused"),
    (302, "remote_redirect"),
    (429, "remote_limited"),
    (500, "remote_failed"),
    ("nothing", "remote_hung_up"),
    ("rubbish", "remote_rubbish"),
    ("page", "remote_rubbish"),
    ("list", "remote_rubbish"),
    ("empty", "remote_rubbish"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("fault", "key"), FAULTS)
def test_each_fault_has_its_sentence_and_none_shows_the_key(
    server: OpenAIServer,
    remote: Callable[..., RemoteChatModel],
    fault: Any,
    key: str,
    stream: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.faults = [fault] * 5
    with pytest.raises(TerakoyaError) as caught:
        streamed(remote()) if stream else remote().invoke("お茶は？")
    assert caught.value.key == key
    for language in ("en", "ja"):
        assert len(caught.value.message(language).splitlines()) == 1
    said = f"{caught.value} {caught.value!r} {caplog.text} {remote().server!r} {remote()!r}"
    assert KEY not in said


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", [500, 503, 429, "nothing"])
def test_a_fault_that_passes_is_not_noticed(
    server: OpenAIServer,
    remote: Callable[..., RemoteChatModel],
    waited: list[float],
    fault: Any,
    stream: bool,
) -> None:
    server.faults = [fault, fault]
    said = streamed(remote()) if stream else remote().invoke("お茶は？")
    assert said.text == ANSWER
    assert len(server.asked) == 3
    assert len(waited) == 2
    assert waited[0] <= 0.5
    assert waited[1] <= 1.0


def test_a_refusal_is_not_repeated(server: OpenAIServer, remote: Callable[..., RemoteChatModel]) -> None:
    server.faults = [400, 400, 400]
    with pytest.raises(BadInput):
        remote().invoke("x")
    assert len(server.asked) == 1


@pytest.mark.parametrize("fault", ["half", "half-silence"])
def test_half_a_stream_is_an_error_and_never_an_answer(
    server: OpenAIServer, remote: Callable[..., RemoteChatModel], fault: str
) -> None:
    server.faults = [fault]
    heard: list[str] = []
    stream = (heard.append(chunk.text) for chunk in remote(read_timeout=3.0, tries=1).stream("お茶は？"))
    with pytest.raises(Unavailable) as caught:
        list(stream)
    assert caught.value.key == "remote_cut"
    assert heard == ["お茶は"]
    assert len(server.asked) == 1


def test_silence_ends_with_the_time_that_the_server_has(
    server: OpenAIServer, remote: Callable[..., RemoteChatModel]
) -> None:
    server.faults = ["silence"] * 3
    with pytest.raises(Unavailable) as caught:
        remote(read_timeout=0.2, tries=1).invoke("x")
    assert caught.value.key == "remote_silent"


def test_a_stream_that_never_ends_ends_with_the_time_of_the_request(
    server: OpenAIServer, remote: Callable[..., RemoteChatModel]
) -> None:
    server.faults = ["slow"]
    with pytest.raises(Unavailable) as caught:
        list(remote(timeout=0.6).stream("x"))
    assert caught.value.key == "remote_deadline"


def test_an_error_in_the_stream_is_told(server: OpenAIServer, remote: Callable[..., RemoteChatModel]) -> None:
    server.faults = ["in-stream"] * 3
    with pytest.raises(Unavailable) as caught:
        list(remote().stream("x"))
    assert "out of memory" in str(caught.value)


def test_a_server_that_is_not_there_is_named(waited: list[float]) -> None:
    server = Server(Endpoint.at("http://127.0.0.1:9/v1"), wait=waited.append)
    with pytest.raises(Unavailable) as caught:
        RemoteChatModel(server=server, model="x").invoke("x")
    assert caught.value.key == "remote_away"
    assert "127.0.0.1:9" in str(caught.value)
    server.close()


def test_the_wait_that_a_server_asks_for_is_kept(
    server: OpenAIServer, remote: Callable[..., RemoteChatModel], waited: list[float]
) -> None:
    server.faults = [(429, {"Retry-After": "3"})]
    assert remote().invoke("x").text == ANSWER
    assert waited == [3.0]


def test_a_wait_that_is_too_long_makes_room_for_the_next_model_and_holds_for_the_next_question(
    server: OpenAIServer, remote: Callable[..., RemoteChatModel], waited: list[float]
) -> None:
    server.faults = [(429, {"Retry-After": "600"})]
    one = remote()
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            one.invoke("x")
        assert caught.value.key == "remote_limited_for"
    assert (len(server.asked), waited) == (1, [])


def test_a_server_that_has_no_requests_left_is_not_asked_until_it_has(
    server: OpenAIServer, remote: Callable[..., RemoteChatModel]
) -> None:
    server.extra = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}
    one = remote()
    assert one.invoke("x").text == ANSWER
    with pytest.raises(Unavailable) as caught:
        one.invoke("x")
    assert caught.value.key == "remote_limited_for"
    assert len(server.asked) == 1


def test_a_server_that_fails_again_and_again_is_left_alone_and_tried_again(
    server: OpenAIServer, remote: Callable[..., RemoteChatModel]
) -> None:
    now = [0.0]
    one = remote(tries=1, breaker=Breaker(lambda: now[0]))
    server.faults = [500] * 4
    for _ in range(3):
        with pytest.raises(Unavailable):
            one.invoke("x")
    with pytest.raises(Unavailable) as caught:
        one.invoke("x")
    assert caught.value.key == "remote_resting"
    assert len(server.asked) == 3
    now[0] += FIRST_REST + 1
    with pytest.raises(Unavailable):
        one.invoke("x")
    now[0] += FIRST_REST + 1
    with pytest.raises(Unavailable) as caught:
        one.invoke("x")
    assert caught.value.key == "remote_resting"  # twice as long now
    now[0] += LONGEST_REST
    assert one.invoke("x").text == ANSWER
    assert one.invoke("x").text == ANSWER


def test_while_a_server_is_tried_again_others_do_not_wait_for_it() -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    for _ in range(3):
        assert breaker.admit() is None
        breaker.failed()
    now[0] += FIRST_REST + 1
    assert breaker.admit() is None
    assert breaker.admit() is not None
    breaker.left()
    assert breaker.admit() is None
    breaker.succeeded()
    assert breaker.admit() is None


def test_after_hundreds_of_requests_of_every_kind_nothing_is_left_open(
    server: OpenAIServer, remote: Callable[..., RemoteChatModel]
) -> None:
    faults: list[Any] = [*(fault for fault, _ in FAULTS), "half", "in-stream", None, None]
    patient = Breaker()
    patient.failed = lambda: None  # type: ignore[method-assign]  # each request is to reach the server
    one = remote(tries=1, breaker=patient)
    one.invoke("x")
    before = open_files(), threading.active_count()
    times = size(full=1000, short=300)
    outcomes: dict[str, int] = {}
    for number in range(times):
        fault = faults[number % len(faults)]
        server.faults = [fault] if fault else []
        try:
            said = streamed(one).text if number % 2 else one.invoke("x").text
            outcomes["answer"] = outcomes.get("answer", 0) + (said == ANSWER)
        except TerakoyaError as error:
            outcomes[error.key] = outcomes.get(error.key, 0) + 1
    assert sum(outcomes.values()) == times
    assert set(outcomes) == {"answer", "remote_cut", *(key for _, key in FAULTS)}
    deadline = time.monotonic() + 30
    while threading.active_count() > before[1] + 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert open_files() <= before[0] + 4
    log("requests to a server", **outcomes)
