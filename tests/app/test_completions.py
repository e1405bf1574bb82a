"""OpenAI's API over the notes, asked with OpenAI's own client, and without one."""

import json

import httpx
import openai
import pytest
from fakes import WORDS
from running import until

from terakoya.client import ServiceClient, ServiceRecord

ANSWER = "".join(WORDS)
SOURCES = "\n\n[1] biology/cell.md, lines 12 to 13"


@pytest.fixture
def record(service):
    return ServiceRecord.read(service.home)


@pytest.fixture
def client(record):
    with openai.OpenAI(base_url=f"{record.address}/v1", api_key=record.token, max_retries=0) as made:
        yield made


def ask(client, *messages, **options):
    roles = ("user", "assistant") * len(messages)
    said = [{"role": role, "content": message} for role, message in zip(roles, messages, strict=False)]
    return client.chat.completions.create(**{"model": "terakoya", "messages": said, **options})


def test_a_client_sees_what_it_can_ask(client):
    assert [model.id for model in client.models.list()] == [
        "terakoya",
        "terakoya-fast",
        "terakoya-normal",
        "terakoya-deep",
    ]
    assert client.models.retrieve("terakoya-deep").owned_by == "terakoya"


def test_an_answer_has_its_sources_and_says_where_each_stands(client):
    reply = ask(client, "What did Mendel grow?")
    assert reply.object == "chat.completion"
    [choice] = reply.choices
    assert (choice.message.role, choice.finish_reason) == ("assistant", "stop")
    assert choice.message.content == ANSWER + SOURCES
    own = reply.model_extra["terakoya"]
    assert own["answered"]
    assert own["citations"][0]["start_line"] == 12


def test_a_japanese_question_has_its_sources_in_japanese(client):
    assert "（12〜13 行）" in ask(client, "メンデルは何を育てた？").choices[0].message.content


def test_a_stream_shows_as_the_answer_only_what_was_checked(client):
    content, thoughts, finish = "", "", None
    for chunk in ask(client, "replace", stream=True):
        assert chunk.object == "chat.completion.chunk"
        assert "usage" not in chunk.model_fields_set
        delta = chunk.choices[0].delta
        content += delta.content or ""
        thoughts += (delta.model_extra or {}).get("reasoning_content", "")
        finish = chunk.choices[0].finish_reason or finish
    assert content == "Something else [1]" + SOURCES
    assert thoughts == ANSWER
    assert finish == "stop"


def test_a_conversation_goes_on_in_its_thread(client):
    def thread(reply):
        return reply.model_extra["terakoya"]["thread_id"]

    first = ask(client, "one", extra_body={"thread_id": "t-first-of-all"})
    said = first.choices[0].message.content
    assert thread(first) == "t-first-of-all"
    assert thread(ask(client, "one", said, "two")) == "t-first-of-all"
    assert thread(ask(client, "one", "something else", "two")) != "t-first-of-all"
    assert thread(ask(client, "one")) != "t-first-of-all"


@pytest.mark.parametrize(
    ("model", "options", "effort"),
    [
        ("terakoya-deep", {}, "deep"),
        ("terakoya", {"reasoning_effort": "low"}, "fast"),
        ("terakoya-fast", {"reasoning_effort": "high"}, "fast"),
        ("terakoya", {"temperature": 0.3, "max_tokens": 7, "seed": 1, "user": "me"}, None),
    ],
)
def test_the_effort_is_that_of_the_model_or_of_the_reasoning(client, model, options, effort):
    reply = ask(client, "x", model=model, **options)
    assert reply.model_extra["terakoya"]["effort"] == effort or effort is None


@pytest.mark.parametrize(
    ("change", "kind", "code"),
    [
        ({"model": "gpt-9"}, openai.NotFoundError, "completion_model"),
        ({"n": 2}, openai.BadRequestError, "completion_option"),
        ({"response_format": {"type": "json_object"}}, openai.BadRequestError, "completion_option"),
        (
            {"tools": [{"type": "function", "function": {"name": "f"}}]},
            openai.BadRequestError,
            "completion_option",
        ),
        (
            {"messages": [{"role": "assistant", "content": "x"}]},
            openai.BadRequestError,
            "completion_last",
        ),
        ({"messages": [{"role": "user", "content": " "}]}, openai.BadRequestError, "question_empty"),
        ({"messages": []}, openai.BadRequestError, "request_invalid"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}
                ]
            },
            openai.BadRequestError,
            "completion_content",
        ),
    ],
)
def test_what_cannot_be_done_is_told_in_the_shape_that_clients_read(client, change, kind, code):
    with pytest.raises(kind) as caught:
        ask(client, "x", **change)
    assert caught.value.code == code
    assert caught.value.body["message"]
    assert "command" not in caught.value.body["message"]  # nobody typed one


def test_what_goes_wrong_in_a_stream_reaches_the_client(client):
    with pytest.raises(openai.APIError) as caught:
        list(ask(client, "forget", stream=True))
    assert caught.value.code == "internal"
    with pytest.raises(openai.InternalServerError):
        ask(client, "forget")


