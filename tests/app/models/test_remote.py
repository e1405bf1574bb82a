"""A model at a server: what is sent, and what comes back."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from app.models.remote.chat import RemoteChatModel
from app.models.remote.events import BadStream, chunks
from app.models.remote.thoughts import Thoughts
from app.models.remote.wire import chunk_of, message_of, usage_of
from terakoya.errors import BadInput
from tests.app.models.conftest import streamed
from tests.app.models.openai_server import ANSWER, KEY, OpenAIServer


def test_an_answer_comes_whole_and_in_pieces_with_its_usage(remote: Callable[..., RemoteChatModel]) -> None:
    said = remote().invoke("お茶は？")
    assert said.text == ANSWER
    assert said.usage_metadata == {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
    pieces = list(remote().stream("お茶は？"))
    assert len(pieces) > 5
    assert "".join(piece.text for piece in pieces) == ANSWER
    assert pieces[-1].usage_metadata == said.usage_metadata
    assert pieces[-1].response_metadata["finish_reason"] == "stop"


def test_what_is_asked_is_what_was_meant(
    server: OpenAIServer, remote: Callable[..., RemoteChatModel]
) -> None:
    call = {"name": "add", "args": {"茶": 1}, "id": "7", "type": "tool_call"}
    messages = [
        SystemMessage("Answer."),
        HumanMessage([{"type": "text", "text": "お茶"}]),
        AIMessage("", tool_calls=[call]),  # type: ignore[list-item]
        ToolMessage("3", tool_call_id="7"),
    ]
    remote().invoke(messages, max_tokens=5, temperature=0, stop=["。"], seed=3)
    asked = server.asked[0]
    assert [message["role"] for message in asked["messages"]] == ["system", "user", "assistant", "tool"]
    assert asked["messages"][1]["content"] == "お茶"
    assert json.loads(asked["messages"][2]["tool_calls"][0]["function"]["arguments"]) == {"茶": 1}
    assert (asked["max_tokens"], asked["temperature"], asked["stop"], asked["seed"]) == (5, 0, ["。"], 3)
    assert "top_p" not in asked
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


def test_an_option_that_nobody_knows_is_refused(remote: Callable[..., RemoteChatModel]) -> None:
    with pytest.raises(BadInput) as caught:
        remote().invoke("x", max_new_tokens=3)
    assert caught.value.key == "remote_option"


@pytest.mark.parametrize("key", ["sk-one\nsk-two", "sk-鍵", "sk one"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(
    server: OpenAIServer, remote: Callable[..., RemoteChatModel], key: str
) -> None:
    with pytest.raises(BadInput) as caught:
        remote(key=key).invoke("x")
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
    server: OpenAIServer, remote: Callable[..., RemoteChatModel]
) -> None:
    one = remote()
    for _ in range(30):
        stream = one.stream("x")
        next(stream)
        stream.close()  # type: ignore[attr-defined]
    assert one.invoke("x").text == ANSWER


def test_many_at_once_are_answered_over_one_server(remote: Callable[..., RemoteChatModel]) -> None:
    one = remote()
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.append(streamed(one).text)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [ANSWER] * 16


def test_what_a_model_thinks_is_kept_apart(
    server: OpenAIServer, remote: Callable[..., RemoteChatModel]
) -> None:
    server.answer = "<think>\nお茶かな。</think>\n\n煎茶です。"
    whole = remote().invoke("x")
    for said in (whole, streamed(remote())):
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
