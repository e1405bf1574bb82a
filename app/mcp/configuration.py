"""Which MCP servers there are: a file with `mcpServers`, as Claude Desktop writes it."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from terakoya.errors import BadInput

_MOST: Final = 32
_LARGEST: Final = 1_000_000
_NAME: Final = re.compile(r"[^A-Za-z0-9-]+")
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """One server: a command to start, or an address.

    Attributes:
        name: Letters, digits and `-`; what its tools are called by.
        command: Program of a stdio server; empty for one with an address.
        args: Its arguments.
        env: Its environment, beside the few variables that every program needs.
        cwd: The folder it is started in; empty for that of this process.
        url: Address of a streamable HTTP server; empty for one with a command.
        headers: Sent to that with every request.
        allowed: Tools that are called without asking, whatever they say of themselves.
    """

    name: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    allowed: frozenset[str] = frozenset()

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not stand in an error or a log, the longest first."""
        values = {*self.env.values(), *self.headers.values()}
        values |= {word for value in self.headers.values() for word in value.split()}
        query = self.url.partition("?")[2]
        values |= {query, *re.findall(r"=([^&#]+)", query), *re.findall(r"//([^/@]+)@", self.url)}
        return tuple(sorted((v for v in values if len(v) >= 6), key=len, reverse=True))


def read_configuration(path: Path, environment: Mapping[str, str] = os.environ) -> list[ServerConfig]:
    """The servers that the file at `path` names, without those that are `disabled`; none without a file.

    `${NAME}` and `${NAME:-default}` in `env`, `headers`, `args` and `url` are taken from `environment`, so that
    secrets need not stand in the file. Keys that are not known are left alone: other programs have their own.

    Raises:
        BadInput: `mcp_config`: it is no such file; the error names the server and what is wrong.
    """
    try:
        if not path.exists():
            return []
        if path.stat().st_size > _LARGEST:
            raise BadInput("mcp_config", path=path, reason=f"over {_LARGEST} bytes")
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput("mcp_config", path=path, reason=error) from None
    entries = document.get("mcpServers") if isinstance(document, dict) else None
    if not isinstance(entries, dict):
        raise BadInput("mcp_config", path=path, reason="mcpServers is missing, or no object")
    if len(entries) > _MOST:
        raise BadInput("mcp_config", path=path, reason=f"more than {_MOST} servers")
    servers: dict[str, ServerConfig] = {}
    for name, entry in entries.items():
        try:
            server = _server(name, entry, environment)
        except ValueError as error:
            raise BadInput("mcp_config", path=path, reason=f"{name[:60]}: {error}") from None
        if server is None:
            continue
        if server.name in servers:
            raise BadInput("mcp_config", path=path, reason=f"two servers are called {server.name}")
        servers[server.name] = server
    return list(servers.values())


def _server(name: str, entry: Any, environment: Mapping[str, str]) -> ServerConfig | None:
    if not isinstance(entry, dict):
        raise ValueError("no object")
    if entry.get("disabled") is True or entry.get("enabled") is False:
        return None
    plain = _NAME.sub("-", name).strip("-")[:32]
    if not plain:
        raise ValueError("a name needs a letter or a digit")
    command, url = _text(entry, "command"), _filled(_text(entry, "url"), environment)
    if bool(command) == bool(url):
        raise ValueError("give either a command or a url")
    if url and not re.match(r"https?://[^/\s]", url):
        raise ValueError("the url is neither http nor https")
    if url and entry.get("type", "http") == "sse":
        raise ValueError("of the kinds over HTTP only streamable HTTP is known, not sse")
    args = entry.get("args", [])
    if not isinstance(args, list) or not all(isinstance(arg, str) for arg in args):
        raise ValueError("args is no list of texts")
    allowed = entry.get("alwaysAllow", [])
    if not isinstance(allowed, list) or not all(isinstance(tool, str) for tool in allowed):
        raise ValueError("alwaysAllow is no list of texts")
    headers = _texts(entry, "headers", environment)
    if any("\n" in value or "\r" in value for value in headers.values()):
        raise ValueError("a header has more than one line")
    return ServerConfig(
        name=plain,
        command=os.path.expanduser(command),  # noqa: PTH111 - a name on PATH is no path
        args=tuple(_filled(arg, environment) for arg in args),
        env=_texts(entry, "env", environment),
        cwd=os.path.expanduser(_text(entry, "cwd")),  # noqa: PTH111 - empty stays empty
        url=url,
        headers=headers,
        allowed=frozenset(allowed),
    )


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key, "")
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"{key} is no text")
    return value.strip()


def _texts(entry: Mapping[str, Any], key: str, environment: Mapping[str, str]) -> dict[str, str]:
    values = entry.get(key) or {}
    if not isinstance(values, dict) or not all(isinstance(v, str) and "\0" not in v for v in values.values()):
        raise ValueError(f"{key} is no object of texts")
    return {name: _filled(value, environment) for name, value in values.items()}


def _filled(value: str, environment: Mapping[str, str]) -> str:
    def fill(match: re.Match[str]) -> str:
        name, default = match.groups()
        if name not in environment and default is None:
            raise ValueError(f"the variable {name} is not set")
        return environment.get(name) or default or ""

    return _VARIABLE.sub(fill, value)
