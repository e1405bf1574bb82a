"""What we send is what the SDK sends: both talk to the same server, and it compares."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from langfuse import Langfuse, propagate_attributes
from langfuse._client.attributes import create_generation_attributes
from langfuse._client.resource_manager import LangfuseResourceManager
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import TracerProvider

from app.tracing import SpanRecord, SpoolTracer
from app.tracing.otlp import export_request
from app.tracing.standin import SCORES, TRACES, Exchange, StandIn

PROMPT = {"name": "answer", "version": 3}
SHARED = {"fingerprints": {"model": "none", "store": "1f"}}
OWN: dict[str, Any] = {"effort": "fast", "n": 1}


@pytest.fixture
def sdk() -> Iterator[StandIn]:
    with StandIn() as server:
        client = Langfuse(
            public_key=server.public_key,
            secret_key=server.secret_key,
            base_url=server.url,
            environment="local",
            release="r1",
            tracer_provider=TracerProvider(),
        )
        with (
            propagate_attributes(session_id="t-1", tags=["a", "b"], trace_name="ask", metadata=SHARED),
            client.start_as_current_observation(
                name="ask", as_type="agent", input="質問", metadata=SHARED | OWN
            ) as root,
        ):
            with client.start_as_current_observation(
                name="generate",
                as_type="generation",
                input=[{"role": "user", "content": "日本"}],
                model="tiny",
                model_parameters={"temperature": 0.1},
                usage_details={"input": 1, "output": 2},
                metadata={"seed": 7, "note": "漢字"},
            ) as step:
                step.update(output={"answer": "答え"})
            with client.start_as_current_observation(name="call", as_type="tool") as step:
                step.update(level="ERROR", status_message="ValueError: no")
            with client.start_as_current_observation(name="guard", as_type="guardrail") as step:
                step.update(level="WARNING", status_message="close")
            root.update(output="答え")
        client.create_score(
            name="user-feedback", value=1, trace_id=root.trace_id, comment="いい", score_id="s-1"
        )
        client.flush()
        yield server
        client.shutdown()
        LangfuseResourceManager._instances.clear()


@pytest.fixture
def ours(delivering: Callable[..., SpoolTracer], server: StandIn) -> StandIn:
    tracer = delivering(LANGFUSE_RELEASE="r1")
    with tracer.trace("ask", thread_id="t-1", input="質問", tags=["a", "b"], metadata=SHARED | OWN) as root:
        with tracer.span("generate", "generation", input=[{"role": "user", "content": "日本"}]) as step:
            step.set(model="tiny", model_parameters={"temperature": 0.1}, usage={"input": 1, "output": 2})
            step.set(output={"answer": "答え"}, metadata={"seed": 7, "note": "漢字"})
        with pytest.raises(ValueError, match="no"), tracer.span("call", "tool"):
            raise ValueError("no")
        with tracer.span("guard", "guardrail") as step:
            step.set(level="WARNING", status="close")
        root.set(output="答え")
    tracer.score(root.trace_id, "user-feedback", 1, comment="いい", score_id="s-1")
    tracer.close()
    return server


def exchange(server: StandIn, path: str) -> Exchange:
    (found,) = [one for one in server.kept.exchanges if one.path == path]
    return found


def headers(server: StandIn, path: str) -> dict[str, str]:
    return {name.lower(): value for name, value in exchange(server, path).headers.items()}


def spans(server: StandIn) -> tuple[Any, dict[str, Span]]:
    request = ExportTraceServiceRequest.FromString(exchange(server, TRACES).body)
    ((resource,), ((scope,),)) = request.resource_spans, [r.scope_spans for r in request.resource_spans]
    assert resource.resource.attributes
    return scope.scope, {span.name: span for span in scope.spans}


def test_every_observation_has_the_same_attributes_with_the_same_encoding(
    sdk: StandIn, ours: StandIn
) -> None:
    theirs, mine = spans(sdk)[1], spans(ours)[1]
    assert mine.keys() == theirs.keys()
    for name, span in theirs.items():
        expected = {pair.key: pair.value for pair in span.attributes}
        assert {pair.key: pair.value for pair in mine[name].attributes} == expected


def test_the_rest_of_a_span_is_the_same_but_for_ids_and_times(sdk: StandIn, ours: StandIn) -> None:
    theirs, mine = spans(sdk)[1], spans(ours)[1]
    for name, span in theirs.items():
        for one in (span, mine[name]):
            one.ClearField("attributes")
            assert (len(one.trace_id), len(one.span_id)) == (16, 8)
            assert len(one.parent_span_id) == (0 if name == "ask" else 8)
            for field in (
                "trace_id",
                "span_id",
                "parent_span_id",
                "start_time_unix_nano",
                "end_time_unix_nano",
            ):
                one.ClearField(field)
        assert mine[name] == span
        assert mine[name].SerializeToString() == span.SerializeToString()


def test_scope_and_resource_name_the_same_things(sdk: StandIn, ours: StandIn) -> None:
    assert spans(ours)[0] == spans(sdk)[0]
    keys = {"telemetry.sdk.language", "service.name"}
    assert next(iter(ours.kept.observations.values())).resource.keys() == keys
    assert keys <= next(iter(sdk.kept.observations.values())).resource.keys()


def test_the_headers_of_observations_are_the_same(sdk: StandIn, ours: StandIn) -> None:
    theirs, mine = headers(sdk, TRACES), headers(ours, TRACES)
    named = {name for name in theirs if name.startswith("x-langfuse")}
    assert "x-langfuse-ingestion-version" in named
    for name in named | {"authorization", "content-type", "content-encoding"}:
        assert mine[name] == theirs[name]


def test_a_score_is_the_same(sdk: StandIn, ours: StandIn) -> None:
    theirs, mine = headers(sdk, SCORES), headers(ours, SCORES)
    for name in {name for name in theirs if name.startswith("x-langfuse")} | {
        "authorization",
        "content-type",
    }:
        assert mine[name] == theirs[name]
    ((expected,), (score,)) = (json.loads(exchange(server, SCORES).body) for server in (sdk, ours))
    for one in (expected, score):
        assert one.pop("timestamp").endswith("Z")
        assert len(one.pop("traceId")) == 32
    assert list(score.items()) == list(expected.items())


def test_the_stand_in_passes_the_sdks_own_check(server: StandIn) -> None:
    client = Langfuse(
        public_key=server.public_key,
        secret_key=server.secret_key,
        base_url=server.url,
        tracer_provider=TracerProvider(),
    )
    try:
        assert client.auth_check()
    finally:
        client.shutdown()
        LangfuseResourceManager._instances.clear()


def test_the_time_of_the_first_token_is_written_as_the_sdk_writes_it() -> None:
    moment = datetime(2026, 11, 22, 1, 2, 3, 456789, tzinfo=UTC)
    theirs = create_generation_attributes(completion_start_time=moment)
    first = int(moment.timestamp()) * 10**9 + 456_789_000
    span = SpanRecord(
        type="span",
        trace_id="ab" * 16,
        span_id="cd" * 8,
        parent_id="ef" * 8,
        name="answer",
        kind="generation",
        start=first - 250_000_000,
        end=first,
        metadata={"first_token_ms": 250.0},
    )
    request = export_request([(span, span)], public_key="pk", sdk_version="5.0.4")
    (one,) = request.resource_spans[0].scope_spans[0].spans
    ours = {pair.key: pair.value.string_value for pair in one.attributes}
    name = "langfuse.observation.completion_start_time"
    assert ours[name] == theirs[name]
