"""The server: connections, faults, keys, and who answers which path."""

import base64
import gzip
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from app.tracing.standin import datasets, experiments, observations, prompts, scores
from app.tracing.standin.kept import Exchange, Kept
from app.tracing.standin.observations import TRACES, Observation
from app.tracing.standin.reply import Query, Reply, not_json, stretch, wrong
from app.tracing.standin.scores import SCORES

_HEALTH: Final = "/api/public/health"
_NOBODY: Final = {"message": "Invalid credentials"}
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


class StandIn:
    """The server, as a context manager; `url` and the two keys are what a client needs.

    Attributes:
        fault: How every request is answered, None for properly.
        faults: The same for requests whose path begins so, before `fault`.
        refuse: Ids (of traces and scores) for which this holds make the whole request a 400.
        kept: What came so far; outlives `stop` and `start`.
        hanging: How many requests were left without a reply.
    """

    def __init__(self, *, public_key: str = "pk-lf-standin", secret_key: str = "sk-lf-standin") -> None:  # noqa: S107
        self.public_key = public_key
        self.secret_key = secret_key
        self.fault: Fault | None = None
        self.faults: dict[str, Fault] = {}
        self.refuse: Callable[[str], bool] = lambda _: False
        self.kept = Kept()
        self.lock = threading.RLock()
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

    def answer(self, method: str, path: str, query: Query, headers: Mapping[str, str], body: bytes) -> Reply:
        """What a request that is let in is answered with; names of `headers` are in small letters."""
        with self.lock:
            if method == "POST" and path == TRACES:
                return self._take_observations(headers, body)
            if method == "GET":
                return self._read(path, query)
            if method != "DELETE" and (complaint := not_json(headers, body)):
                return complaint
            if method == "POST" and path == SCORES:
                return self._take_scores(body)
            try:
                given = json.loads(body or b"{}")
            except ValueError:
                return wrong("Not JSON")
            return self._write(method, path, given) if isinstance(given, dict) else wrong("Not an object")

    def _take_observations(self, headers: Mapping[str, str], body: bytes) -> Reply:
        if headers.get("content-type") != "application/x-protobuf":
            return wrong("Expected OTLP protobuf")
        if headers.get("x-langfuse-ingestion-version") != "4":
            return wrong("Ingestion version 4 is needed")
        spans = observations.decoded(body)
        if spans is None:
            return wrong("Not OTLP protobuf")
        for one in spans:
            if complaint := observations.complaint(one, self.public_key):
                return wrong(complaint)
            if self.refuse(one.trace_id):
                return wrong("Refused")
        for one in spans:
            self.kept.observations[one.key] = one
            self.kept.accepted[one.key] += 1
        return 200, {}  # in JSON, whatever the request was in

    def _take_scores(self, body: bytes) -> Reply:
        given = scores.parsed(body)
        if given is None:
            return wrong("Expected an array")
        if any(self.refuse(str(score.get("id"))) for score in given if isinstance(score, dict)):
            return wrong("Refused")
        complaints = [scores.complaint(score) for score in given]
        good = [score for score, complaint in zip(given, complaints, strict=True) if not complaint]
        scores.keep(self.kept, good)
        if len(good) == len(given):
            return 202, {"message": "Accepted"}
        errors = [{"message": complaint} for complaint in complaints if complaint]
        return 207, {"accepted": len(good), "rejected": len(errors), "errors": errors}

    def _read(self, path: str, query: Query) -> Reply:
        kept = self.kept
        lists: dict[str, Callable[[Kept, Query], Reply]] = {
            "/api/public/v3/scores": scores.listing,
            prompts.PROMPTS: prompts.listing,
            datasets.DATASETS: datasets.listing,
            datasets.ITEMS: datasets.items,
            experiments.EXPERIMENTS: experiments.listing,
            experiments.ITEMS: experiments.items,
        }
        if path in lists:
            return lists[path](kept, query)
        if path == "/api/public/projects":
            return 200, _PROJECTS
        if path == "/api/public/v2/observations":
            wanted = query.get("traceId")
            found = [one for one in kept.observations.values() if wanted in (None, one.trace_id)]
            return stretch([observations.listed(one) for one in found], query)
        if name := _below(path, prompts.PROMPTS):
            return prompts.get(kept, name, query)
        if name := _below(path, datasets.DATASETS):
            return datasets.get(kept, name)
        if name := _below(path, datasets.ITEMS):
            return datasets.get_item(kept, name)
        return _NOT_FOUND

    def _write(self, method: str, path: str, body: dict[str, Any]) -> Reply:
        kept = self.kept
        makers: dict[str, Callable[[Kept, dict[str, Any]], Reply]] = {
            prompts.PROMPTS: prompts.create,
            datasets.DATASETS: datasets.create,
            datasets.ITEMS: datasets.keep_item,
        }
        if method == "POST" and path in makers:
            return makers[path](kept, body)
        if method == "DELETE" and (name := _below(path, datasets.ITEMS)):
            return datasets.delete_item(kept, name)
        if method == "PATCH" and (name := _below(path, prompts.PROMPTS)):
            name, found, version = name.rpartition("/versions/")
            if found:
                return prompts.relabel(kept, name, version, body)
        return _NOT_FOUND


_NOT_FOUND: Final[Reply] = (404, {"message": "Not found"})


def _below(path: str, folder: str) -> str:
    """The name that stands behind `folder`; empty where none does."""
    return unquote(path.removeprefix(f"{folder}/")) if path.startswith(f"{folder}/") else ""


class _Handler(BaseHTTPRequestHandler):
    server_state: StandIn
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: the output belongs to the test."""

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PATCH(self) -> None:
        self._serve("PATCH")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        state = self.server_state
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            try:
                body = gzip.decompress(body)
            except (OSError, EOFError):
                self._answer(*wrong("Not gzip"))
                return
        address = urlsplit(self.path)
        special = (fault for start, fault in state.faults.items() if address.path.startswith(start))
        fault = next(special, state.fault)
        if fault == "hang":
            state.hanging += 1
            state.released.wait()
        if fault in ("hang", "drop"):
            self.close_connection = True
            return
        status, reply = self._reply(method, address.path, dict(parse_qsl(address.query)), body, fault)
        with state.lock:
            headers = dict(self.headers.items())
            state.kept.exchanges.append(
                Exchange(method=method, path=address.path, headers=headers, body=body, status=status)
            )
        if fault == "lose reply":
            self.close_connection = True
            return
        self._answer(status, reply)

    def _reply(self, method: str, path: str, query: Query, body: bytes, fault: Fault | None) -> Reply:
        if isinstance(fault, int):
            return fault, {"message": "as told"}
        if path == _HEALTH:
            return 200, {"status": "OK", "version": "4.59.0"}
        pair = f"{self.server_state.public_key}:{self.server_state.secret_key}".encode()
        if self.headers.get("Authorization") != f"Basic {base64.b64encode(pair).decode()}":
            return 401, _NOBODY
        headers = {name.lower(): value for name, value in self.headers.items()}
        return self.server_state.answer(method, path, query, headers, body)

    def _answer(self, status: int, reply: Mapping[str, Any] | bytes) -> None:
        payload = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(status)
        kind = "application/x-protobuf" if isinstance(reply, bytes) else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)
