"""What stands before every route: Host, Origin, token, size of the body, headers, one log line."""

import hmac
import json
import secrets
import time
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.service import log
from app.service.errors import error_body
from app.service.language import reader_language
from terakoya.client import CHALLENGE_HEADER, PROOF_HEADER, proof
from terakoya.errors import BadInput, TerakoyaError, Unauthorised

LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
JSON_LIMIT: Final = 1024 * 1024
_SECURITY_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Forbidden(BadInput):
    """The request comes by a name or from a page that is not ours."""

    http_status = 403


class TooLarge(BadInput):
    """The body of the request is larger than the service reads."""

    http_status = 413


class Guard:
    """ASGI middleware in front of the whole application.

    Args:
        app: The application behind it.
        token: What every request but `/health` must show.
        port: Gives the port the service listens on, once it is bound.
        body_limit: Gives the most bytes that a request to a path may carry.
        replied: Gets method and status of each request.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str,
        port: Callable[[], int],
        body_limit: Callable[[str], int],
        replied: Callable[[str, int], None] = lambda method, status: None,
    ) -> None:
        self._app = app
        self._token = token
        self._port = port
        self._body_limit = body_limit
        self._replied = replied

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets the request through, or answers it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no WebSockets here: refused before they are accepted
            await send({"type": "websocket.close", "code": 1008})
            return
        log.request_id.set(secrets.token_hex(8))
        started = time.perf_counter()
        status, whole = 500, False

        async def reply(message: Message) -> None:
            nonlocal status, whole
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers["X-Request-Id"] = log.request_id.get()
                if scope["path"] == "/health" and (challenge := Headers(scope=scope).get(CHALLENGE_HEADER)):
                    headers[PROOF_HEADER] = proof(self._token, challenge[:256])
            whole = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        try:
            self._check(scope)
        except TerakoyaError as error:
            await _refuse(error, scope, reply)
        else:
            try:
                await self._limited(scope, receive, reply)
            except Exception:
                # Starlette raises again what it has answered and logged; the server would then close a connection
                # on which the client already asks for something else
                if not whole:
                    raise
        finally:
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            self._replied(scope["method"], status)
            log.event("request", method=scope["method"], path=scope["path"], status=status, ms=milliseconds)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        ours = {f"{name}:{self._port()}" for name in LOOPBACK_NAMES}
        if headers.get("host", "").lower() not in ours:
            raise Forbidden("foreign_host")
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in {f"http://{name}" for name in ours}:
            raise Forbidden("foreign_origin")
        if scope["path"] == "/health":
            return
        kind, _, shown = headers.get("authorization", "").partition(" ")
        matches = hmac.compare_digest(shown.strip().encode("utf-8", "replace"), self._token.encode())
        if kind.lower() != "bearer" or not matches:
            raise Unauthorised("token")

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self._body_limit(scope["path"])
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdecimal() or int(declared) > limit:
            await _refuse(_too_large(limit), scope, send)
            return
        total = 0
        exceeded = started = False

        async def counted() -> Message:
            nonlocal total, exceeded
            message = await receive()
            total += len(message.get("body", b""))
            if total > limit:
                exceeded = True
                return {"type": "http.disconnect"}
            return message

        async def unless_exceeded(message: Message) -> None:
            nonlocal started
            if not exceeded or started:
                started = True
                await send(message)

        try:
            await self._app(scope, counted, unless_exceeded)
        finally:
            if exceeded and not started:
                await _refuse(_too_large(limit), scope, send)


def _too_large(limit: int) -> TooLarge:
    return TooLarge("body_too_large", limit=f"{limit / 1024 / 1024:.0f}")


async def _refuse(error: TerakoyaError, scope: Scope, send: Send) -> None:
    language = reader_language(Headers(scope=scope).get("accept-language"))
    told = error_body(scope["path"], error, error.http_status, language)
    body = json.dumps(told, ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if error.http_status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if error.http_status == 413:  # the rest of the body was not read
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": error.http_status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
