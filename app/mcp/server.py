"""One server of the configuration, for the threads of this process: started when needed, and once again when it died."""

import asyncio
import logging
import re
import time
from collections.abc import Coroutine, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from app.mcp.configuration import ServerConfig
from app.mcp.loop import LoopThread
from terakoya.errors import NotSent, TerakoyaError, Unavailable
from terakoya.types import Language, ToolResult
from workflows.tools.wanting import SEPARATOR

if TYPE_CHECKING:  # mcp takes most of a second to import
    from app.mcp.connection import Connection

T = TypeVar("T")
_REST: Final = 120.0
"""Seconds for which a server that could not be started is left alone."""
_GRACE: Final = 10.0
_LONGEST_NAME: Final = 64
_SENTENCE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a server may take.

    Attributes:
        start: Seconds until it has to have told its tools.
        call: Seconds for one call.
        characters: Of a result; the rest is left out.
    """

    start: float = 30.0
    call: float = 60.0
    characters: int = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTool:
    """Implements `terakoya.protocols.Tool` for a tool of a server."""

    name: str
    own_name: str
    server: str
    description: str
    parameters: Mapping[str, Any]
    changes: bool
    asks: bool
    of: "McpServer"

    def call(self, arguments: Mapping[str, Any], *, language: Language) -> ToolResult:
        """Calls it at its server."""
        return self.of.call(self, arguments)


class McpServer:
    """A server with its session. Safe in several threads; what it does it does in the loop."""

    def __init__(self, config: ServerConfig, loop: LoopThread, *, path: Path, limits: Limits) -> None:
        self.config = config
        self.trouble: TerakoyaError | None = None
        self._loop = loop
        self._path = path
        self._limits = limits
        self._connection: Connection | None = None
        self._starting = asyncio.Lock()
        self._rests_until = 0.0
        self.closed = False

    def tools(self) -> list[ServerTool]:
        """Its tools; none where it cannot be used, and `trouble` says why."""
        try:
            connection = self._wait(self._ensured(), self._limits.start + _GRACE)
        except TerakoyaError:
            return []
        made = {}
        for tool in connection.tools:
            annotations = tool.annotations
            changes = not (annotations and annotations.read_only_hint is True)
            name = _tool_name(self.config.name, tool.name)
            made[name] = ServerTool(
                name=name,
                own_name=tool.name,
                server=self.config.name,
                description=tool.description or tool.title or "",
                parameters=tool.input_schema,
                changes=changes,
                asks=changes and tool.name not in self.config.allowed,
                of=self,
            )
        return list(made.values())

    def call(self, tool: ServerTool, arguments: Mapping[str, Any]) -> ToolResult:
        """Calls a tool. One that changes nothing is called again, once, where the server ended meanwhile.

        Raises:
            NotSent: The server has gone and cannot be started again; it was not called.
            Unavailable: It did not answer, or ended meanwhile.
        """
        wait = 2 * (self._limits.call + self._limits.start) + _GRACE
        return self._wait(self._called(tool, dict(arguments)), wait)

    async def stop(self) -> None:
        """Ends it."""
        if self._connection:
            await self._connection.stop()

    def _wait(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        if self.closed:
            work.close()
            raise NotSent("mcp_closed")
        future = self._loop.submit(work)
        try:
            return future.result(seconds)
        except CancelledError:
            raise Unavailable("mcp_closed") from None
        except TimeoutError:
            future.cancel()
            raise Unavailable(
                "mcp_slow", server=self.config.name, seconds=round(seconds), path=self._path
            ) from None

    async def _ensured(self) -> "Connection":
        """The session, begun if there is none.

        Raises:
            NotSent: There is none, and cannot be one now.
        """
        async with self._starting:
            connection = self._connection
            if connection and connection.open:
                if connection.stale:
                    await self._relist(connection)
                return connection
            if self._rests_until > time.monotonic() and self.trouble:
                raise self.trouble
            return await self._begin()

    async def _reached(self, tool: ServerTool) -> "Connection":
        """The session, looked at first where a call must not get lost: over HTTP nobody tells when the other end goes.

        Raises:
            NotSent: The server cannot be reached.
        """
        connection = await self._ensured()
        if not (tool.changes and self.config.url):
            return connection
        try:
            await connection.relist(self._limits.start)
        except Exception:
            await self._dropped(connection)
            return await self._ensured()
        return connection

    async def _dropped(self, connection: "Connection") -> None:
        if self._connection is connection:
            self._connection = None
        await connection.stop()

    async def _begin(self) -> "Connection":
        from app.mcp.connection import Connection

        quiet_libraries()
        connection = Connection(self.config)
        try:
            await connection.start(self._limits.start)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._rests_until = time.monotonic() + _REST
            self.trouble = self._not_started(error, connection)
            raise self.trouble from None
        self._connection, self.trouble, self._rests_until = connection, None, 0.0
        return connection

    def _not_started(self, error: BaseException, connection: "Connection") -> NotSent:
        if isinstance(error, TimeoutError):
            return NotSent(
                "mcp_slow", server=self.config.name, seconds=round(self._limits.start), path=self._path
            )
        said = [line for line in connection.said.splitlines() if line.strip()]
        # the line that names the error, as a stack trace or the version of the program may stand behind it
        told = next((line for line in said if re.search(r"error|cannot|not found", line, re.IGNORECASE)), "")
        last = told or (said[-1] if said else "")
        reason = self._plain(error) + (f" ({self._clean(last)})" if last else "")
        return NotSent("mcp_start", server=self.config.name, reason=reason, path=self._path)

    async def _relist(self, connection: "Connection") -> None:
        try:
            await connection.relist(self._limits.start)
        except Exception:  # the tools that are known stay; a call says what is wrong
            logging.getLogger(__name__).debug("no new list of tools from %s", self.config.name)

    async def _called(self, tool: ServerTool, arguments: dict[str, Any]) -> ToolResult:
        from mcp import MCPError
        from mcp.types import INVALID_PARAMS, METHOD_NOT_FOUND, REQUEST_TIMEOUT

        from app.mcp.results import result_of

        for again in (False, True):
            try:
                connection = await self._reached(tool)
            except TerakoyaError as error:
                raise NotSent(
                    "mcp_away", server=self.config.name, tool=tool.own_name, reason=self._clean(str(error))
                ) from None
            try:
                said = await connection.call(tool.own_name, arguments, self._limits.call)
                return result_of(said, characters=self._limits.characters)
            except TimeoutError:
                raise self._timeout(tool) from None
            except MCPError as error:
                if error.code == REQUEST_TIMEOUT:
                    raise self._timeout(tool) from None
                unsent = _unknown_session(error)
                if not (unsent or connection.ended or _closed(error)):
                    if error.code in (METHOD_NOT_FOUND, INVALID_PARAMS):
                        connection.stale = True
                    return ToolResult(text=self._clean(error.message), failed=True)
            except Exception as error:
                unsent = _refused(error)
            await self._dropped(connection)
            if again or (tool.changes and not unsent):
                break
        raise Unavailable("mcp_lost", server=self.config.name, tool=tool.own_name)

    def _timeout(self, tool: ServerTool) -> Unavailable:
        return Unavailable("mcp_timeout", tool=tool.name, seconds=round(self._limits.call))

    def _plain(self, error: BaseException) -> str:
        said = str(error) or type(error).__name__
        if isinstance(error, FileNotFoundError):
            said = f"{self.config.command}: {error.strerror}"
        return self._clean(said)

    def _clean(self, said: str) -> str:
        """Words of a server or a library for an error: on one line, short, and without the settings' secrets."""
        for secret in self.config.secrets:
            said = said.replace(secret, "***")
        return " ".join(said.split()).rstrip(".")[:_SENTENCE]


def quiet_libraries() -> None:
    """Keeps the SDK from writing to stderr: it logs whole messages, and addresses with what stands in them."""
    for name in ("mcp", "httpx2", "httpcore2"):
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
        logger.propagate = False


def _tool_name(server: str, tool: str) -> str:
    """A name that every model takes: letters, digits, `_` and `-`, at most 64."""
    plain = f"{server}{SEPARATOR}{re.sub(r'[^A-Za-z0-9_-]+', '-', tool)}"
    if len(plain) <= _LONGEST_NAME and plain.endswith(tool):
        return plain
    return f"{plain[: _LONGEST_NAME - 7]}-{sha256(tool.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"


def _closed(error: Any) -> bool:
    from mcp.types import CONNECTION_CLOSED

    return bool(error.code == CONNECTION_CLOSED)


def _unknown_session(error: Any) -> bool:
    """The server was started anew and knows nothing of this session, so that it did nothing."""
    return "session" in error.message.lower() and "terminated" in error.message.lower()


def _refused(error: BaseException) -> bool:
    """Whether nobody listened at the address, so that nothing was sent."""
    import httpx2

    return isinstance(error, httpx2.ConnectError)
