"""All tools of an installation: those that are built in, and those of the servers."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Final

from app.mcp.configuration import ServerConfig
from app.mcp.loop import LoopThread
from app.mcp.server import Limits, McpServer
from terakoya.errors import TerakoyaError
from terakoya.protocols import Tool
from workflows.tools.wanting import SEPARATOR

_ENDING: Final = 10.0
"""Seconds for all servers to end."""


class McpToolbox:
    """Implements `terakoya.protocols.Toolbox`. A server is started when its tools are first asked for."""

    def __init__(
        self, builtin: Sequence[Tool], servers: Sequence[ServerConfig], *, path: Path, limits: Limits
    ) -> None:
        self._builtin = tuple(builtin)
        self._loop = LoopThread()
        self._servers = {
            config.name: McpServer(config, self._loop, path=path, limits=limits) for config in servers
        }

    def servers(self) -> Sequence[str]:
        """Names of the servers of the configuration."""
        return list(self._servers)

    def tools(self) -> Sequence[Tool]:
        """Those that are built in, then those of all servers that can be used; all are started at once."""
        if not self._servers:
            return self._builtin
        with ThreadPoolExecutor(len(self._servers), thread_name_prefix="mcp-list") as pool:
            found = pool.map(lambda server: server.tools(), self._servers.values())
            return [*self._builtin, *(tool for tools in found for tool in tools)]

    def named(self, name: str) -> Tool | None:
        """The tool of this name."""
        for tool in self._builtin:
            if tool.name == name:
                return tool
        server = self._servers.get(name.partition(SEPARATOR)[0])
        return next((tool for tool in server.tools() if tool.name == name), None) if server else None

    def troubles(self) -> Sequence[TerakoyaError]:
        """Why servers have no tools here now."""
        return [server.trouble for server in self._servers.values() if server.trouble]

    def close(self) -> None:
        """Ends all servers."""
        for server in self._servers.values():
            server.closed = True
        if self._loop.running:
            ending = [self._loop.submit(server.stop()) for server in self._servers.values()]
            wait(ending, _ENDING)
        self._loop.close()
