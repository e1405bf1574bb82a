"""What traces say of calls of models: parameters, tokens, reuse, the first token, and what the worker did."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from pydantic import SecretStr

from app.models.endpoint import Endpoint
from app.models.engine import LocalEngine
from app.models.local import LocalChatModel
from app.models.remote.chat import RemoteChatModel
from app.models.remote.server import Server
from app.settings import Settings
from app.tracing import SpanRecord, SpoolTracer, make_tracer, read_trace
from app.tracing.generations import GenerationWatch
from app.tracing.otlp import export_request
from app.tracing.standin.observations import complaint, decoded
from terakoya.errors import Unavailable
from tests.app.models.conftest import REPLY
from tests.app.models.openai_server import ANSWER, KEY, OpenAIServer, scripted
from workflows.testing import ScriptedChatModel

MARK = {"name": "answer", "version": 3, "hash": "abc", "source": "file"}
CONFIG: Any = {"metadata": {"prompt": MARK}}
PROMPT = "お茶の温度について、ノートにあることを短く答えてください。" * 6


@pytest.fixture
def tracer(tmp_path: Path) -> Iterator[SpoolTracer]:
    made = make_tracer(Settings(home=tmp_path / "home"), deliver=False)
    yield made
    made.close()


def steps(tracer: SpoolTracer, work: Callable[[], Any]) -> dict[str, SpanRecord]:
    """What `work` leaves in a trace, by name."""
    with tracer.trace("ask") as root, tracer.span("draft", "chain"):
        work()
    assert tracer.flush(10)
    read = read_trace(tracer.spool.folder, root.trace_id)
    spans = [one for one in read if isinstance(one, SpanRecord)]
    known = {one.span_id for one in spans}
    assert all(one.parent_id in known for one in spans if one.parent_id)
    return {one.name: one for one in spans}


def sent(root: SpanRecord, span: SpanRecord) -> dict[str, Any]:
    """The attributes of a span as a server gets them."""
    request = export_request([(span, root)], public_key="pk", sdk_version="5.0.4")
    (one,) = decoded(request.SerializeToString()) or []
    assert complaint(one, "pk") == ""
    return dict(one.attributes)


def test_a_local_call_has_parameters_tokens_and_reuse_and_the_worker_below_it(
    tracer: SpoolTracer, talker: LocalEngine
) -> None:
    model = LocalChatModel(
        engine=talker, model="tiny", temperature=0, seed=7, callbacks=[GenerationWatch(tracer)]
    )
    asked = [SystemMessage("Answer."), HumanMessage(PROMPT)]
    list(model.stream(asked, config=CONFIG))
    found = steps(tracer, lambda: list(model.stream(asked, config=CONFIG)))
    one = found["draft"]
    assert (one.kind, found["ask"].kind) == ("chain", "agent")
    call = next(span for span in found.values() if span.kind == "generation")
    assert (call.model, call.output) == ("tiny", REPLY)
    assert [each["role"] for each in call.input] == ["system", "user"]
    parameters = call.metadata["model_parameters"]
    assert (parameters["temperature"], parameters["seed"], parameters["max_tokens"]) == (0, 7, 512)
    assert 0 < call.usage["input_cache_read"] < call.usage["input"]
    assert call.metadata["finish_reason"] == "stop"
    assert 0 < call.metadata["first_token_ms"] <= (call.end - call.start) / 1e6
    below = [found[name] for name in ("waiting", "reading", "writing")]
    assert {span.parent_id for span in below} == {call.span_id}
    assert {span.metadata["process"] for span in below} == {talker.worker_pid}
    reading = found["reading"].metadata
    assert reading["reused"] == call.usage["input_cache_read"]
    assert reading["reused"] + reading["tokens"] == call.usage["input"]
    assert found["writing"].metadata["tokens"] == call.usage["output"]
    assert all(call.start <= span.start <= span.end <= call.end for span in below)


def test_a_server_gets_kinds_of_tokens_that_add_up_and_the_time_of_the_first(
    tracer: SpoolTracer, talker: LocalEngine
) -> None:
    model = LocalChatModel(engine=talker, model="tiny", temperature=0, callbacks=[GenerationWatch(tracer)])
    for _ in range(2):
        found = steps(tracer, lambda: model.invoke([HumanMessage(PROMPT)]))
    call = found["generation"]
    attributes = sent(found["ask"], call)
    usage = json.loads(attributes["langfuse.observation.usage_details"])
    assert usage["input"] + usage["input_cache_read"] == call.usage["input"]
    first = json.loads(attributes["langfuse.observation.completion_start_time"])
    assert first.endswith("Z")
    assert json.loads(attributes["langfuse.observation.model.parameters"])["max_tokens"] == 512


def test_the_version_and_hash_of_the_prompt_stand_on_the_call(
    tracer: SpoolTracer, talker: LocalEngine
) -> None:
    model = LocalChatModel(engine=talker, model="tiny", callbacks=[GenerationWatch(tracer)])
    mark = {**MARK, "source": "langfuse", "name": "said"}
    found = steps(tracer, lambda: model.invoke("x", config={"metadata": {"prompt": mark}}))
    assert found["said"].metadata["prompt"] == mark
    attributes = sent(found["ask"], found["said"])
    assert attributes["langfuse.observation.prompt.name"] == "said"
    assert attributes["langfuse.observation.prompt.version"] == 3


def test_a_remote_call_has_the_same(tracer: SpoolTracer) -> None:
    with scripted(OpenAIServer()) as server:
        asking = Server(Endpoint.at(server.url), SecretStr(KEY), read_timeout=10.0, timeout=20.0)
        model = RemoteChatModel(
            server=asking, model="big", temperature=0.3, callbacks=[GenerationWatch(tracer)]
        )
        try:
            found = steps(tracer, lambda: list(model.stream("お茶は？", config=CONFIG)))
        finally:
            asking.close()
    call = next(span for span in found.values() if span.kind == "generation")
    assert (call.model, call.output) == ("big", ANSWER)
    assert call.metadata["model_parameters"] == {"temperature": 0.3}
    assert call.usage == {"input": 11, "output": 7}
    assert call.metadata["first_token_ms"] > 0
    assert KEY not in json.dumps(call.metadata)


def test_a_call_that_fails_ends_with_the_error(tracer: SpoolTracer) -> None:
    model = ScriptedChatModel(replies=[Unavailable("model_crashed")], callbacks=[GenerationWatch(tracer)])

    def work() -> None:
        with pytest.raises(Unavailable):
            list(model.stream("x"))

    call = steps(tracer, work)["generation"]
    assert call.level == "ERROR"
    assert "Unavailable" in call.status


def test_a_call_that_nobody_waits_for_ends_where_it_was_left(tracer: SpoolTracer) -> None:
    model = ScriptedChatModel(replies=["one two three"], callbacks=[GenerationWatch(tracer)])

    def work() -> None:
        stream = model.stream("x")
        next(stream)
        stream.close()  # type: ignore[attr-defined]
        with tracer.span("next"):
            pass

    found = steps(tracer, work)
    assert (found["generation"].level, found["generation"].output) == ("WARNING", "<4 characters>")
    assert found["next"].parent_id == found["draft"].span_id


def test_outside_of_a_trace_nothing_is_recorded(tracer: SpoolTracer, tmp_path: Path) -> None:
    model = ScriptedChatModel(replies=["one"], callbacks=[GenerationWatch(tracer)])
    assert model.invoke("x").text == "one"
    assert tracer.flush(10)
    assert not list((tmp_path / "home").glob("traces/*.jsonl"))


def test_earlier_turns_and_calls_without_a_prompt_leave_their_lengths(tracer: SpoolTracer) -> None:
    model = ScriptedChatModel(replies=["said", "said"], callbacks=[GenerationWatch(tracer)])
    turns = [SystemMessage("rules"), HumanMessage("before"), AIMessage("a note"), HumanMessage("now")]
    mark = {"metadata": {"prompt": {**MARK, "name": "named"}}}

    def work() -> None:
        model.invoke(turns, config=mark)
        model.invoke(turns)

    found = steps(tracer, work)
    shown = [each["content"] for each in found["named"].input]
    assert shown == ["rules", "<6 characters>", "<6 characters>", "now"]
    assert found["named"].output == "said"
    assert all(each["content"].endswith("characters>") for each in found["generation"].input)
    assert found["generation"].output == "<4 characters>"
