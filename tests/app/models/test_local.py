import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage

from app.asker import asking
from app.models.engine import LocalEngine
from app.models.local import LocalChatModel
from app.models.options import ModelOptions
from app.models.queue_place import tell_place
from terakoya.errors import BadInput, Unavailable
from tests.app.models.conftest import REPLY

MESSAGES = [
    SystemMessage("Answer from the notes."),
    HumanMessage("お茶は？"),
    AIMessage("緑茶です。"),
    HumanMessage([{"type": "text", "text": "And sencha?"}]),
]


@pytest.fixture
def model(talker: LocalEngine) -> LocalChatModel:
    return LocalChatModel(engine=talker, model="tiny", temperature=0)


def test_an_answer_carries_usage_model_and_finish_reason(model: LocalChatModel) -> None:
    message = model.invoke(MESSAGES)
    assert message.text == REPLY
    assert message.usage_metadata
    assert message.usage_metadata["input_tokens"] == model.get_num_tokens_from_messages(MESSAGES)
    assert message.response_metadata["model_name"] == "tiny"
    assert message.response_metadata["finish_reason"] == "stop"


def test_streamed_chunks_add_up_to_the_answer_and_its_metadata(model: LocalChatModel) -> None:
    chunks = list(model.stream(MESSAGES))
    assert sum(bool(chunk.text) for chunk in chunks) > 5
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    assert isinstance(whole, AIMessageChunk)
    assert whole.text == REPLY
    assert whole.usage_metadata == model.invoke(MESSAGES).usage_metadata
    assert whole.response_metadata["model_name"] == "tiny"


def test_a_call_can_change_the_controls(model: LocalChatModel) -> None:
    assert model.invoke(MESSAGES, max_tokens=3).text == REPLY[:3]
    assert model.invoke(MESSAGES, stop=["です"]).text == REPLY.split("です")[0]
    with pytest.raises(BadInput):
        model.invoke(MESSAGES, temperature=-1)


@pytest.mark.parametrize("kind", ["json_schema", "json_object"])
def test_json_schemas_are_followed_in_both_spellings(
    endless_model: Path, open_engine: Callable[..., LocalEngine], kind: str
) -> None:
    model = LocalChatModel(engine=open_engine(endless_model, context_tokens=512), seed=5)
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    inner = {"json_schema": {"name": "verdict", "schema": schema}, "json_object": schema}[kind]
    wanted = {"type": kind, "json_schema" if kind == "json_schema" else "schema": inner}
    answer = json.loads(model.invoke(MESSAGES, response_format=wanted).text)
    assert isinstance(answer["ok"], bool)


def test_leaving_a_stream_stops_the_model(
    endless_model: Path, open_engine: Callable[..., LocalEngine]
) -> None:
    engine = open_engine(endless_model, context_tokens=32_768)
    model = LocalChatModel(engine=engine, temperature=0, max_tokens=30_000)
    stream = model.stream(MESSAGES)
    next(stream)
    pid = engine.worker_pid
    stream.close()  # type: ignore[attr-defined]
    assert model.invoke(MESSAGES, max_tokens=2).response_metadata["finish_reason"] == "length"
    assert engine.worker_pid == pid


@pytest.mark.parametrize("option", [{"functions": []}, {"model": "another"}, {"max_new_tokens": 3}])
def test_an_option_that_the_model_does_not_have_is_refused(
    model: LocalChatModel, option: dict[str, Any]
) -> None:
    with pytest.raises(BadInput) as caught:
        model.invoke(MESSAGES, **option)
    assert next(iter(option)) in str(caught.value)


def test_tokens_are_counted_by_the_models_own_tokenizer(model: LocalChatModel) -> None:
    assert model.get_num_tokens("お茶") == 2
    assert model.get_num_tokens("🍵") == 4


