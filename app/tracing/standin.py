"""A small Langfuse server for tests: real HTTP on loopback, everything kept in memory.

It takes what Langfuse SDK 5 sends (OTLP protobuf for observations, a JSON array for scores), is as strict
about it as a server of that generation, and can be told to misbehave.
"""

import base64
import gzip
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

TRACES: Final = "/api/public/otel/v1/traces"
SCORES: Final = "/api/public/scores"

_PROJECTS: Final = {
    "data": [
        {
            "id": "standin",
            "name": "standin",
            "organization": {"id": "standin", "name": "standin"},
            "metadata": {},
        }
    ]
}

Fault = Literal["hang", "drop", "lose reply"] | int
"""`hang`: no reply. `drop`: the connection ends before anything is kept. `lose reply`: everything is kept,
then the connection ends. A number: that HTTP status."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request as it came, body decompressed, and the status it was answered with."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int


@dataclass(slots=True)
class Kept:
    """What the server keeps, by id, and how often each id was accepted."""

    observations: dict[str, Observation] = field(default_factory=dict)
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)
    accepted: Counter[str] = field(default_factory=Counter)
    exchanges: list[Exchange] = field(default_factory=list)


class StandIn:
    """The server, as a context manager; `url` and the two keys are what a client needs.

    Attributes:
        fault: How every request is answered, None for properly.
        scores_fault: The same for scores alone.
        refuse: Ids (of traces and scores) for which this holds make the whole request a 400.
        kept: What came so far; outlives `stop` and `start`.
        hanging: How many requests were left without a reply.
    """

    def __init__(self, *, public_key: str = "pk-lf-standin", secret_key: str = "sk-lf-standin") -> None:  # noqa: S107
        self.public_key = public_key
        self.secret_key = secret_key
        self.fault: Fault | None = None
        self.scores_fault: Fault | None = None
        self.refuse: Callable[[str], bool] = lambda _: False
        self.kept = Kept()
        self.lock = threading.Lock()
        self.released = threading.Event()
        self.hanging = 0
        self._port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Base URL; the same after a restart."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> "StandIn":
        """Listens, on the port it had before if it had one."""
        standin = self

        class Handler(_Handler):
            server_state = standin

        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Refuses connections from now on; requests that hang are let go."""
        self.released.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> "StandIn":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def trace(self, trace_id: str) -> list[Observation]:
        """The observations of a trace, by start time."""
        with self.lock:
            mine = [one for one in self.kept.observations.values() if one.trace_id == trace_id]
        return sorted(mine, key=lambda one: one.start)

    def trace_ids(self) -> set[str]:
        """Ids of all traces that came."""
        with self.lock:
            return {one.trace_id for one in self.kept.observations.values()}

    def orphans(self) -> list[Observation]:
        """Observations whose parent never came."""
        with self.lock:
            kept = self.kept.observations
            children = [one for one in kept.values() if one.parent_id]
            return [one for one in children if f"{one.trace_id}/{one.parent_id}" not in kept]

    def duplicates(self) -> dict[str, int]:
        """Ids that were accepted more than once."""
        with self.lock:
            return {key: count for key, count in self.kept.accepted.items() if count > 1}

    def keep_observations(self, request: ExportTraceServiceRequest) -> None:
        """Keeps the spans of an OTLP request, the last of each id."""
        for resource in request.resource_spans:
            of_resource = _attributes(resource.resource.attributes)
            for scope in resource.scope_spans:
                of_scope = {
                    "name": scope.scope.name,
                    "version": scope.scope.version,
                    **_attributes(scope.scope.attributes),
                }
                for span in scope.spans:
                    one = Observation(
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
                    key = f"{one.trace_id}/{one.span_id}"
                    self.kept.observations[key] = one
                    self.kept.accepted[key] += 1

    def keep_scores(self, scores: list[dict[str, Any]]) -> None:
        """Keeps scores, the last of each id."""
        for score in scores:
            self.kept.scores[score["id"]] = score
            self.kept.accepted[score["id"]] += 1


class _Handler(BaseHTTPRequestHandler):
    server_state: StandIn
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: the output belongs to the test."""

    def do_GET(self) -> None:
        if self.path == "/api/public/health":
            self._answer(200, {"status": "OK", "version": "4.59.0"})
        elif not self._authorised():
            self._answer(401, {"message": "Invalid credentials"})
        elif self.path == "/api/public/projects":
            self._answer(200, _PROJECTS)
        else:
            self._answer(404, {"message": "Not found"})

    def do_POST(self) -> None:
        state = self.server_state
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        fault = state.scores_fault if self.path == SCORES and state.scores_fault is not None else state.fault
        if fault == "hang":
            state.hanging += 1
            state.released.wait()
        if fault in ("hang", "drop"):
            self.close_connection = True
            return
        status, reply = (fault, {"message": "as told"}) if isinstance(fault, int) else self._take(body)
        with state.lock:
            state.kept.exchanges.append(
                Exchange(path=self.path, headers=dict(self.headers.items()), body=body, status=status)
            )
        if fault == "lose reply":
            self.close_connection = True
            return
        self._answer(status, reply)

    def _take(self, body: bytes) -> tuple[int, dict[str, Any] | bytes]:
        if not self._authorised():
            return 401, {"message": "Invalid credentials"}
        if self.path == TRACES:
            return self._take_observations(body)
        if self.path == SCORES:
            return self._take_scores(body)
        return 404, {"message": "Not found"}

    def _take_observations(self, body: bytes) -> tuple[int, dict[str, Any] | bytes]:
        if self.headers.get("Content-Type") != "application/x-protobuf":
            return 415, {"message": "Expected OTLP protobuf"}
        if self.headers.get("x-langfuse-ingestion-version") != "4":
            return 400, {"message": "Ingestion version 4 is needed"}
        try:
            request = ExportTraceServiceRequest.FromString(body)
        except DecodeError:
            return 400, {"message": "Not OTLP protobuf"}
        spans = [span for r in request.resource_spans for s in r.scope_spans for span in s.spans]
        if any(len(span.trace_id) != 16 or len(span.span_id) != 8 for span in spans):
            return 400, {"message": "Malformed ids"}
        if any(self.server_state.refuse(span.trace_id.hex()) for span in spans):
            return 400, {"message": "Refused"}
        with self.server_state.lock:
            self.server_state.keep_observations(request)
        return 200, ExportTraceServiceResponse().SerializeToString()

    def _take_scores(self, body: bytes) -> tuple[int, dict[str, Any] | bytes]:
        try:
            scores = json.loads(body)
        except ValueError:
            return 400, {"message": "Not JSON"}
        if not isinstance(scores, list):
            return 400, {"message": "Expected an array"}
        for score in scores:
            if not isinstance(score, dict) or not all(score.get(key) for key in ("id", "name", "traceId")):
                return 400, {"message": "A score needs id, name and traceId"}
            if not isinstance(score.get("value"), int | float | str):
                return 400, {"message": "A score needs a value"}
            if self.server_state.refuse(score["id"]):
                return 400, {"message": "Refused"}
        with self.server_state.lock:
            self.server_state.keep_scores(scores)
        return 202, {"message": "Accepted"}

    def _authorised(self) -> bool:
        pair = f"{self.server_state.public_key}:{self.server_state.secret_key}".encode()
        return self.headers.get("Authorization") == f"Basic {base64.b64encode(pair).decode()}"

    def _answer(self, status: int, reply: Mapping[str, Any] | bytes) -> None:
        payload = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(status)
        kind = "application/x-protobuf" if isinstance(reply, bytes) else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


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
