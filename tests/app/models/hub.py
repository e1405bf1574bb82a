"""A real HTTP server with one file, which misbehaves as a test asks."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Hub:
    """What the server does, and what it was asked.

    Attributes:
        content: The file.
        etag: Its tag; empty for none.
        drops: After how many bytes of each reply the connection ends, one for each request; then all comes.
        stalls: After how many bytes of each reply it says no more, and the connection stays, one for each request.
        ranges: Whether it knows ranges.
        size: What it says the size is, None for the truth.
        statuses: Statuses instead of the file, one for each request, with headers.
        linked: Say the checksum and the size as the hub does that stores large files.
        asked: Headers of the requests.
    """

    content: bytes
    etag: str = '"one"'
    drops: list[int] = field(default_factory=list)
    stalls: list[int] = field(default_factory=list)
    ranges: bool = True
    size: int | None = None
    statuses: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    linked: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    during: Callable[[], None] = lambda: None
    url: str = ""

    @property
    def digest(self) -> str:
        return sha256(self.content).hexdigest()

    @property
    def ranges_asked(self) -> list[str]:
        return [headers.get("range", "") for headers in self.asked]


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            hub.asked.append({name.lower(): value for name, value in self.headers.items()})
            self.close_connection = True
            if hub.statuses:
                status, headers = hub.statuses.pop(0)
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                return
            start = self._start()
            if start is None:
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = hub.content[start:]
            total = len(hub.content) if hub.size is None else hub.size
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(total - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            if hub.etag:
                self.send_header("ETag", hub.etag)
            if hub.linked:
                self.send_header("X-Linked-Etag", f'"{hub.digest}"')
                self.send_header("X-Linked-Size", str(len(hub.content)))
            self.end_headers()
            hub.during()
            if hub.stalls:
                self.wfile.write(body[: hub.stalls.pop(0)])
                self.connection.recv(1)  # until whoever asked has had enough
                return
            self.wfile.write(body[: hub.drops.pop(0)] if hub.drops else body)

        def _start(self) -> int | None:
            asked = self.headers.get("Range", "")
            fits = self.headers.get("If-Range") in (None, hub.etag)
            if not asked or not hub.ranges or not fits:
                return 0
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            return start if start < len(hub.content) else None

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_address[1]}/model.gguf"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
