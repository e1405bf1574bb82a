"""A reply that is whole leaves the connection to the next request, even where the application failed behind it."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.requests import Request

from app.service.guard import Guard

HEADERS = {"host": "127.0.0.1:8764", "authorization": "Bearer shown"}


def application() -> FastAPI:
    api = FastAPI()

    @api.get("/fails")
    def fails() -> None:
        raise RuntimeError("a mistake")

    @api.get("/stops")
    def stops() -> StreamingResponse:
        async def half() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError("a mistake")

        return StreamingResponse(half())

    def told(request: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse("told", status_code=500)

    api.add_exception_handler(Exception, told)
    return api


def asked(path: str) -> httpx.Response:
    guard = Guard(application(), token="shown", port=lambda: 8764, body_limit=lambda path: 1024)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(
            guard
        )  # what the application raises is raised here, as a server sees it
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8764") as client:
            return await client.get(path, headers=HEADERS)

    return asyncio.run(ask())


def test_a_failure_that_was_answered_goes_no_further() -> None:
    reply = asked("/fails")
    assert (reply.status_code, reply.text) == (500, "told")


def test_a_failure_amid_a_reply_reaches_the_server_which_cuts_it_off() -> None:
    with pytest.raises(RuntimeError, match="mistake"):
        asked("/stops")
