"""One session with one server, from its start to its end, in one task of the event loop."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, Tool

from app.mcp.configuration import ServerConfig
from terakoya import __version__

_PAGES: Final = 20
_MOST_TOOLS: Final = 200
_KEPT: Final = 2000
_READ: Final = 300.0


class Connection:
    """A session that is kept open. All methods run in the event loop.

    Attributes:
        tools: What the server offered when it was asked last.
        stale: The server said that its tools are others now.
        said: The end of what a stdio server wrote to its stderr.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._client: Client | None = None
        self._ended = asyncio.Event()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.tools: list[Tool] = []
        self.stale = False
        self.said = ""

    @property
    def open(self) -> bool:
        """Whether a call can be sent, as far as is known."""
        return self._client is not None and not self._ended.is_set()

    @property
    def ended(self) -> bool:
        """Whether the server is known to have gone."""
        return self._ended.is_set()

    async def start(self, seconds: float) -> None:
        """Starts the server, or reaches it, and asks for its tools.

        Raises:
            TimeoutError: It did not answer in time.
            Exception: What else went wrong, as the SDK tells it.
        """
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # a task of its own: the SDK's scopes must be left by the task that entered them
        self._task = asyncio.create_task(self._live(ready), name=f"mcp-{self._config.name}")
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(ready)
        except BaseException:
            ready.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._task.cancel()  # it may wait for a server that never says a word
            await self.stop()
            raise

    async def call(self, tool: str, arguments: dict[str, Any], seconds: float) -> CallToolResult:
        """Calls a tool.

        Raises:
            TimeoutError: It did not answer in time.
            Exception: What else went wrong, as the SDK tells it.
        """
        if self._client is None:
            raise ConnectionError("no session")
        async with asyncio.timeout(seconds):
            return await self._client.call_tool(tool, arguments, read_timeout_seconds=seconds)

    async def relist(self, seconds: float) -> None:
        """Asks for the tools again."""
        if self._client is not None:
            self.stale = False
            async with asyncio.timeout(seconds):
                self.tools = await _all_tools(self._client)

    async def stop(self) -> None:
        """Ends the session, and the server where it was started here."""
        self._stop.set()
        if self._task:
            with suppress(TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(8):
                    await asyncio.shield(self._task)
            if not self._task.done():
                self._task.cancel()

    async def _live(self, ready: "asyncio.Future[None]") -> None:
        try:
            async with Client(self._transport(), message_handler=self._hear, cache=None) as client:
                self.tools = await _all_tools(client)
                self._client = client
                if not ready.done():
                    ready.set_result(None)
                stopping, ending = (asyncio.create_task(e.wait()) for e in (self._stop, self._ended))
                try:
                    await asyncio.wait((stopping, ending), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    stopping.cancel()
                    ending.cancel()
        except asyncio.CancelledError:
            if not ready.done():
                ready.cancel()
            raise
        except BaseException as error:  # of several at once the first says what went wrong
            if not ready.done():
                ready.set_exception(_first(error))
        finally:
            self._ended.set()
            self._client = None

    async def _hear(self, message: object) -> None:
        if getattr(message, "method", "") == "notifications/tools/list_changed":
            self.stale = True

    def _transport(self) -> Any:
        return _Watched(self._stdio() if self._config.command else self._http(), self._ended)

    @asynccontextmanager
    async def _stdio(self) -> AsyncIterator[Any]:
        config = self._config
        parameters = StdioServerParameters(
            command=config.command, args=list(config.args), env=dict(config.env), cwd=config.cwd or None
        )
        with _Stderr() as stderr:
            try:
                async with stdio_client(parameters, errlog=stderr.file) as streams:
                    stderr.file.close()  # the server has it; what it writes ends when it does
                    yield streams
            finally:
                self.said = stderr.said()

    @asynccontextmanager
    async def _http(self) -> AsyncIterator[Any]:
        headers = {"User-Agent": f"terakoya/{__version__}", **self._config.headers}
        timeout = httpx2.Timeout(30.0, read=_READ)
        async with (
            httpx2.AsyncClient(headers=headers, timeout=timeout) as http,
            streamable_http_client(self._config.url, http_client=http) as streams,
        ):
            yield streams


class _Watched:
    """A transport that tells when its other end has gone."""

    def __init__(self, inner: Any, ended: asyncio.Event) -> None:
        self._inner = inner
        self._ended = ended

    async def __aenter__(self) -> Any:
        read, write = await self._inner.__aenter__()
        sender, receiver = anyio.create_memory_object_stream[Any](0)
        self._forwarding = asyncio.create_task(self._forward(read, sender))
        return receiver, write

    async def __aexit__(self, *error: Any) -> bool | None:
        self._forwarding.cancel()
        with suppress(asyncio.CancelledError):
            await self._forwarding
        left: bool | None = await self._inner.__aexit__(*error)
        return left

    async def _forward(self, read: Any, sender: Any) -> None:
        try:
            async with sender:
                async for message in read:
                    await sender.send(message)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            pass
        finally:
            self._ended.set()


class _Stderr:
    """Reads what a server writes to its stderr, and keeps the end of it."""

    def __enter__(self) -> "_Stderr":
        read, write = os.pipe()
        self.file = os.fdopen(write, "w", encoding="utf-8")
        self._last = b""
        self._thread = threading.Thread(target=self._read, args=(read,), name="mcp-stderr", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def said(self) -> str:
        self._thread.join(0.5)
        return self._last.decode("utf-8", "replace")

    def _read(self, descriptor: int) -> None:
        with os.fdopen(descriptor, "rb", buffering=0) as pipe:
            while piece := pipe.read(4096):
                self._last = (self._last + piece)[-_KEPT:]


async def _all_tools(client: Client) -> list[Tool]:
    tools: list[Tool] = []
    cursor: str | None = None
    for _ in range(_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if not cursor or len(tools) >= _MOST_TOOLS:
            break
    return tools[:_MOST_TOOLS]


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