def test_the_token_is_the_key_and_nothing_else_is(record):
    with (
        openai.OpenAI(base_url=f"{record.address}/v1", api_key="sk-wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        stranger.models.list()
    assert caught.value.code == "token"


@pytest.mark.parametrize(("header", "value"), [("Host", "evil.example"), ("Origin", "https://evil.example")])
def test_other_names_and_other_pages_are_refused(record, header, value):
    headers = {"Authorization": f"Bearer {record.token}", header: value}
    reply = httpx.post(f"{record.address}/v1/chat/completions", headers=headers, json={})
    assert reply.status_code == 403
    assert reply.json()["error"]["type"] == "invalid_request_error"


def test_the_lines_of_a_stream_are_as_published(record):
    body = {"model": "terakoya", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    headers = {"Authorization": f"Bearer {record.token}"}
    reply = httpx.post(f"{record.address}/v1/chat/completions", headers=headers, json=body)
    assert reply.headers["content-type"].startswith("text/event-stream")
    events = [line for line in reply.text.split("\n\n") if line]
    assert all(event.startswith(("data: {", "data: [DONE]", ":")) for event in events)
    assert events[-1] == "data: [DONE]"


def test_a_client_that_goes_away_stops_the_run(record, tmp_path):
    gate = tmp_path / "never"
    body = {"model": "terakoya", "stream": True, "messages": [{"role": "user", "content": f"gate:{gate}"}]}
    headers = {"Authorization": f"Bearer {record.token}"}
    with httpx.stream("POST", f"{record.address}/v1/chat/completions", headers=headers, json=body) as reply:
        first = next(reply.iter_lines())
    run = json.loads(first.removeprefix("data: "))["id"].removeprefix("chatcmpl-")

    def ended():
        state = httpx.get(f"{record.address}/api/runs/{run}", headers=headers).json()
        return state["status"] == "done"

    assert until(ended)
    assert not gate.exists()


def test_a_note_named_like_an_image_or_over_two_lines_is_only_named(client):
    said = ask(client, "source:![x](https:/evil.example/p.png).md\n[2] other.md").choices[0].message.content
    assert said.endswith("\n\n[1] !\\[x\\](https:/evil.example/p.png).md \\[2\\] other.md, lines 12 to 13")


def test_who_asks_is_the_user_that_the_client_names_or_the_conversation_or_the_terminal(
    client, record, service
):
    def said(**options):
        return ask(client, "who", **options).choices[0].message.content

    assert "<v1 kim>" in said(user="kim")
    assert "<v1 sho>" in said(safety_identifier="sho", user="kim")
    assert "<v1 >" in said()
    assert f"<{'c' * 32}>" in service.answer("who", thread_id="c" * 32).answer
    with ServiceClient(record.address, record.token, asker="session 7") as other:
        assert "<session 7>" in other.answer("who", thread_id="c" * 32).answer


def test_usage_counts_the_tokens_of_all_models_that_were_called_and_none_for_a_quote(client):
    usage = ask(client, "tokens").usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (42, 8, 50)
    assert usage.prompt_tokens_details.cached_tokens == 30
    quoted = ask(client, "What did Mendel grow?").usage
    assert (quoted.prompt_tokens, quoted.completion_tokens, quoted.total_tokens) == (0, 0, 0)


def test_a_stream_that_is_asked_for_usage_ends_with_it_in_a_chunk_without_choices(client):
    *chunks, last = ask(client, "tokens", stream=True, stream_options={"include_usage": True})
    assert last.choices == []
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (42, 8)
    assert all(chunk.usage is None and "usage" in chunk.model_fields_set for chunk in chunks)
    assert [c.choices[0].finish_reason for c in chunks if c.choices[0].finish_reason] == ["stop"]


def test_an_answer_that_was_cut_short_says_so(client, service, tmp_path):
    gate = tmp_path / "never"
    stream = ask(client, f"gate:{gate}", stream=True)
    run = next(iter(stream)).id.removeprefix("chatcmpl-")
    service.cancel(run)
    assert [c.choices[0].finish_reason for c in stream if c.choices[0].finish_reason] == ["length"]


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"n": 2}, "n"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "wizard"}]}, "messages.0.role"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages"),
    ],
)
def test_an_error_names_the_parameter_that_it_is_about(client, change, parameter):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "x", **change)
    assert caught.value.param == parameter


def test_a_model_that_is_not_there_is_the_parameter_that_the_error_is_about(client):
    with pytest.raises(openai.NotFoundError) as caught:
        ask(client, "x", model="gpt-9")
    assert caught.value.param == "model"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b"{}", b'{"model": "terakoya"}']
)
def test_every_body_that_is_no_request_is_a_bad_request_in_the_shape_that_clients_read(record, body):
    headers = {"Authorization": f"Bearer {record.token}", "Content-Type": "application/json"}
    reply = httpx.post(f"{record.address}/v1/chat/completions", headers=headers, content=body)
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert error["param"] in (None, "model", "messages")


def test_what_is_nowhere_is_told_in_the_same_shape(record):
    headers = {"Authorization": f"Bearer {record.token}"}
    for path in ("/v1/embeddings", "/v1/completions"):
        error = httpx.post(f"{record.address}{path}", headers=headers, json={}).json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
