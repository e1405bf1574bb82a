"""Traces and scores in the form in which Langfuse SDK 5 sends them.

Attribute names and encodings are those of `langfuse._client.attributes`, 5.0; a test compares the two. The
messages are built directly because the SDK chooses ids and times itself.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, SpanFlags, Status

from app.tracing.events import ScoreRecord, SpanRecord

MAX_PROPAGATED: Final = 200
"""Characters of a value that belongs to the whole trace; the SDK drops what is longer."""
OF_TRACE: Final = frozenset({"fingerprints"})
"""Of the root's metadata, what goes with every observation of its trace.

A server lays the metadata of a trace over those of each observation that carries them, and what is under the same
name there is gone; so what belongs to the root alone (its times, its citations) stays with it.
"""
_MODEL_KINDS: Final = frozenset({"generation", "embedding"})


def export_request(
    spans: Iterable[tuple[SpanRecord, SpanRecord]],
    *,
    public_key: str,
    sdk_version: str,
    extra: Mapping[str, Mapping[str, Any]] | None = None,
) -> ExportTraceServiceRequest:
    """One OTLP request for spans, each given with the root of its trace; `extra` adds attributes by span id."""
    more = extra or {}
    scope = InstrumentationScope(
        name="langfuse-sdk", version=sdk_version, attributes=_pairs({"public_key": public_key})
    )
    encoded = [_span(span, root, more.get(span.span_id, {})) for span, root in spans]
    resource = Resource(attributes=_pairs({"telemetry.sdk.language": "python", "service.name": "terakoya"}))
    return ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(resource=resource, scope_spans=[ScopeSpans(scope=scope, spans=encoded)])
        ]
    )


def score_body(score: ScoreRecord) -> dict[str, Any]:
    """One element of the array that `POST /api/public/scores` takes."""
    body = {
        "id": score.score_id,
        "traceId": score.trace_id,
        "name": score.name,
        "value": score.value,
        "comment": _text(score.comment) or None,
        "environment": environment_name(score.environment),
        "timestamp": _moment(score.time),
    }
    return {key: value for key, value in body.items() if value is not None}


def environment_name(name: str) -> str | None:
    """`name` as Langfuse allows it: `[a-z0-9_-]`, 40 at most, not beginning with `langfuse`."""
    allowed = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in name.lower())[:40]
    return f"x-{allowed}"[:40] if allowed.startswith("langfuse") else allowed or None


def _span(span: SpanRecord, root: SpanRecord, extra: Mapping[str, Any]) -> Span:
    failed = span.level == "ERROR"
    return Span(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        parent_span_id=bytes.fromhex(span.parent_id),
        name=_text(span.name),
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.end,
        attributes=_pairs({**_of_trace(root), **_of_observation(span, is_root=span is root), **extra}),
        status=Status(code=Status.STATUS_CODE_ERROR, message=_text(span.status)) if failed else Status(),
        flags=SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK,
    )


def _of_trace(root: SpanRecord) -> dict[str, Any]:
    """What the SDK's `propagate_attributes` would put on every observation of the trace."""
    shared = ((key, value) for key, value in _known(root.metadata) if key in OF_TRACE)
    metadata = {f"langfuse.trace.metadata.{key}": _metadata(value) for key, value in shared}
    tags = [_text(tag) for tag in root.tags if len(tag) <= MAX_PROPAGATED]
    short = {
        "session.id": root.thread_id,
        "user.id": root.user,
        "langfuse.trace.name": root.name,
        **metadata,
    }
    return {
        **{key: value for key, value in short.items() if value and len(value) <= MAX_PROPAGATED},
        "langfuse.trace.tags": tags or None,
        "langfuse.environment": environment_name(root.environment),
        "langfuse.release": root.release or None,
    }


def _of_observation(span: SpanRecord, *, is_root: bool) -> dict[str, Any]:
    metadata = dict(_known(span.metadata))
    attributes: dict[str, Any] = {
        "langfuse.internal.is_app_root": True if is_root else None,
        "langfuse.observation.type": span.kind,
        "langfuse.observation.level": span.level if span.level != "DEFAULT" else None,
        "langfuse.observation.status_message": span.status or None,
        "langfuse.observation.input": _json(span.input),
        "langfuse.observation.output": _json(span.output),
    }
    if span.kind in _MODEL_KINDS:
        prompt = metadata.pop("prompt", None)
        prompt = prompt if isinstance(prompt, Mapping) else {}
        if "hash" in prompt:
            metadata |= {"prompt": dict(prompt)}
        if prompt.get("source") == "file":  # a link needs a version that the server gave
            prompt = {}
        first = metadata.get("first_token_ms")
        attributes |= {
            "langfuse.observation.model.name": span.model or None,
            "langfuse.observation.model.parameters": _json(metadata.pop("model_parameters", None)),
            "langfuse.observation.usage_details": _json(_apart(span.usage) or None),
            "langfuse.observation.completion_start_time": _after(span.start, first),
            "langfuse.observation.prompt.name": prompt.get("name"),
            "langfuse.observation.prompt.version": prompt.get("version"),
        }
    else:
        metadata |= {"model": span.model} if span.model else {}
        metadata |= {"usage": span.usage} if span.usage else {}
    named = {f"langfuse.observation.metadata.{key}": _metadata(value) for key, value in metadata.items()}
    return attributes | named


def _apart(usage: Mapping[str, Any]) -> dict[str, int]:
    """Tokens by kinds that do not overlap, as the server adds them up: of `input`, what is not `input_...`."""
    counts = {kind: count for kind, count in usage.items() if type(count) is int}
    for whole in ("input", "output"):
        parts = sum(count for kind, count in counts.items() if kind.startswith(f"{whole}_"))
        if whole in counts:
            counts[whole] = max(0, counts[whole] - parts)
    return counts


def _after(start: int, milliseconds: Any) -> str | None:
    """A time, as the SDK encodes it: a string in JSON."""
    if type(milliseconds) not in (int, float) or not 0 <= milliseconds < 1e12:
        return None
    return json.dumps(_moment(start + round(milliseconds * 1e6)))


def _moment(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat().replace("+00:00", "Z")


def _known(metadata: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return ((key, value) for key, value in metadata.items() if value is not None)


def _json(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _metadata(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _text(text: str) -> str:
    """`text` as protobuf takes it: half of a surrogate pair is no character."""
    return text.encode(errors="replace").decode()


def _pairs(attributes: Mapping[str, Any]) -> list[KeyValue]:
    given = ((key, value) for key, value in attributes.items() if value is not None)
    return [KeyValue(key=_text(key), value=_value(value)) for key, value in given]


def _value(value: Any) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[_value(item) for item in value]))
    return AnyValue(string_value=_text(str(value)))
