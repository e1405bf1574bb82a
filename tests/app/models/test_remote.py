"""A model at a server: what is sent, what comes back, and what is said when nothing does."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import SecretStr

from app.models.endpoint import Endpoint, key_for
from app.models.remote.breaker import FIRST_REST, LONGEST_REST, Breaker
from app.models.remote.chat import RemoteChatModel
from app.models.remote.events import BadStream, chunks
from app.models.remote.server import Server
from app.models.remote.thoughts import Thoughts
from app.models.remote.wire import chunk_of, message_of, usage_of
from app.models.waiting import backoff, retry_after
from terakoya.errors import BadInput, TerakoyaError, Unavailable
from tests.app.models.openai_server import ANSWER, KEY, OpenAIServer, scripted


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with scripted(OpenAIServer()) as made:
        yield made


@pytest.fixture
def waited() -> list[float]:
    return []


@pytest.fixture
def model(server: OpenAIServer, waited: list[float]) -> Iterator[Callable[..., RemoteChatModel]]:
    made: list[Server] = []

    def make(*, key: str = KEY, name: str = "big", **options: Any) -> RemoteChatModel:
        given = {"read_timeout": 10.0, "timeout": 20.0, "wait": waited.append, **options}
        made.append(Server(Endpoint.at(server.url), SecretStr(key), **given))
        return RemoteChatModel(server=made[-1], model=name)

    yield make
    for each in made:
        each.close()


def streamed(model: RemoteChatModel, **options: Any) -> AIMessage:
    whole: Any = None
    for chunk in model.stream("お茶は？", **options):
        whole = chunk if whole is None else whole + chunk
    return whole  # type: ignore[no-any-return]


def test_an_answer_comes_whole_and_in_pieces_with_its_usage(model: Callable[..., RemoteChatModel]) -> None:
    said = model().invoke("お茶は？")
    assert said.text == ANSWER
    assert said.usage_metadata == {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
    pieces = list(model().stream("お茶は？"))
    assert len(pieces) > 5
    assert "".join(piece.text for piece in pieces) == ANSWER
    assert pieces[-1].usage_metadata == said.usage_metadata
    assert pieces[-1].response_metadata["finish_reason"] == "stop"


def test_what_is_asked_is_what_was_meant(server: OpenAIServer, model: Callable[..., RemoteChatModel]) -> None:
    call = {"name": "add", "args": {"茶": 1}, "id": "7", "type": "tool_call"}
    messages = [
        SystemMessage("Answer."),
        HumanMessage([{"type": "text", "text": "お茶"}]),
        AIMessage("", tool_calls=[call]),  # type: ignore[list-item]
        ToolMessage("3", tool_call_id="7"),
    ]
    model().invoke(messages, max_tokens=5, temperature=0, stop=["。"], seed=3)
    asked = server.asked[0]
    assert [message["role"] for message in asked["messages"]] == ["system", "user", "assistant", "tool"]
    assert asked["messages"][1]["content"] == "お茶"
    assert json.loads(asked["messages"][2]["tool_calls"][0]["function"]["arguments"]) == {"茶": 1}
    assert (asked["max_tokens"], asked["temperature"], asked["stop"], asked["seed"]) == (5, 0, ["。"], 3)
    assert "top_p" not in asked
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


def test_an_option_that_nobody_knows_is_refused(model: Callable[..., RemoteChatModel]) -> None:
    with pytest.raises(BadInput) as caught:
        model().invoke("x", max_new_tokens=3)
    assert caught.value.key == "remote_option"


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
    model: Callable[..., RemoteChatModel],
    fault: Any,
    key: str,
    stream: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.faults = [fault] * 5
    with pytest.raises(TerakoyaError) as caught:
        streamed(model()) if stream else model().invoke("お茶は？")
    assert caught.value.key == key
    for language in ("en", "ja"):
        assert len(caught.value.message(language).splitlines()) == 1
    said = f"{caught.value} {caught.value!r} {caplog.text} {model().server!r} {model()!r}"
    assert KEY not in said


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", [500, 503, 429, "nothing"])
def test_a_fault_that_passes_is_not_noticed(
    server: OpenAIServer, model: Callable[..., RemoteChatModel], waited: list[float], fault: Any, stream: bool
) -> None:
    server.faults = [fault, fault]
    said = streamed(model()) if stream else model().invoke("お茶は？")
    assert said.text == ANSWER
    assert len(server.asked) == 3
    assert len(waited) == 2
    assert waited[0] <= 0.5
    assert waited[1] <= 1.0


def test_a_refusal_is_not_repeated(server: OpenAIServer, model: Callable[..., RemoteChatModel]) -> None:
    server.faults = [400, 400, 400]
    with pytest.raises(BadInput):
        model().invoke("x")
    assert len(server.asked) == 1


@pytest.mark.parametrize("fault", ["half", "half-silence"])
def test_half_a_stream_is_an_error_and_never_an_answer(
    server: OpenAIServer, model: Callable[..., RemoteChatModel], fault: str
) -> None:
    server.faults = [fault]
    heard: list[str] = []
    stream = (heard.append(chunk.text) for chunk in model(read_timeout=3.0, tries=1).stream("お茶は？"))
    with pytest.raises(Unavailable) as caught:
        list(stream)
    assert caught.value.key == "remote_cut"
    assert heard == ["お茶は"]
    assert len(server.asked) == 1


def test_silence_ends_with_the_time_that_the_server_has(
    server: OpenAIServer, model: Callable[..., RemoteChatModel]
) -> None:
    server.faults = ["silence"] * 3
    with pytest.raises(Unavailable) as caught:
        model(read_timeout=0.2, tries=1).invoke("x")
    assert caught.value.key == "remote_silent"


def test_a_stream_that_never_ends_ends_with_the_time_of_the_request(
    server: OpenAIServer, model: Callable[..., RemoteChatModel]
) -> None:
    server.faults = ["slow"]
    with pytest.raises(Unavailable) as caught:
        list(model(timeout=0.6).stream("x"))
    assert caught.value.key == "remote_deadline"


def test_an_error_in_the_stream_is_told(server: OpenAIServer, model: Callable[..., RemoteChatModel]) -> None:
    server.faults = ["in-stream"] * 3
    with pytest.raises(Unavailable) as caught:
        list(model().stream("x"))
    assert "out of memory" in str(caught.value)


def test_a_server_that_is_not_there_is_named(waited: list[float]) -> None:
    server = Server(Endpoint.at("http://127.0.0.1:9/v1"), wait=waited.append)
    with pytest.raises(Unavailable) as caught:
        RemoteChatModel(server=server, model="x").invoke("x")
    assert caught.value.key == "remote_away"
    assert "127.0.0.1:9" in str(caught.value)
    server.close()


def test_the_wait_that_a_server_asks_for_is_kept(
    server: OpenAIServer, model: Callable[..., RemoteChatModel], waited: list[float]
) -> None:
    server.faults = [(429, {"Retry-After": "3"})]
    assert model().invoke("x").text == ANSWER
    assert waited == [3.0]


def test_a_wait_that_is_too_long_makes_room_for_the_next_model_and_holds_for_the_next_question(
    server: OpenAIServer, model: Callable[..., RemoteChatModel], waited: list[float]
) -> None:
    server.faults = [(429, {"Retry-After": "600"})]
    one = model()
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            one.invoke("x")
        assert caught.value.key == "remote_limited_for"
    assert (len(server.asked), waited) == (1, [])


def test_a_server_that_has_no_requests_left_is_not_asked_until_it_has(
    server: OpenAIServer, model: Callable[..., RemoteChatModel]
) -> None:
    server.extra = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}
    one = model()
    assert one.invoke("x").text == ANSWER
    with pytest.raises(Unavailable) as caught:
        one.invoke("x")
    assert caught.value.key == "remote_limited_for"
    assert len(server.asked) == 1


def test_a_server_that_fails_again_and_again_is_left_alone_and_tried_again(
    server: OpenAIServer, model: Callable[..., RemoteChatModel]
) -> None:
    now = [0.0]
    one = model(tries=1, breaker=Breaker(lambda: now[0]))
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


@pytest.mark.parametrize("key", ["sk-one\nsk-two", "sk-鍵", "sk one"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(
    server: OpenAIServer, model: Callable[..., RemoteChatModel], key: str
) -> None:
    with pytest.raises(BadInput) as caught:
        model(key=key).invoke("x")
    assert caught.value.key == "remote_key"
    assert "sk" not in str(caught.value)
    assert server.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": [None]},
        {"choices": [{"message": None}]},
        {"choices": [{"message": {"content": 7, "tool_calls": {"a": 1}}}], "usage": "many"},
        {"choices": [{"message": {"content": None, "tool_calls": [{"function": {"arguments": "{"}}]}}]},
        {"choices": [{"delta": [], "finish_reason": 3}], "usage": {"prompt_tokens": -1}},
    ],
)
def test_whatever_shape_an_answer_has_nothing_breaks(answer: dict[str, Any]) -> None:
    message, _ = message_of(answer)
    assert message.text == ""
    usage_of(answer.get("usage"))
    chunk, _ = chunk_of(answer, Thoughts())
    assert chunk is None or chunk.text == ""


def test_leaving_a_stream_closes_the_connection(
    server: OpenAIServer, model: Callable[..., RemoteChatModel]
) -> None:
    one = model()
    for _ in range(30):
        stream = one.stream("x")
        next(stream)
        stream.close()  # type: ignore[attr-defined]
    assert one.invoke("x").text == ANSWER


def test_many_at_once_are_answered_over_one_server(model: Callable[..., RemoteChatModel]) -> None:
    one = model()
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.append(streamed(one).text)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [ANSWER] * 16


def test_what_a_model_thinks_is_kept_apart(
    server: OpenAIServer, model: Callable[..., RemoteChatModel]
) -> None:
    server.answer = "<think>\nお茶かな。</think>\n\n煎茶です。"
    whole = model().invoke("x")
    for said in (whole, streamed(model())):
        assert said.text == "煎茶です。"
        assert said.additional_kwargs["reasoning_content"].strip() == "お茶かな。"


@pytest.mark.parametrize(
    "text", ["", "<", "<th", "<think>", "a<think>b</think>", "<think>x</think>\n\ny", "  z"]
)
def test_thoughts_do_not_depend_on_how_the_text_was_cut(text: str) -> None:
    def separated(size: int) -> tuple[str, str]:
        thoughts = Thoughts()
        parts = [thoughts.feed(text[n : n + size]) for n in range(0, len(text), size)] + [thoughts.finish()]
        return "".join(a for a, _ in parts), "".join(t for _, t in parts)

    assert len({separated(size) for size in range(1, 20)}) == 1


def test_events_are_read_however_they_are_cut_and_whatever_ends_their_lines() -> None:
    text = (
        'event: x\r\ndata: {"a":\r\ndata: "茶"}\r\n\r\n: hold\n\ndata:{"b": 2}\n\ndata: [DONE]\n\n'.encode()
    )
    for size in range(1, 20):
        pieces = [text[n : n + size] for n in range(0, len(text), size)]
        assert list(chunks(pieces)) == [{"a": "茶"}, {"b": 2}, None]
    for bad in (b"data: 7\n\n", b"data: " + b"[" * 100_000 + b"\n\n", b"<html>\n"):
        with pytest.raises(BadStream):
            list(chunks([bad]))


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://models.example/v1", "remote_insecure"),
        ("http://10.0.0.7:8080/v1", "remote_insecure"),
        ("ftp://models.example", "remote_url"),
        ("https://me:hidden@models.example/v1", "remote_url"),
        ("https://models.example/v1?key=hidden", "remote_url"),
        ("https://models.example:port/v1", "remote_url"),
        ("https:///v1", "remote_url"),
        ("https://[::1/v1", "remote_url"),
    ],
)
def test_an_address_that_would_show_notes_or_keys_is_refused(url: str, key: str) -> None:
    with pytest.raises(BadInput) as caught:
        Endpoint.at(url)
    assert caught.value.key == key
    assert "hidden" not in str(caught.value)


def test_this_machine_and_a_host_that_is_named_may_go_without_encryption() -> None:
    for url in ("http://localhost:1/v1", "http://127.0.0.9:1/v1", "http://[::1]:1/v1"):
        assert Endpoint.at(url).on_this_machine
    assert (
        Endpoint.at("http://10.0.0.7:8080/v1/", http_hosts=["10.0.0.7:8080"]).url == "http://10.0.0.7:8080/v1"
    )


def test_a_key_goes_to_the_server_that_it_is_for(tmp_path: Path) -> None:
    one, other = Endpoint.at("https://one.example/v1"), Endpoint.at("https://other.example:8443/v1")
    keys = tmp_path / "keys.toml"

    def key(endpoint: Endpoint, *, alone: bool = False, **environ: str) -> str | None:
        found = key_for(endpoint, keys, alone=alone, environ=environ)
        return found.get_secret_value() if found else None

    assert key(one, TERAKOYA_API_KEY="a") is None
    assert key(one, alone=True, TERAKOYA_API_KEY="a") == "a"
    assert key(other, TERAKOYA_API_KEY_OTHER_EXAMPLE_8443="b") == "b"
    assert key(one, TERAKOYA_API_KEY_OTHER_EXAMPLE_8443="b") is None
    keys.write_text('"one.example" = "kept"\n')
    keys.chmod(0o600)
    assert key(one) == "kept"
    keys.chmod(0o644)
    with pytest.raises(BadInput) as caught:
        key(one)
    assert caught.value.key == "keys_open"
    keys.chmod(0o600)
    keys.write_text('"one.example" = kept-secret')
    with pytest.raises(BadInput) as caught:
        key(one)
    assert "kept-secret" not in str(caught.value)


def test_waits_grow_are_drawn_and_have_an_end() -> None:
    assert [backoff(n, draw=lambda: 1.0) for n in (1, 2, 3, 9, 10_000)] == [0.5, 1.0, 2.0, 8.0, 8.0]
    assert backoff(3, draw=lambda: 0.0) == 0.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "5"}, 5.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:10 GMT"}, 10.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:27:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_both_forms_of_retry_after_are_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=lambda: 1445412480.0) == seconds


def test_after_hundreds_of_requests_of_every_kind_nothing_is_left_open(
    server: OpenAIServer, model: Callable[..., RemoteChatModel]
) -> None:
    faults: list[Any] = [*(fault for fault, _ in FAULTS), "half", "in-stream", None, None]
    patient = Breaker()
    patient.failed = lambda: None  # type: ignore[method-assign]  # each request is to reach the server
    one = model(tries=1, breaker=patient)
    one.invoke("x")
    before = open_files(), threading.active_count()
    outcomes: dict[str, int] = {}
    for number in range(300):
        fault = faults[number % len(faults)]
        server.faults = [fault] if fault else []
        try:
            said = streamed(one).text if number % 2 else one.invoke("x").text
            outcomes["answer"] = outcomes.get("answer", 0) + (said == ANSWER)
        except TerakoyaError as error:
            outcomes[error.key] = outcomes.get(error.key, 0) + 1
    assert sum(outcomes.values()) == 300
    assert set(outcomes) == {"answer", "remote_cut", *(key for _, key in FAULTS)}
    deadline = time.monotonic() + 30
    while threading.active_count() > before[1] + 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert open_files() <= before[0] + 4
