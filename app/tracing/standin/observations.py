"""Observations: spans in OTLP's protobuf, decoded, checked and given out again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from app.tracing.standin.reply import ENVIRONMENT, moment

TRACES: Final = "/api/public/otel/v1/traces"
TYPES: Final = frozenset(
    {
        "agent",
        "chain",
        "embedding",
        "evaluator",
        "event",
        "generation",
        "guardrail",
        "retriever",
        "span",
        "tool",
    }
)
LEVELS: Final = frozenset({"DEBUG", "DEFAULT", "WARNING", "ERROR"})
LONGEST: Final = 200
"""Characters of what belongs to a whole trace; the SDK drops what is longer."""
_SHORT: Final = ("session.id", "user.id", "langfuse.trace.name")
_OF_TRACE: Final = "langfuse.trace.metadata."
_OF_STEP: Final = "langfuse.observation.metadata."
_OF_EXPERIMENT: Final = tuple(
    f"langfuse.experiment.{name}" for name in ("id", "name", "item.id", "item.root_observation_id")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One span as the server understood it."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    start: int
    end: int
    attributes: Mapping[str, Any]
    status: tuple[int, str]
    resource: Mapping[str, Any]
    scope: Mapping[str, Any]

    @property
    def key(self) -> str:
        """What it is kept under."""
        return f"{self.trace_id}/{self.span_id}"


def decoded(body: bytes) -> list[Observation] | None:
    """The spans of an OTLP request; None where it is none."""
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        return None
    return list(_spans(request))


def complaint(one: Observation, public_key: str) -> str:
    """What is wrong with a span; empty where nothing is."""
    attributes = one.attributes
    if len(one.trace_id) != 32 or len(one.span_id) != 16 or not int(one.trace_id, 16) * int(one.span_id, 16):
        return "Malformed ids"
    if not one.name or not 0 < one.start <= one.end:
        return "A span needs a name, and ends after it began"
    if one.scope["name"] == "langfuse-sdk" and one.scope.get("public_key") != public_key:
        return "The scope names another project"
    if attributes.get("langfuse.observation.type", "span") not in TYPES:
        return "An observation of no known type"
    if attributes.get("langfuse.observation.level", "DEFAULT") not in LEVELS:
        return "An observation of no known level"
    if not ENVIRONMENT.fullmatch(attributes.get("langfuse.environment", "default")):
        return "An environment is of small letters, digits, - and _, and does not begin with langfuse"
    propagated = [attributes.get(name, "") for name in _SHORT] + list(
        attributes.get("langfuse.trace.tags", [])
    )
    if any(not isinstance(value, str) or len(value) > LONGEST for value in propagated):
        return f"Over {LONGEST} characters in what belongs to the whole trace"
    for name, value in attributes.items():
        key = name.removeprefix(_OF_TRACE)
        if key != name and attributes.get(f"{_OF_STEP}{key}", value) != value:
            return f"Metadata of the trace hide those of the observation: {key}"
    texts = [attributes.get(f"langfuse.observation.{name}", "") for name in ("input", "output")]
    if any(not isinstance(value, str) for value in texts):
        return "Input and output are strings"
    if any(name.startswith("langfuse.experiment.") for name in attributes) and not all(
        attributes.get(name) for name in _OF_EXPERIMENT
    ):
        return "An experiment's span names the experiment, its item and the item's root"
    return ""


def listed(one: Observation) -> dict[str, Any]:
    """An observation as `GET /api/public/v2/observations` gives it."""
    own = one.attributes
    return {
        "id": one.span_id,
        "traceId": one.trace_id,
        "startTime": moment(one.start),
        "endTime": moment(one.end),
        "projectId": "standin",
        "parentObservationId": one.parent_id or None,
        "type": own.get("langfuse.observation.type", "span").upper(),
        "name": one.name,
        "level": own.get("langfuse.observation.level", "DEFAULT"),
        "statusMessage": own.get("langfuse.observation.status_message"),
        "environment": own.get("langfuse.environment", "default"),
        "sessionId": own.get("session.id"),
        "input": own.get("langfuse.observation.input"),
        "output": own.get("langfuse.observation.output"),
    }


def _spans(request: ExportTraceServiceRequest) -> Iterator[Observation]:
    for resource in request.resource_spans:
        of_resource = _attributes(resource.resource.attributes)
        for scope in resource.scope_spans:
            of_scope = {
                "name": scope.scope.name,
                "version": scope.scope.version,
                **_attributes(scope.scope.attributes),
            }
            for span in scope.spans:
                yield Observation(
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    name=span.name,
                    start=span.start_time_unix_nano,
                    end=span.end_time_unix_nano,
                    attributes=_attributes(span.attributes),
                    status=(span.status.code, span.status.message),
                    resource=of_resource,
                    scope=of_scope,
                )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    match value.WhichOneof("value"):
        case "array_value":
            return [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return _attributes(value.kvlist_value.values)
        case None:
            return None
        case kind:
            return getattr(value, kind)
