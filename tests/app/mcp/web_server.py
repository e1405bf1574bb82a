"""A server over streamable HTTP for the tests: `python web_server.py PORT TOKEN [FILE]`."""

import os
import sys
from pathlib import Path

import uvicorn
from mcp.server import MCPServer
from mcp.types import ToolAnnotations
from starlette.requests import Request
from starlette.responses import PlainTextResponse

PORT, TOKEN, *FILES = sys.argv[1:]
READS = ToolAnnotations(read_only_hint=True)
server = MCPServer("web")


@server.tool(annotations=READS)
def add(a: int, b: int) -> int:
    return a + b


@server.tool(annotations=READS)
def pid() -> str:
    return str(os.getpid())


@server.tool()
def put(line: str) -> str:
    with Path(FILES[0]).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    return "put"


@server.tool()
def put_and_die(line: str) -> str:
    put(line)
    os._exit(1)


inner = server.streamable_http_app()


async def guarded(scope, receive, send):
    if scope["type"] == "http" and Request(scope).headers.get("authorization") != f"Bearer {TOKEN}":
        await PlainTextResponse("no", status_code=401)(scope, receive, send)
        return
    await inner(scope, receive, send)


uvicorn.run(guarded, host="127.0.0.1", port=int(PORT), log_level="error", lifespan="on")