def test_traces_get_name_and_controls(model: LocalChatModel) -> None:
    params = model._get_ls_params(stop=["x"], max_tokens=7)
    assert params["ls_model_name"] == "tiny"
    assert params["ls_provider"] == "terakoya"
    assert (params["ls_max_tokens"], params["ls_temperature"], params["ls_stop"]) == (7, 0, ["x"])


@pytest.mark.parametrize(
    "message",
    [
        ToolMessage([{"type": "image", "url": "x"}], tool_call_id="1"),
        HumanMessage([{"type": "image_url", "image_url": {"url": "data:,"}}]),
    ],
)
def test_what_the_model_cannot_read_is_refused(
    model: LocalChatModel, message: ToolMessage | HumanMessage
) -> None:
    with pytest.raises(BadInput) as caught:
        model.invoke([HumanMessage("x"), message])
    assert caught.value.key == "message_kind"


def test_the_errors_of_the_engine_come_through(
    tmp_path: Path, open_engine: Callable[..., LocalEngine], tiny_model: Path
) -> None:
    model = LocalChatModel(engine=open_engine(tmp_path / "none.gguf"))
    with pytest.raises(BadInput):
        model.invoke(MESSAGES)
    small = LocalChatModel(engine=open_engine(tiny_model, memory=lambda: 10))
    with pytest.raises(Unavailable):
        list(small.stream(MESSAGES))


def test_a_question_in_a_graph_that_has_to_wait_streams_its_place_in_the_queue(
    endless_model: Path, open_engine: Callable[..., LocalEngine]
) -> None:
    from langgraph.graph import END, START, StateGraph

    engine = open_engine(endless_model, context_tokens=4096, options=ModelOptions(slots=1))
    model = LocalChatModel(engine=engine, max_tokens=3, waiting=tell_place)
    ahead = LocalChatModel(engine=engine, temperature=0, max_tokens=3000).stream(MESSAGES)
    next(ahead)

    def node(state: dict[str, str]) -> dict[str, str]:
        return {"said": model.invoke(MESSAGES).text}

    graph = StateGraph(dict)
    graph.add_node("answer", node)
    graph.add_edge(START, "answer")
    graph.add_edge("answer", END)
    events: list[dict[str, str]] = []
    for event in graph.compile().stream({}, stream_mode="custom"):
        events.append(event)
        ahead.close()  # type: ignore[attr-defined]
    assert [event["type"] for event in events] == ["notice"]
    assert "1" in events[0]["message"]
    assert model.invoke(MESSAGES).response_metadata["finish_reason"] == "length"  # no graph, nobody to tell


def test_who_asks_is_known_in_a_graph(endless_model: Path, open_engine: Callable[..., LocalEngine]) -> None:
    from langgraph.graph import END, START, StateGraph

    engine = open_engine(endless_model, context_tokens=4096, options=ModelOptions(slots=2))
    model = LocalChatModel(engine=engine, max_tokens=3, waiting=tell_place)
    ahead = LocalChatModel(engine=engine, temperature=0, max_tokens=3000).stream(MESSAGES, asker="kim")
    next(ahead)
    graph = StateGraph(dict)
    graph.add_node("answer", lambda state: {"said": model.invoke(MESSAGES).text})
    graph.add_edge(START, "answer")
    graph.add_edge("answer", END)
    compiled = graph.compile()
    with asking("sho"):
        assert list(compiled.stream({}, stream_mode="custom")) == []
    notices = []
    with asking("kim"):
        for event in compiled.stream({}, stream_mode="custom"):
            notices.append(event["code"])
            ahead.close()  # type: ignore[attr-defined]
    assert notices == ["model_queue"]


async def collect(model: LocalChatModel) -> str:
    return "".join([chunk.text async for chunk in model.astream(MESSAGES)])


def test_asynchronous_streaming_gives_the_same_text(model: LocalChatModel) -> None:
    import asyncio

    assert asyncio.run(collect(model)) == REPLY
