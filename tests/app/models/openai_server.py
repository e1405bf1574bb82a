"""A real HTTP server with OpenAI's API, which answers by a script, streams, calls tools, and fails as asked."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = "お茶🍵は sencha です。 It is green [1]."
KEY = "sk-secret-of-the-tests"


@dataclass
class OpenAIServer:
    """What it says and what it was asked.

    Attributes:
        answer: What it says to anything.
        key: What it wants to see.
        faults: What goes wrong, one for each request: a status, with headers where it is a pair, or `nothing`,
            `silence`, `rubbish`, `half`, `half-silence`, `page`, `empty`, `in-stream`, `list`, `slow`.
        logprobs: What it tells of its tokens, where it is asked.
        refuses: Fields that it answers with status 400.
        asked: Bodies of the requests.
        headers: Their headers.
    """

    answer: str = ANSWER
    key: str = KEY
    faults: list[Any] = field(default_factory=list)
    logprobs: tuple[float, ...] = ()
    refuses: frozenset[str] = frozenset()
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    extra: dict[str, str] = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    host: str = ""


@contextmanager
def scripted(server: OpenAIServer) -> Iterator[OpenAIServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._json(200, {"object": "list", "data": [{"id": "big", "object": "model"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append(body)
            server.headers.append({name.lower(): value for name, value in self.headers.items()})
            if self.path != "/v1/chat/completions":
                return self._json(404, {"error": {"message": f"no {self.path}"}})
            if server.key and self.headers.get("Authorization") != f"Bearer {server.key}":
                return self._json(401, {"error": {"message": f"Incorrect API key: {server.key[:9]}"}})
            if server.faults:
                return self._fail(server.faults.pop(0), body)
            if refused := sorted(server.refuses & body.keys()):
                return self._json(400, {"error": {"message": f"Unsupported parameter: {refused[0]}"}})
            if body["model"] == "unknown":
                return self._json(404, {"error": {"message": "The model `unknown` does not exist"}})
            return self._answer(body)

        def _answer(self, body: dict[str, Any]) -> None:
            message = _message(body, server.answer)
            finish = "tool_calls" if message.get("tool_calls") else "stop"
            usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
            tokens = [{"token": "x", "logprob": value, "top_logprobs": []} for value in server.logprobs]
            told = {"logprobs": {"content": tokens}} if body.get("logprobs") and tokens else {}
            if not body.get("stream"):
                choice = {"index": 0, "message": message, "finish_reason": finish, **told}
                return self._json(
                    200, {"id": "1", "model": body["model"], "choices": [choice], "usage": usage}
                )
            self._begin()
            for number, delta in enumerate(_deltas(message)):
                choice = {"index": 0, "delta": delta, "finish_reason": None}
                self._event({"choices": [choice | (told if number == 1 else {})]})
            self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
            if body.get("stream_options", {}).get("include_usage"):
                self._event({"choices": [], "usage": usage})
            self.wfile.write(b"data: [DONE]\n\n")
            return None

        def _fail(self, fault: Any, body: dict[str, Any]) -> None:
            self.close_connection = True
            status, headers = fault if isinstance(fault, tuple) else (fault, {})
            if isinstance(status, int):
                return self._json(status, {"error": {"message": f"oh no, {server.key} failed"}}, headers)
            match fault:
                case "nothing":
                    self.connection.close()
                case "silence":
                    server.released.wait(30)
                case "rubbish":
                    self._text(
                        200,
                        "text/event-stream" if body.get("stream") else "application/json",
                        b"<<what>>\n\n",
                    )
                case "page":
                    self._text(200, "text/html", b"<!doctype html><title>Router login</title>")
                case "list":
                    self._text(200, "application/json", b"[1, 2]")
                case "empty":
                    self._text(200, "text/event-stream" if body.get("stream") else "application/json", b"{}")
                case "in-stream":
                    self._begin()
                    self._event({"error": {"message": "out of memory"}})
                case "half" | "half-silence" | "slow":
                    self._begin()
                    self._event({"choices": [{"index": 0, "delta": {"content": "お茶は"}}]})
                    if fault == "half-silence":
                        server.released.wait(30)
                    while fault == "slow" and not server.released.wait(0.05):
                        try:
                            self.wfile.write(b": still here\n\n")
                        except OSError:
                            break
            return None

        def _begin(self) -> None:
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream; charset=utf-8")
            for name, value in server.extra.items():
                self.send_header(name, value)
            self.end_headers()

        def _event(self, chunk: dict[str, Any]) -> None:
            # in pieces that split characters and line ends
            data = f"data: {json.dumps(chunk, ensure_ascii=False)}\r\n\r\n".encode()
            for start in range(0, len(data), 7):
                self.wfile.write(data[start : start + 7])
                self.wfile.flush()

        def _json(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
            data = json.dumps(content).encode()
            self._text(status, "application/json", data, {**server.extra, **(headers or {})})

        def _text(self, status: int, kind: str, data: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            if self.close_connection:
                self.send_header("Connection", "close")
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.handle_error = lambda *args: None  # type: ignore[method-assign]
        server.host = f"127.0.0.1:{made.server_address[1]}"
        server.url = f"http://{server.host}/v1"
        thread = threading.Thread(target=made.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            made.shutdown()
            thread.join()


def _message(body: dict[str, Any], answer: str) -> dict[str, Any]:
    form = body.get("response_format", {}).get("type")
    if form in ("json_schema", "json_object"):
        schema = body["response_format"].get("json_schema", {}).get("schema", {})
        names = schema.get("properties") or {"setup": {}, "punchline": {}}
        return {
            "role": "assistant",
            "content": json.dumps(dict.fromkeys(names, "猫が笑う"), ensure_ascii=False),
        }
    last = body["messages"][-1]
    if body.get("tools") and last["role"] == "user" and body.get("tool_choice") != "none":
        return {"role": "assistant", "content": None, "tool_calls": [_call(body, str(last["content"]))]}
    return {"role": "assistant", "content": answer}


def _call(body: dict[str, Any], question: str) -> dict[str, Any]:
    choice = body.get("tool_choice")
    wanted = choice["function"]["name"] if isinstance(choice, dict) else body["tools"][0]["function"]["name"]
    tool = next(each["function"] for each in body["tools"] if each["function"]["name"] == wanted)
    number = re.search(r"\d+", question)
    values: dict[str, Any] = {}
    for name, kind in tool["parameters"].get("properties", {}).items():
        quoted = re.search(r"'([^']+)'", question)
        values[name] = (
            (int(number[0]) if number else 0)
            if kind.get("type") == "integer"
            else (quoted or ["", "pirate"])[1]
        )
    arguments = json.dumps(values, ensure_ascii=False)
    return {"id": "call_1", "type": "function", "function": {"name": wanted, "arguments": arguments}}


def _deltas(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    content = message["content"] or ""
    for start in range(0, len(content), 3):
        yield {"content": content[start : start + 3]}
    for index, call in enumerate(message.get("tool_calls", [])):
        function = call["function"]
        yield {
            "tool_calls": [
                {
                    "index": index,
                    "id": call["id"],
                    "type": "function",
                    "function": {"name": function["name"], "arguments": ""},
                }
            ]
        }
        for start in range(0, len(function["arguments"]), 4):
            yield {
                "tool_calls": [
                    {"index": index, "function": {"arguments": function["arguments"][start : start + 4]}}
                ]
            }
